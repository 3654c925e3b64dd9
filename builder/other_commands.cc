#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "builder/build_command.h"
#include "builder/sandbox/isolation.h"
#include "common/base/unique_fd.h"

namespace imagebuild {
namespace {

int complain(const Error& error, int status) {
  std::fprintf(stderr, "error: %s\n", error.message.c_str());
  return status;
}

}  // namespace

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
