// Finding the `<<NAME` words of a line. Pure; internal to this module.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "builder/dockerfile/node.h"
#include "common/base/result.h"

namespace imagebuild::dockerfile {

/// The heredocs a RUN, COPY or ADD line announces, in order, without bodies.
Result<std::vector<Heredoc>> heredocs_of(std::string_view line);

/// One word as a heredoc ("<<EOF", "3<<-'EOF'"), or nullopt when it is none.
std::optional<Heredoc> parse_heredoc(std::string_view word);

}  // namespace imagebuild::dockerfile
