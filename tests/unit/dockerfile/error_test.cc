#include "builder/dockerfile/dockerfile.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::dockerfile;

TEST_CASE("every error has file, line, instruction and what was expected", "[dockerfile]") {
  struct Row {
    const char *text, *message;
  };
  for (const Row& row : {
           Row{"", "Dockerfile:1: the file holds no instruction (expected FROM)"},
           Row{"# only\n", "Dockerfile:1: the file holds no instruction"},
           Row{"ARG A\n", "Dockerfile:1: the file has no FROM"},
           Row{"RUN a\nFROM b\n", "Dockerfile:1: RUN: expected FROM first"},
           Row{"FROM a\nRNU b\n", "Dockerfile:2: unknown instruction \"RNU\" (did you mean RUN?)"},
           Row{"FROM a\nXYZZYX b\n", "Dockerfile:2: unknown instruction \"XYZZYX\""},
           Row{"FROM\n", "Dockerfile:1: FROM: expected an image"},
           Row{"FROM a b\n", "Dockerfile:1: FROM: expected an image, or an image and AS name"},
           Row{"FROM a is b\n", "Dockerfile:1: FROM: expected AS, found \"is\""},
           Row{"FROM a AS 1b\n", "Dockerfile:1: FROM: invalid stage name \"1b\""},
           Row{"FROM --plat=x a\n", "Dockerfile:1: FROM: unknown flag --plat"},
           Row{"FROM a\nRUN\n", "Dockerfile:2: RUN: expected a command"},
           Row{"FROM a\nRUN []\n", "Dockerfile:2: RUN: expected a command"},
           Row{"FROM a\nRUN --mont=x b\n",
               "Dockerfile:2: RUN: unknown flag --mont (did you mean --mount?)"},
           Row{"FROM a\nRUN --mount b\n", "Dockerfile:2: RUN: flag --mount needs a value"},
           Row{"FROM a\nRUN --mount=type=cach,target=/a b\n",
               "Dockerfile:2: RUN: --mount=type=cach,target=/a: unsupported mount type \"cach\" "
               "(did you mean cache?)"},
           Row{"FROM a\nRUN --mount=type=cache,tagret=/a b\n",
               "unknown key \"tagret\" (did you mean target?)"},
           Row{"FROM a\nRUN --mount=type=bind,target=/a,mode=1 b\n",
               "mode is not allowed for mounts of type bind"},
           Row{"FROM a\nRUN --mount=type=tmpfs b\n", "a mount of type tmpfs needs a target"},
           Row{"FROM a\nRUN --mount=type=secret b\n", "a secret mount needs id, source or target"},
           Row{"FROM a\nRUN --mount=type=cache,target=/a,size=1 b\n",
               "size is not allowed for mounts of type cache"},
           Row{"FROM a\nRUN --mount=type=cache,target=/a,ro=maybe b\n",
               "ro: expected true or false, found \"maybe\""},
           Row{"FROM a\nRUN --network=hosts b\n",
               "Dockerfile:2: RUN: --network: expected default, none or host, found \"hosts\" (did "
               "you mean host?)"},
           Row{"FROM a\nRUN --network=none --network=none b\n", "flag --network is given twice"},
           Row{"FROM a\nCOPY a\n",
               "Dockerfile:2: COPY: expected a destination after the source \"a\""},
           Row{"FROM a\nCOPY\n",
               "Dockerfile:2: COPY: expected one or more sources and a destination"},
           Row{"FROM a\nCOPY --form=x a b\n", "unknown flag --form (did you mean --from?)"},
           Row{"FROM a\nCOPY --link=maybe a b\n",
               "flag --link: expected true or false, found \"maybe\""},
           Row{"FROM a\nCOPY --from= a b\n", "--from must not be empty"},
           Row{"FROM a\nCOPY --from=$x a b\n", "--from cannot hold variables"},
           Row{"FROM a\nCOPY a <<E\nE\n", "the destination cannot be a heredoc"},
           Row{"FROM a\nRUN <<E\nx\n", "Dockerfile:2: RUN: heredoc <<E has no end"},
           Row{"FROM a\nENV a\n", "Dockerfile:2: ENV: expected a value after \"a\""},
           Row{"FROM a\nENV a=b c\n", "Dockerfile:2: ENV: expected name=value, found \"c\""},
           Row{"FROM a\nENV\n", "Dockerfile:2: ENV: expected name=value"},
           Row{"FROM a\nENV =b\n", "the name must not be empty"},
           Row{"FROM a\nARG =b\n", "the name must not be empty"},
           Row{"FROM a\nARG\n", "Dockerfile:2: ARG: expected a name"},
           Row{"FROM a\nWORKDIR\n", "Dockerfile:2: WORKDIR: expected a directory"},
           Row{"FROM a\nUSER\n", "Dockerfile:2: USER: expected user"},
           Row{"FROM a\nUSER --x y\n", "Dockerfile:2: USER: unknown flag --x; it takes no flags"},
           Row{"FROM a\nEXPOSE\n", "Dockerfile:2: EXPOSE: expected one or more ports"},
           Row{"FROM a\nVOLUME [\"\"]\n", "a volume's path must not be empty"},
           Row{"FROM a\nSHELL /bin/sh -c\n", "Dockerfile:2: SHELL: expected a JSON array"},
           Row{"FROM a\nSHELL []\n", "Dockerfile:2: SHELL: expected a JSON array"},
           Row{"FROM a\nSTOPSIGNAL\n", "Dockerfile:2: STOPSIGNAL: expected a signal"},
           Row{"FROM a\nHEALTHCHECK\n", "Dockerfile:2: HEALTHCHECK: expected CMD command, or NONE"},
           Row{"FROM a\nHEALTHCHECK NONE x\n", "NONE takes no arguments"},
           Row{"FROM a\nHEALTHCHECK CMD\n", "expected a command after CMD"},
           Row{"FROM a\nHEALTHCHECK TCP 80\n", "expected CMD or NONE, found \"TCP\""},
           Row{"FROM a\nHEALTHCHECK --interval=5 CMD a\n", "--interval: expected a duration"},
           Row{"FROM a\nHEALTHCHECK --interval=5us CMD a\n",
               "--interval: must be 0 or at least 1ms"},
           Row{"FROM a\nHEALTHCHECK --retries=-1 CMD a\n", "--retries: expected a number"},
           Row{"FROM a\nONBUILD\n", "Dockerfile:2: ONBUILD: expected an instruction"},
           Row{"FROM a\nONBUILD ONBUILD RUN a\n", "ONBUILD cannot be a trigger"},
           Row{"FROM a\nONBUILD FROM a\n", "FROM cannot be a trigger"},
           Row{"FROM a\nONBUILD RUN --bad a\n", "Dockerfile:2: ONBUILD: RUN: unknown flag --bad"},
           Row{"FROM a\nMAINTAINER\n", "Dockerfile:2: MAINTAINER: expected a name"},
           Row{"FROM a\n\nRUN x \\\n  y\nFOO\n", "Dockerfile:5: unknown instruction \"FOO\""},
       }) {
    INFO(row.text);
    auto result = parse(row.text, "Dockerfile");
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().kind == ErrorKind::InvalidInput);
    CHECK_THAT(result.error().message, Catch::Matchers::Contains(row.message));
    CHECK(result.error().message.find('\n') == std::string::npos);
  }
}
