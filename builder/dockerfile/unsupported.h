// What the grammar knows and this builder does not execute yet. Every such feature is an error that
// names it and its line before anything runs; none is parsed and ignored. Supporting one is
// deleting its row in unsupported.cc.
#pragma once

#include <optional>
#include <string>

#include "builder/dockerfile/dockerfile.h"

namespace imagebuild::dockerfile {

/// The first feature of this instruction that is not executed,
/// as people write it ("RUN --device"), or nullopt.
std::optional<std::string> unsupported_feature(const Instruction& instruction);

/// InvalidInput "Dockerfile:7: RUN --device … is not supported yet" for the
/// first such instruction of the file.
Result<void> check_supported(const Dockerfile& dockerfile);

}  // namespace imagebuild::dockerfile
