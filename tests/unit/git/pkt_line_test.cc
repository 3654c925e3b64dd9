#include "common/git/pkt_line.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::git;

TEST_CASE("packets are framed and read back", "[git]") {
  std::string text =
      packet("hello\n") + std::string(kDelimiterPacket) + packet("") + std::string(kFlushPacket);
  CHECK(text == "000ahello\n000100040000");
  PacketReader reader(text);
  auto first = *reader.next();
  CHECK(first->text == "hello");
  CHECK((*reader.next())->kind == Packet::Kind::Delimiter);
  auto empty = *reader.next();
  CHECK(empty->kind == Packet::Kind::Data);
  CHECK(empty->text.empty());
  CHECK((*reader.next())->kind == Packet::Kind::Flush);
  CHECK_FALSE((*reader.next()).has_value());
}

TEST_CASE("what is no pkt-line is refused", "[git]") {
  for (const char* text : {"x", "zzzzabc", "00", "0003", "0010abc", "+00aabc", "ffff"}) {
    INFO(text);
    CHECK_FALSE(PacketReader(text).next().ok());
  }
}
