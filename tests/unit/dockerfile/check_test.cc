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
           Row{"FROM a:${TAG:-1}\n", "UndefinedArgInFrom:1"},
           Row{"ARG TAG\nFROM a:${TAG:-1}\n", ""},
           Row{"ARG TAG=1\nFROM a:$TAG\n", ""},
           Row{"ARG TAG\nFROM a:$TAG\n", "InvalidDefaultArgInFrom:2"},
           Row{"ARG IMAGE\nFROM $IMAGE\n", "InvalidDefaultArgInFrom:2"},
           Row{"FROM host.io:5000/Upper/x\n", "InvalidDefaultArgInFrom:1"},
           Row{"FROM Registry.io:5000/x/y:Tag@sha256:0123456789abcdef0123456789abcdef\n", ""},
           Row{"FROM a\nWORKDIR x\n", "WorkdirRelativePath:2"},
           Row{"FROM a\nWORKDIR x\nWORKDIR y\n", "WorkdirRelativePath:2"},
           Row{"FROM a\nWORKDIR /x\nWORKDIR y\n", ""},
           Row{"FROM a AS b\nWORKDIR /x\nFROM b\nWORKDIR y\n", ""},
           Row{"FROM scratch\nCOPY $dir .\n", "UndefinedVar:2"},
           Row{"FROM scratch\nCOPY ${dir:-x} .\n", "UndefinedVar:2"},
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
           Row{"FROM a\nEXPOSE [::1]:8080:8080 5000:5000 8000\n",
               "ExposeInvalidFormat:2 ExposeInvalidFormat:2"},
           Row{"FROM a\nEXPOSE :80\n", ""},
           Row{"FROM a\nEXPOSE 80/TcP 8080/TCP 8080/udp\n",
               "ExposeProtoCasing:2 ExposeProtoCasing:2"},
           Row{"FROM --platform=${TARGETPLATFORM:-x} a\n", "RedundantTargetPlatform:1"},
           Row{"FROM --platform=$TARGETPLATFORM$TARGETVARIANT a\n", ""},
           Row{"FROM --platform=$TARGTPLATFORM a\n", "UndefinedArgInFrom:1"},
           Row{"FROM --platform=linux/amd64 a AS linux\n", ""},
           Row{"FROM --platform=linux/arm/v7 a AS v7\n", "FromPlatformFlagConstDisallowed:1"},
           Row{"FROM --platform=linux// a\n", ""},
           Row{"ARG P=linux/amd64\nFROM --platform=$P a\n", ""},
           Row{"ARG V=latest\nFROM a:${V}${W} AS b\n", "UndefinedArgInFrom:2"},
           Row{"ARG DEBUG\nFROM scra${DEBUG:-tch}\n", ""},
           Row{"ARG SFX=\"box:\"\nFROM busy${SFX}\n", "InvalidDefaultArgInFrom:2"},
           Row{"FROM a..b\n", "InvalidDefaultArgInFrom:1"},
           Row{"FROM a__b-c--d.e/f\n", ""},
           Row{"FROM UPPER/x\n", ""},
           Row{"FROM a:-x\n", "InvalidDefaultArgInFrom:1"},
           Row{"FROM scratch\nARG a=1 b=$a c=$nope\n", "UndefinedVar:2"},
           Row{"FROM scratch\nCOPY $x .\nARG x=1\n", "UndefinedVar:2"},
           Row{"FROM scratch\nRUN echo $nope\nCMD [\"$nope\"]\n", ""},
           Row{"FROM scratch AS a\nONBUILD WORKDIR rel\nONBUILD CMD x\nFROM a\n",
               "WorkdirRelativePath:4 JSONArgsRecommended:4"},
           Row{"FROM a\nENTRYPOINT [\"a\"]\nRUN x\nENTRYPOINT [\"b\"]\nENTRYPOINT [\"c\"]\n",
               "MultipleInstructionsDisallowed:2 MultipleInstructionsDisallowed:4"},
           Row{"FROM a AS x\nCMD [\"a\"]\nFROM x\nCMD [\"b\"]\n", ""},
           Row{"FROM a\nENV super_Secret=x git_key= passwordless=y\nARG AUTH_MODULE_VERSION\n",
               "SecretsUsedInArgOrEnv:2 SecretsUsedInArgOrEnv:2"},
           Row{"ARG TOKEN\nFROM a\n", ""},
           Row{"from a\nFROM b as c\n", "ConsistentInstructionCasing:1 FromAsCasing:2"},
           Row{"From a As b\n", "ConsistentInstructionCasing:1"},
           Row{"FROM a\nRUN x \\\n\n  y \\\n\n  z\n", "NoEmptyContinuation:6"},
           Row{"# check=experimental=InvalidDefinitionDescription\n# wrong words\nARG A=1\n# B is "
               "it\nARG B\nFROM a\n",
               "InvalidDefinitionDescription:3"},
           Row{"# wrong words\nARG A=1\nFROM a\n", ""},
           Row{"# check=experimental=all;skip=all\n# no\nARG A B\n#\nARG C\n# no\n\nARG D\n# "
               "no\nFROM a AS x\n# y is\nFROM a AS Y\n",
               "InvalidDefinitionDescription:3 InvalidDefinitionDescription:10"},
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
  CHECK(found("# check=skip=all // for now\n" + body).empty());
  CHECK(found("# check=skip=StageNameCasing;error=true // why; not\n" + body) ==
        "FromAsCasing:2 MaintainerDeprecated:3");
  CHECK(found("FROM a\n# check=skip=all // only here\nCMD x\nENV a b\n") ==
        "LegacyKeyValueFormat:4");
  CHECK(found(body, {.build_args = {{"BUILDKIT_DOCKERFILE_CHECK", "skip=all"}}}).empty());
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

TEST_CASE("a syntax line that asks for more than there is, is a finding", "[dockerfile]") {
  struct Row {
    const char *syntax, *part;
  };
  for (const Row& row : {
           Row{"docker/dockerfile:1", ""},
           Row{"docker/dockerfile", ""},
           Row{"docker/dockerfile:latest", ""},
           Row{"docker/dockerfile:1.26", ""},
           Row{"docker/dockerfile:1.26.9", ""},
           Row{"docker.io/docker/dockerfile:1.4 // remark", ""},
           Row{"docker/dockerfile-upstream:1.7.0", ""},
           Row{"docker/dockerfile:1.1-experimental", ""},
           Row{"docker/dockerfile:1.4@sha256:9ba7531bd80fb0a858632727cf7a112fbfd19b17", ""},
           Row{"docker/dockerfile:1.27", "is newer than Dockerfile 1.26"},
           Row{"docker/dockerfile:1.100.2", "is newer than Dockerfile 1.26"},
           Row{"docker/dockerfile:2", "is newer than Dockerfile 1.26"},
           Row{"docker/dockerfile:1.27-labs", "is newer than Dockerfile 1.26"},
           Row{"docker/dockerfile:1-labs", "of the labs channel only"},
           Row{"docker/dockerfile:labs", "of the labs channel only"},
           Row{"docker/dockerfile-upstream:master", "does not tell its level"},
           Row{"docker/dockerfile:1.x", "does not tell its level"},
           Row{"docker/dockerfile@sha256:9ba7531bd80fb0a858632727cf7a112fbfd19b17",
               "does not tell its level"},
           Row{"registry.example:5000/docker/dockerfile:1", "is another frontend"},
           Row{"example/buildpack", "is another frontend"},
       }) {
    INFO(row.syntax);
    auto result =
        check(*parse("# escape=`\n# Syntax = " + std::string(row.syntax) + "\nFROM a\n", "f"));
    REQUIRE(result.ok());
    REQUIRE(result->findings.size() == (*row.part == '\0' ? 0 : 1));
    if (result->findings.empty()) continue;
    CHECK(result->findings[0].rule == "UnsupportedSyntax");
    CHECK(result->findings[0].line == 2);
    CHECK_THAT(result->findings[0].message, Catch::Matchers::Contains(row.part));
    CHECK(to_line(*parse("FROM a\n", "f"), result->findings[0])
              .rfind("f:2: UnsupportedSyntax: ", 0) == 0);
  }
  CHECK(found("FROM a\n# syntax=docker/dockerfile:9\n").empty());
  CHECK(found("# check=skip=UnsupportedSyntax\n# syntax=docker/dockerfile:9\nFROM a\n").empty());
  CHECK(found("FROM a\n", {.build_args = {{"BUILDKIT_SYNTAX", "docker/dockerfile:9"}}}) ==
        "UnsupportedSyntax:1");
}

TEST_CASE("a base image of another platform is found where platforms are known", "[dockerfile]") {
  CheckOptions options{.base_platform = [](const std::string& image, const std::string&) {
    return image == "arm" ? std::optional<std::string>("linux/arm64/v8") : std::nullopt;
  }};
  CHECK(found("FROM arm\nFROM other\nFROM scratch\nFROM --platform=$BUILDPLATFORM arm\n",
              options) == "InvalidBaseImagePlatform:1 InvalidBaseImagePlatform:4");
  options.target_platform = "linux/arm64";
  CHECK(found("FROM arm AS x\nFROM x\n", options).empty());
}

TEST_CASE("the lines of a build name the instruction as it is spelled", "[dockerfile]") {
  auto result = check(*parse("from a\ncmd x\ncmd y\n", "f"));
  REQUIRE(result->findings.size() == 3);
  CHECK_THAT(result->findings[0].message + result->findings[1].message,
             Catch::Matchers::Contains("recommended for cmd") &&
                 Catch::Matchers::Contains("Multiple cmd instructions"));
}
