// Lines and the trees they parse into, as one S-expression a line: the kind of the outside parser
// cases, for what those leave out. And words, as the outside word lists have them.
#include "builder/dockerfile/dockerfile.h"
#include "builder/dockerfile/expand.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::dockerfile;

namespace {

/// (run [--a=b] |x| |y|): the arguments between bars, so that blanks and quotes show.
std::string shown(const Node& node) {
  std::string out = "(" + node.command;
  for (const std::string& flag : node.flags) out += " [" + flag + "]";
  for (const Node& child : node.children) out += " " + shown(child);
  for (const std::string& arg : node.args) out += " |" + arg + "|";
  return out + (node.json ? " json)" : ")");
}

std::string tree(const std::string& text) {
  auto syntax = parse_syntax(text, "f");
  if (!syntax) return syntax.error().message;
  std::string out;
  for (const Node& node : syntax->nodes) out += (out.empty() ? "" : " ") + shown(node);
  return out;
}

std::optional<std::string> letters(std::string_view name) {
  if (name == "A") return "a";
  if (name == "AB") return "a b";
  if (name == "E") return "";
  return std::nullopt;
}

}  // namespace

TEST_CASE("each line gives its tree", "[dockerfile]") {
  struct Row {
    const char *text, *tree;
  };
  for (const Row& row : {
           Row{"FROM\ta \t AS\vb", "(from |a| |AS| |b|)"},
           Row{"  FROM a  ", "(from |a|)"},
           Row{"run a   b", "(run |a   b|)"},
           Row{"RUN [ \"a\" , \"b c\" ]", "(run |a| |b c| json)"},
           Row{"RUN [\"a\\\"b\", \"\\u0041\"]", "(run |a\"b| |A| json)"},
           Row{"RUN [a]", "(run |[a]|)"},
           Row{"RUN []", "(run json)"},
           Row{"CMD", "(cmd)"},
           Row{"CMD [\"a\"]x", "(cmd |[\"a\"]x|)"},
           Row{"RUN --mount=a --network=b c --d", "(run [--mount=a] [--network=b] |c --d|)"},
           Row{"RUN --x=\"a b\"c d", "(run [--x=a bc] |d|)"},
           Row{"RUN --x=a\\ b c", "(run [--x=a b] |c|)"},
           Row{"RUN -- --x", "(run |--x|)"},
           Row{"RUN - --x", "(run |- --x|)"},
           Row{"COPY a b  c", "(copy |a| |b| |c|)"},
           Row{"COPY \"a b\" c", "(copy |\"a| |b\"| |c|)"},
           Row{"COPY [\"a b\", \"c\"]", "(copy |a b| |c| json)"},
           Row{"ADD --chown=1:2 [\"a\", \"b\"]", "(add [--chown=1:2] |a| |b| json)"},
           Row{"ENV a=b c=\"d e\" f='g h' i=j\\ k",
               "(env |a| |b| |=| |c| |\"d e\"| |=| |f| |'g h'| |=| |i| |j\\ k| |=|)"},
           Row{"ENV a  b  c", "(env |a| |b  c| ||)"},
           Row{"ENV a= b=", "(env |a| || |=| |b| || |=|)"},
           Row{"ENV a==b=c", "(env |a| |=b=c| |=|)"},
           Row{"ENV \"a b\"=c", "(env |\"a b\"| |c| |=|)"},
           Row{"ENV a \\=b", "(env |a| |\\=b| ||)"},
           Row{"LABEL a.b/c=\"\" d",
               "f:1: LABEL: expected name=value, found \"d\" without \"=\" "
               "(quote values that hold blanks)"},
           Row{"ARG a b=c d=\"e f\"", "(arg |a| |b=c| |d=\"e f\"|)"},
           Row{"EXPOSE 80\t90/udp", "(expose |80| |90/udp|)"},
           Row{"VOLUME /a /b", "(volume |/a| |/b|)"},
           Row{"VOLUME [\"/a b\"]", "(volume |/a b| json)"},
           Row{"USER a b ", "(user |a b|)"},
           Row{"WORKDIR  \"/a b\" ", "(workdir |\"/a b\"|)"},
           Row{"SHELL [\"a\", \"-c\"]", "(shell |a| |-c| json)"},
           Row{"HEALTHCHECK --retries=2 CMD [\"a\"]", "(healthcheck [--retries=2] |CMD| |a| json)"},
           Row{"HEALTHCHECK CMD  a  b", "(healthcheck |CMD| |a  b|)"},
           Row{"HEALTHCHECK none", "(healthcheck |none|)"},
           Row{"ONBUILD  COPY --from=a b c", "(onbuild (copy [--from=a] |b| |c|))"},
           Row{"ONBUILD RUN [\"a\"]", "(onbuild (run |a| json))"},
           Row{"MAINTAINER a <b@c>", "(maintainer |a <b@c>|)"},
           Row{"RUN a \\\n# b\n  c \\\n\n d", "(run |a   c  d|)"},
           Row{"RUN a \\\n   # b\n", "(run |a|)"},
           Row{"RUN a \\ \t\nb", "(run |a b|)"},
           Row{"RUN a\\\\\nUSER b", "(run |a\\\\|) (user |b|)"},
           Row{"RUN a #b", "(run |a #b|)"},
           Row{"# escape=`\nRUN a `\n b\\\nUSER c", "(run |a  b\\|) (user |c|)"},
           Row{"RUN a\r\nUSER b\r", "(run |a|) (user |b|)"},
           Row{"RUN <<E\nx\nE\nUSER b", "(run |<<E|) (user |b|)"},
           Row{"UNKNOWN a", "(unknown)"},
       }) {
    INFO(row.text);
    CHECK(tree(row.text) == row.tree);
  }
}

TEST_CASE("each text splits into its words", "[dockerfile]") {
  using Words = std::vector<std::string>;
  struct Row {
    const char* text;
    Words words;
  };
  for (const Row& row : {
           Row{"", {}},
           Row{"  a\tb\n c ", {"a", "b", "c"}},
           Row{"$A$A", {"aa"}},
           Row{"$AB", {"a", "b"}},
           Row{"x${AB}y", {"xa", "by"}},
           Row{"\"$AB\"", {"a b"}},
           Row{"'$AB'", {"$AB"}},
           Row{"\\$AB", {"$AB"}},
           Row{"$E", {}},
           Row{"a$E b", {"a", "b"}},
           Row{"''", {}},
           Row{"a''b", {"ab"}},
           Row{"a\\ b c", {"a b", "c"}},
           Row{"${N:-$AB}", {"a", "b"}},
           Row{"${N:-\"a b\"}", {"a", "b"}},
           Row{"${A:+c d}", {"c", "d"}},
           Row{"\"a\"'b'c", {"abc"}},
           Row{"a\xc2\xa0"
               "b",
               {"a", "b"}},
           Row{"한 국", {"한", "국"}},
       }) {
    INFO(row.text);
    auto words = expand_words(row.text, letters);
    REQUIRE(words.ok());
    CHECK(*words == row.words);
  }
}
