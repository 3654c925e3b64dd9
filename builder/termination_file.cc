#include "builder/termination_file.h"

#include <fcntl.h>
#include <unistd.h>

namespace imagebuild {

Result<std::unique_ptr<TerminationFile>> TerminationFile::open(const std::string& path) {
  auto fd = TRY_CONTEXT(open_file(path, O_WRONLY | O_CREAT), "termination message");
  return std::unique_ptr<TerminationFile>(new TerminationFile(std::move(fd)));
}

void TerminationFile::step_started(const progress::Step& step) {
  contract::BuildReport report;
  report.state = contract::ReportState::Running;
  report.stage = step.stage;
  report.line = step.line;
  report.step = std::to_string(step.number) + "/" + std::to_string(step.total) + " " +
                step.text.substr(0, step.text.find('\n'));
  // The build goes on without it: the operator then reports the kill without its step.
  (void)write(report).ok();
}

Result<void> TerminationFile::write(const contract::BuildReport& report) {
  std::string message = contract::termination_message(report);
  std::lock_guard lock(mutex_);
  if (::pwrite(fd_.get(), message.data(), message.size(), 0) !=
          static_cast<ssize_t>(message.size()) ||
      ::ftruncate(fd_.get(), static_cast<off_t>(message.size())) != 0)
    return errno_error("write the termination message");
  return {};
}

}  // namespace imagebuild
