// Pure pieces of instruction semantics: command lines, environments, paths, history texts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "builder/dockerfile/instruction.h"
#include "common/base/result.h"
#include "common/oci/image_config.h"

namespace imagebuild::executor {

inline constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The stage's SHELL, or {"/bin/sh", "-c"}.
std::vector<std::string> shell_of(const oci::ContainerConfig& config);
/// argv of a command: as it is in exec form, behind the shell in shell form.
std::vector<std::string> command_argv(const dockerfile::CommandLine& command,
                                      const oci::ContainerConfig& config);

/// RUN's environment: the default PATH, ENV, visible and hidden ARGs; later ones win (Scope has
/// decided between ENV and ARG of one name); HOME unless something set it.
std::vector<std::string> run_environment(
    const oci::ContainerConfig& config,
    const std::vector<std::pair<std::string, std::string>>& args, const std::string& home);

/// `path` joined to the stage's WORKDIR, cleaned: absolute, no ".", "..", "//" or trailing slash.
std::string absolute_path(std::string_view path, std::string_view working_dir);
/// Written as a directory: "dir/", ".", "dir/.", "..".
bool names_directory(std::string_view path);

/// "RUN |1 VERSION=1.2 /bin/sh -c npm ci", as docker history shows it.
std::string run_history(const std::vector<std::string>& argv,
                        const std::vector<std::pair<std::string, std::string>>& args);
/// HEALTHCHECK as the image config has it.
oci::Healthcheck make_healthcheck(const dockerfile::Healthcheck& instruction);
/// EXPOSE's words: "80" → "80/tcp", "8000-8002/udp" → three. InvalidInput for anything else.
Result<std::vector<std::string>> expand_ports(const std::string& text);

}  // namespace imagebuild::executor
