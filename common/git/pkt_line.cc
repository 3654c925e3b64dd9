// See pkt_line.h.
#include "common/git/pkt_line.h"

#include <charconv>
#include <cstdio>

namespace imagebuild::git {

Result<std::optional<Packet>> PacketReader::next() {
  if (rest_.empty()) return std::optional<Packet>();
  unsigned length = 0;
  auto [end, status] = std::from_chars(
      rest_.data(), rest_.data() + std::min<std::size_t>(4, rest_.size()), length, 16);
  if (rest_.size() < 4 || status != std::errc() || end != rest_.data() + 4)
    return fail(ErrorKind::InvalidInput, "not a git answer (no pkt-line)");
  if (length < 4) {
    static constexpr Packet::Kind kKinds[] = {Packet::Kind::Flush, Packet::Kind::Delimiter,
                                              Packet::Kind::ResponseEnd};
    if (length == 3)
      return fail(ErrorKind::InvalidInput, "not a git answer (pkt-line of length 3)");
    rest_.remove_prefix(4);
    return std::optional<Packet>(Packet{kKinds[length], {}});
  }
  if (length > rest_.size()) return fail(ErrorKind::InvalidInput, "the git answer is cut short");
  std::string_view text = rest_.substr(4, length - 4);
  rest_.remove_prefix(length);
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  return std::optional<Packet>(Packet{Packet::Kind::Data, text});
}

std::string packet(std::string_view text) {
  char length[5];
  std::snprintf(length, sizeof length, "%04x", static_cast<unsigned>(text.size() + 4));
  return length + std::string(text);
}

}  // namespace imagebuild::git
