#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "builder/build_command.h"
#include "builder/context/context.h"
#include "builder/dockerfile/check.h"
#include "builder/dockerfile/dockerfile.h"
#include "builder/dockerfile/unsupported.h"
#include "builder/sandbox/isolation.h"
#include "common/base/unique_fd.h"

namespace imagebuild {
namespace {

int complain(const Error& error, int status) {
  std::fprintf(stderr, "error: %s\n", error.message.c_str());
  return status;
}

Json findings_to_json(const std::vector<dockerfile::Finding>& findings) {
  Json list = Json::array();
  for (const auto& finding : findings)
    list.push_back({{"rule", finding.rule},
                    {"description", finding.description},
                    {"message", finding.message},
                    {"line", finding.line}});
  return list;
}

}  // namespace

int check_command(const CheckFlags& flags) {
  std::string file = flags.file.empty() ? "" : std::filesystem::absolute(flags.file).string();
  auto context = context::open_directory({.path = flags.context, .dockerfile = file});
  if (!context)
    return complain(context.error(), context.error().kind == ErrorKind::NotFound ? 3 : 1);
  auto parsed = dockerfile::parse(context->dockerfile().text, context->dockerfile().name);
  if (!parsed) {
    if (flags.format == "json")
      std::printf("%s\n", dump_json({{"error", parsed.error().message}}, 2).c_str());
    return complain(parsed.error(), 1);
  }
  dockerfile::CheckOptions options;
  options.ignored = [&](const std::string& path) { return context->ignore().ignored(path); };
  for (const auto& item : flags.build_args) {
    auto equals = item.find('=');
    options.build_args[item.substr(0, equals)] =
        equals == std::string::npos ? "" : item.substr(equals + 1);
  }
  auto result = dockerfile::check(*parsed, options);
  if (!result) return complain(result.error(), 1);
  auto supported = dockerfile::check_supported(*parsed);
  if (flags.format == "json") {
    std::printf("%s\n", dump_json({{"dockerfile", dockerfile::to_json(*parsed)},
                                   {"findings", findings_to_json(result->findings)}},
                                  2)
                            .c_str());
  } else {
    for (const auto& finding : result->findings)
      std::printf("%s:%d: %s: %s\n", parsed->name.c_str(), finding.line, finding.rule.c_str(),
                  finding.message.c_str());
    std::printf("%s: %zu stages, %zu findings\n", parsed->name.c_str(), parsed->stages.size(),
                result->findings.size());
  }
  if (!supported) return complain(supported.error(), 1);
  return result->fail ? 1 : 0;
}

int doctor_command(const DoctorFlags& flags) {
  const char* temporary = std::getenv("TMPDIR");
  std::string store = !flags.work_dir.empty()                      ? flags.work_dir
                      : temporary != nullptr && *temporary != '\0' ? temporary
                                                                   : "/var/tmp";
  std::error_code ignored;
  if (!std::filesystem::is_directory(store, ignored))
    return complain(errno_error("--work-dir " + store, ENOENT), 3);
  auto report =
      probe_isolation({.store_dir = store + "/imagebuild-doctor." + std::to_string(::getpid())});
  std::filesystem::remove_all(store + "/imagebuild-doctor." + std::to_string(::getpid()), ignored);
  if (flags.format == "json")
    std::printf("%s\n", dump_json(isolation_to_json(report), 2).c_str());
  else
    std::fputs(render_isolation(report).c_str(), stdout);
  for (const auto& mode : report.modes)
    if (mode.available) return 0;
  return 3;
}

int install_profile_command(const InstallProfileFlags& flags) {
  auto text = read_file(flags.from, 1u << 20);
  if (!text) return complain(text.error(), 3);
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(flags.to).parent_path(), error);
  if (error) return complain(errno_error("make the folder of " + flags.to, error.value()), 3);
  if (auto written = write_file_atomically(flags.to, *text); !written)
    return complain(written.error(), 3);
  std::printf("installed %s (%zu bytes)\n", flags.to.c_str(), text->size());
  std::fflush(stdout);
  if (flags.once) return 0;
  // Stays, so that the DaemonSet's pod is Ready as long as the node has the profile.
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  int signal = 0;
  ::sigwait(&set, &signal);
  return 0;
}

}  // namespace imagebuild
