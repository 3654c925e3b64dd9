// The container's termination message, kept current: while the build runs it says which step is
// running, at the end it is the report. Written in place (one pwrite and a truncation, never a
// rename: the kubelet bind-mounts the file), so that a kill at any moment leaves the step it hit.
#pragma once

#include <mutex>
#include <string>

#include "builder/progress/progress.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/contract/build_report.h"

namespace imagebuild {

class TerminationFile final : public progress::Progress {
 public:
  static Result<std::unique_ptr<TerminationFile>> open(const std::string& path);

  void step_started(const progress::Step& step) override;
  void step_output(const progress::Step&, std::string_view) override {}
  void step_finished(const progress::Step&, const progress::StepResult&) override {}
  void transfer(const progress::Transfer&) override {}
  void note(std::string_view) override {}
  void warning(std::string_view) override {}

  Result<void> write(const contract::BuildReport& report);

 private:
  explicit TerminationFile(UniqueFd fd) : fd_(std::move(fd)) {}

  std::mutex mutex_;  // one message at a time
  UniqueFd fd_;
};

}  // namespace imagebuild
