// pkt-line, the framing of git's protocols (gitprotocol-common): four hex digits of length, then
// the payload. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace imagebuild::git {

struct Packet {
  enum class Kind { Data, Flush, Delimiter, ResponseEnd } kind = Kind::Data;
  std::string_view text;  ///< without the trailing newline; points into the reader's text
};

class PacketReader {
 public:
  explicit PacketReader(std::string_view text) : rest_(text) {}
  /// The next packet, nullopt at the end. InvalidInput: not pkt-line, or cut short.
  Result<std::optional<Packet>> next();

 private:
  std::string_view rest_;
};

std::string packet(std::string_view text);
inline constexpr std::string_view kFlushPacket = "0000";
inline constexpr std::string_view kDelimiterPacket = "0001";

}  // namespace imagebuild::git
