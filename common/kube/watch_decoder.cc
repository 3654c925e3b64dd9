#include "common/kube/watch_decoder.h"

#include <optional>

#include "common/base/json.h"

namespace imagebuild::kube {
namespace {

std::optional<WatchEvent::Type> parse_type(std::string_view text) {
  using Type = WatchEvent::Type;
  if (text == "ADDED") return Type::Added;
  if (text == "MODIFIED") return Type::Modified;
  if (text == "DELETED") return Type::Deleted;
  if (text == "BOOKMARK") return Type::Bookmark;
  if (text == "ERROR") return Type::Error;
  return std::nullopt;
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

Result<WatchEvent> decode(std::string_view line) {
  Json event = TRY_CONTEXT(parse_json(line), "watch event");
  std::string name = string_at(event, {"type"});
  auto type = parse_type(name);
  if (!type)
    return fail(ErrorKind::InvalidInput,
                "watch event: unknown type \"" + name.substr(0, 40) + "\"");
  auto object = event.find("object");
  if (object == event.end() || !object->is_object())
    return fail(ErrorKind::InvalidInput, "watch event " + name + ": it has no object");
  return WatchEvent{*type, std::move(*object)};
}

}  // namespace

std::string WatchEvent::resource_version() const {
  return string_at(object, {"metadata", "resourceVersion"});
}

Result<void> WatchDecoder::feed(std::string_view bytes,
                                const std::function<Result<void>(WatchEvent)>& on_event) {
  while (!bytes.empty()) {
    auto end = bytes.find('\n');
    std::string_view piece = bytes.substr(0, end);
    if (line_.size() + piece.size() > max_line_)
      return fail(ErrorKind::InvalidInput,
                  "watch event longer than " + std::to_string(max_line_) + " bytes");
    if (end == std::string_view::npos) {
      line_ += piece;
      return {};
    }
    bytes.remove_prefix(end + 1);
    std::string whole;
    if (!line_.empty()) {
      whole = std::exchange(line_, {});
      whole += piece;
      piece = whole;
    }
    if (is_blank(piece)) continue;
    WatchEvent event = TRY(decode(piece));
    TRY(on_event(std::move(event)));
  }
  return {};
}

}  // namespace imagebuild::kube
