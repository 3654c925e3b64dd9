#include "builder/dockerfile/check.h"

#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::dockerfile;

namespace {

/// "Rule:line …" in order.
std::string found(const std::string& text, CheckOptions options = {}) {
  auto file = parse(text, "Dockerfile");
  if (!file) FAIL(file.error().message);
  auto result = check(*file, options);
  if (!result) FAIL(result.error().message);
  std::string out;
  for (const Finding& finding : result->findings) {
    CHECK_FALSE(finding.description.empty());
    out += (out.empty() ? "" : " ") + finding.rule + ":" + std::to_string(finding.line);
  }
  return out;
}

}  // namespace

TEST_CASE("each rule finds its case and not its neighbour", "[dockerfile]") {
  struct Row {
    const char *text, *expected;
  };
  for (const Row& row : {
           Row{"FROM a AS Build\n", "StageNameCasing:1"},
           Row{"FROM a AS build\n", ""},
           Row{"FROM a as build\n", "FromAsCasing:1"},
           Row{"from a AS build\n", "FromAsCasing:1"},
           Row{"FROM a\nRUN x \\\n\n  y\n", "NoEmptyContinuation:4"},
           Row{"FROM a\nRUN x \\\n # comment\n  y\n", ""},
           Row{"FROM a\nRUN x\nrun y\n", "ConsistentInstructionCasing:3"},
           Row{"from a\nrun x\nrun y\nRUN z\n", "ConsistentInstructionCasing:4"},
           Row{"FROM a\nRun x\n", "ConsistentInstructionCasing:2"},
           Row{"FROM a AS b\nFROM c AS b\n", "DuplicateStageName:2"},
           Row{"FROM a AS scratch\n", "ReservedStageName:1"},
           Row{"FROM a AS context\n", "ReservedStageName:1"},
           Row{"FROM a\nCMD x y\n", "JSONArgsRecommended:2"},
           Row{"FROM a\nENTRYPOINT x y\n", "JSONArgsRecommended:2"},
           Row{"FROM a\nSHELL [\"/bin/bash\", \"-c\"]\nCMD x y\n", ""},
           Row{"FROM a\nCMD [\"x\"]\n", ""},
           Row{"FROM a\nMAINTAINER x\n", "MaintainerDeprecated:2"},
           Row{"FROM a:$TAG\n", "UndefinedArgInFrom:1 InvalidDefaultArgInFrom:1"},
           Row{"FROM a:${TAG:-1}\n", ""},
           Row{"ARG TAG=1\nFROM a:$TAG\n", ""},
           Row{"ARG TAG\nFROM a:$TAG\n", "InvalidDefaultArgInFrom:2"},
           Row{"ARG IMAGE\nFROM $IMAGE\n", "InvalidDefaultArgInFrom:2"},
           Row{"FROM host.io:5000/Upper/x\n", "InvalidDefaultArgInFrom:1"},
           Row{"FROM Registry.io:5000/x/y:Tag@sha256:ab\n", ""},
           Row{"FROM a\nWORKDIR x\n", "WorkdirRelativePath:2"},
           Row{"FROM a\nWORKDIR x\nWORKDIR y\n", "WorkdirRelativePath:2"},
           Row{"FROM a\nWORKDIR /x\nWORKDIR y\n", ""},
           Row{"FROM a AS b\nWORKDIR /x\nFROM b\nWORKDIR y\n", ""},
           Row{"FROM scratch\nCOPY $dir .\n", "UndefinedVar:2"},
           Row{"FROM scratch\nCOPY ${dir:-x} .\n", ""},
           Row{"FROM scratch\nARG dir\nCOPY $dir .\n", ""},
           Row{"FROM scratch\nENV dir=/a\nCOPY $dir .\n", ""},
           Row{"FROM scratch\nENV PATH=$PATH:/a\n", ""},
           Row{"FROM node\nCOPY $NODE_VERSION .\n", ""},
           Row{"FROM node\nENV PATH=$PAHT:/a\n", "UndefinedVar:2"},
           Row{"FROM scratch\nCOPY $http_proxy .\n", ""},
           Row{"FROM scratch AS a\nARG x\nFROM a\nCOPY $x .\n", ""},
           Row{"FROM a\nCMD [\"a\"]\nCMD [\"b\"]\n", "MultipleInstructionsDisallowed:2"},
           Row{"FROM a\nHEALTHCHECK NONE\nHEALTHCHECK CMD a\n", "MultipleInstructionsDisallowed:2"},
           Row{"FROM a\nCMD [\"a\"]\nFROM b\nCMD [\"b\"]\n", ""},
           Row{"FROM a\nENV x y\n", "LegacyKeyValueFormat:2"},
           Row{"FROM a\nLABEL x y\n", "LegacyKeyValueFormat:2"},
           Row{"FROM --platform=$TARGETPLATFORM a\n", "RedundantTargetPlatform:1"},
           Row{"FROM --platform=$BUILDPLATFORM a\n", ""},
           Row{"FROM --platform=linux/amd64 a\n", "FromPlatformFlagConstDisallowed:1"},
           Row{"FROM --platform=linux/amd64 a AS build-amd64\n", ""},
           Row{"FROM a\nARG NPM_TOKEN\n", "SecretsUsedInArgOrEnv:2"},
           Row{"FROM a\nENV DB_PASSWORD=x\n", "SecretsUsedInArgOrEnv:2"},
           Row{"FROM a\nENV PUBLIC_KEY=x TOKEN_FILE=y MONKEY=z\n", ""},
           Row{"FROM a\nEXPOSE 80/TCP\n", "ExposeProtoCasing:2"},
           Row{"FROM a\nEXPOSE 80/tcp 90\n", ""},
           Row{"FROM a\nEXPOSE 127.0.0.1:80:80\n", "ExposeInvalidFormat:2"},
           Row{"FROM a\nEXPOSE 8080:80\n", "ExposeInvalidFormat:2"},
           Row{"# check=experimental=InvalidDefinitionDescription\n# wrong words\nARG A=1\n# B is "
               "it\nARG B\nFROM a\n",
               "InvalidDefinitionDescription:3"},
           Row{"# wrong words\nARG A=1\nFROM a\n", ""},
       }) {
    INFO(row.text);
    CHECK(found(row.text) == row.expected);
  }
}

TEST_CASE("the check directive skips rules and makes findings fail", "[dockerfile]") {
  const std::string body = "FROM a as B\nMAINTAINER x\n";
  CHECK(found(body) == "StageNameCasing:1 FromAsCasing:1 MaintainerDeprecated:2");
  CHECK(found("# check=skip=StageNameCasing, FromAsCasing\n" + body) == "MaintainerDeprecated:3");
  CHECK(found("# check=skip=all\n" + body).empty());
  CHECK(found("FROM a\n# check=skip=MaintainerDeprecated\nMAINTAINER x\nMAINTAINER y\n") ==
        "MaintainerDeprecated:4");
  CHECK(found(body, {.skip = {"FromAsCasing"}}) == "StageNameCasing:1 MaintainerDeprecated:2");

  CHECK(check(*parse("# check=error=true\n" + body, "f"))->fail);
  CHECK_FALSE(check(*parse("# check=error=true;skip=all\n" + body, "f"))->fail);
  CHECK_FALSE(check(*parse(body, "f"))->fail);
  auto wrong = check(*parse("# check=nonsense\n" + body, "f"));
  REQUIRE_FALSE(wrong.ok());
  CHECK_THAT(wrong.error().message,
             Catch::Matchers::Contains("f:1: directive check: expected skip="));
}

TEST_CASE("ignored files are found through the hook", "[dockerfile]") {
  CheckOptions options{
      .ignored = [](const std::string& path) { return path == "secret" || path == "d/x"; }};
  CHECK(found("FROM a\nCOPY ./secret /\nCOPY other d/x/ /\nCOPY . /\nCOPY --from=a secret /\nADD "
              "https://x/secret /\nADD secret /\n",
              options) == "CopyIgnoredFile:2 CopyIgnoredFile:3 CopyIgnoredFile:7");
}

TEST_CASE("build arguments and base images decide what is defined", "[dockerfile]") {
  CHECK(found("ARG TAG\nFROM a:${TAG}\n", {.build_args = {{"TAG", "1"}}}) ==
        "InvalidDefaultArgInFrom:2");
  auto base = [](const std::string& image) {
    return image == "node" ? std::vector<std::string>{"NODE_VERSION"} : std::vector<std::string>{};
  };
  CHECK(found("FROM node\nCOPY $NODE_VERSION $OTHER .\n", {.base_environment = base}) ==
        "UndefinedVar:2");
}

TEST_CASE("a finding suggests the name that was meant", "[dockerfile]") {
  auto result = check(*parse("FROM scratch\nARG directory\nCOPY $direktory .\n", "f"));
  REQUIRE(result->findings.size() == 1);
  CHECK(result->findings[0].message ==
        "Usage of undefined variable '$direktory' (did you mean $directory?)");
}
