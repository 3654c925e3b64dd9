#include "common/kube/token_source.h"

#include "common/base/unique_fd.h"

namespace imagebuild::kube {
namespace {
constexpr auto kMaxAge = std::chrono::seconds(60);
constexpr std::size_t kMaxToken = 64u << 10;
}  // namespace

Result<void> TokenSource::read_locked() {
  std::string text = TRY_CONTEXT(read_file(file_, kMaxToken), "token file");
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  if (text.empty()) return fail(ErrorKind::Denied, "token file " + file_ + " is empty");
  token_ = std::move(text);
  read_at_ = Steady::now();
  return {};
}

Result<std::string> TokenSource::token() {
  std::lock_guard lock(mutex_);
  bool never = read_at_ == Steady::time_point{};
  if (!file_.empty() && (never || Steady::now() - read_at_ >= kMaxAge)) {
    auto read = read_locked();
    if (!read.ok() && never) return std::move(read).error();
  }
  return token_;
}

bool TokenSource::refresh(const std::string& refused) {
  std::lock_guard lock(mutex_);
  if (file_.empty()) return false;
  if (token_ != refused) return true;  // another thread has read it meanwhile
  return read_locked().ok() && token_ != refused;
}

}  // namespace imagebuild::kube
