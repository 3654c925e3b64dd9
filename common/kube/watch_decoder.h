// Bytes of a watch response → events. No I/O: the client feeds it whatever pieces arrive.
// An event is a line of JSON; a line longer than the bound is an error, so that a broken
// server cannot fill our memory.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace imagebuild::kube {

struct WatchEvent {
  enum class Type { Added, Modified, Deleted, Bookmark, Error };
  Type type = Type::Added;
  nlohmann::json object;  ///< for Error a Status, for Bookmark an object with nothing but
                          ///< metadata.resourceVersion

  /// metadata.resourceVersion, or "".
  std::string resource_version() const;
};

class WatchDecoder {
 public:
  explicit WatchDecoder(std::size_t max_line = 8u << 20) : max_line_(max_line) {}

  /// Decodes what is complete and calls `on_event` for each, in order; keeps the rest for the next
  /// call. InvalidInput: not JSON, no known type, or a line beyond the bound. An error of
  /// `on_event` ends the call with it.
  Result<void> feed(std::string_view bytes,
                    const std::function<Result<void>(WatchEvent)>& on_event);
  /// True when the stream ended here, it ended inside an event (which is lost: the watch was cut).
  bool inside_event() const { return !line_.empty(); }

 private:
  const std::size_t max_line_;
  std::string line_;
};

}  // namespace imagebuild::kube
