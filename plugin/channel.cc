#include "plugin/channel.h"

#include <algorithm>
#include <cstring>

namespace imagebuild::plugin {

Result<void> Channel::write(std::string_view bytes) {
  while (!bytes.empty()) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return abandoned_ || bytes_.size() - begin_ < capacity_; });
    if (abandoned_) return fail(ErrorKind::Canceled, "nobody reads any more");
    bytes_.erase(0, begin_);
    begin_ = 0;
    const std::size_t count = std::min(bytes.size(), capacity_ - bytes_.size());
    bytes_ += bytes.substr(0, count);
    bytes.remove_prefix(count);
    changed_.notify_all();
  }
  return {};
}

void Channel::close(Result<void> how) {
  std::lock_guard lock(mutex_);
  closed_ = true;
  if (!how.ok()) error_ = std::move(how).error();
  changed_.notify_all();
}

Result<std::size_t> Channel::read(std::span<char> buffer) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || begin_ < bytes_.size(); });
  if (begin_ == bytes_.size()) {
    if (error_) return *error_;
    return 0;
  }
  const std::size_t count = std::min(buffer.size(), bytes_.size() - begin_);
  std::memcpy(buffer.data(), bytes_.data() + begin_, count);
  begin_ += count;
  changed_.notify_all();
  return count;
}

void Channel::abandon() {
  std::lock_guard lock(mutex_);
  abandoned_ = true;
  changed_.notify_all();
}

}  // namespace imagebuild::plugin
