#include "plugin/text.h"

#include "tests/support/catch.h"

using namespace imagebuild::plugin;

TEST_CASE("what a Dockerfile or a registry says cannot move the cursor") {
  CHECK(one_line("a\033[31mb\x07") == "a?[31mb?");
  CHECK(one_line("a\xc2\x9b"
                 "31m") == "a?31m");  // C1 control sequence introducer
  CHECK(one_line("abc\xe2\x80\xae"
                 "fed") == "abc?fed");  // right-to-left override
  CHECK(one_line("\xff\xfe x") == "?? x");
  CHECK(one_line(" a \n\t b ") == "a b");
  CHECK(printable("a\tb\r\nc\033") == "a\tb\nc?");
}

TEST_CASE("widths count characters and not bytes") {
  const Style style;
  CHECK(columns("größe") == 5);
  CHECK(pad_right("ö", 3) == "ö  ");
  CHECK(pad_left("ö", 3) == "  ö");
  CHECK(clip(style, "größer", 5) == "größ…");
  CHECK(clip(style, "größe", 5) == "größe");
  CHECK(clip({.unicode = false}, "abcdef", 5) == "ab...");
  CHECK(clip(style, "abc", 0).empty());
  CHECK(clip_front(style, "/usr/lib/größe", 6) == "…größe");
}

TEST_CASE("long texts wrap at words, and only a word too long for a line is broken") {
  CHECK(wrap("one two three", 9, " ") == " one two\n three\n");
  CHECK(wrap("digests x", 4, " ") == " dig\n est\n s x\n");
  CHECK(wrap("", 80, "  ").empty());
}

TEST_CASE("colour is written only where the style allows it") {
  CHECK(paint({}, Colour::Red, "x") == "x");
  CHECK(paint({.colour = true}, Colour::Red, "x") == "\033[31mx\033[0m");
}

TEST_CASE("a table's last column is cut at the style's width") {
  Table table({{"NAME"}, {"SIZE", true}, {"WHY"}});
  table.add({"web", "1.0MiB", "because it is long"});
  CHECK(table.render({.width = 20}) == "NAME    SIZE  WHY\nweb   1.0MiB  becau…\n");
}
