#include "builder/layer/mode_change.h"

#include "tests/support/catch.h"

using namespace imagebuild;

TEST_CASE("what --chmod makes of a file's mode and of a directory's") {
  struct Row {
    const char* text;
    unsigned mode, file, directory;
  };
  for (const Row& row : {
           Row{"0", 0644, 0, 0},
           {"755", 0600, 0755, 0755},
           {"0755", 0600, 0755, 0755},
           {"07777", 0600, 07777, 07777},
           {"4755", 0600, 04755, 04755},
           {"u+x", 0644, 0744, 0744},
           {"+x", 0644, 0755, 0755},
           {"a+x", 0644, 0755, 0755},
           {"-w", 0666, 0444, 0444},
           {"go-rwx", 0755, 0700, 0700},
           {"u=rwX,go=rX", 0640, 0644, 0755},
           {"u=rwX,go=rX", 0740, 0755, 0755},
           {"u=rwX,go=rX", 0001, 0755, 0755},
           {"a=rX", 0666, 0444, 0555},
           {"=", 0777, 0, 0},
           {"u=", 04777, 0077, 0077},
           {"u=rwx", 04644, 0744, 0744},
           {"g=u", 0740, 0770, 0770},
           {"o=g", 0750, 0755, 0755},
           {"go=u-w", 0755, 0755, 0755},
           {"u+s", 0755, 04755, 04755},
           {"g+s", 0755, 02755, 02755},
           {"ug+s", 0755, 06755, 06755},
           {"o+s", 0755, 0755, 0755},
           {"+t", 0777, 01777, 01777},
           {"o+t", 0777, 01777, 01777},
           {"u+t", 0777, 0777, 0777},
           {"u+r-w", 0200, 0400, 0400},
           {"u+rw,u-w", 0000, 0400, 0400},
           {"a+X", 0600, 0600, 0711},
       }) {
    INFO(row.text << " on " << std::oct << row.mode);
    auto change = ModeChange::parse(row.text);
    REQUIRE(change.ok());
    CHECK(change->apply(row.mode, false) == row.file);
    CHECK(change->apply(row.mode, true) == row.directory);
  }
}

TEST_CASE("only an octal mode is known before the file is") {
  CHECK(ModeChange::parse("0750")->octal() == 0750u);
  CHECK_FALSE(ModeChange::parse("u=rwx,go=")->octal());
}

TEST_CASE("what is no mode is refused as it was written") {
  for (const char* text : {"", "8", "0x1ff", "755 ", " 755", "10000", "77777777777777777777", "u",
                           "u=z", "u+x,", ",", "z+x", "rw", "u+x;g+x", "7u", "a=b", "u=rwxo"}) {
    INFO(text);
    auto change = ModeChange::parse(text);
    REQUIRE_FALSE(change.ok());
    CHECK(change.error().kind == ErrorKind::InvalidInput);
    CHECK(change.error().message.starts_with("--chmod=" + std::string(text) + ": expected"));
  }
}
