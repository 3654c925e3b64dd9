#include "builder/dockerfile/dockerfile.h"
#include "builder/dockerfile/unsupported.h"
#include "tests/support/catch.h"

using namespace imagebuild;
using namespace imagebuild::dockerfile;

namespace {

Dockerfile file(const std::string& text) {
  auto parsed = parse(text, "Dockerfile");
  if (!parsed) FAIL(parsed.error().message);
  return *parsed;
}

template <typename T>
T one(const std::string& line) {
  Dockerfile parsed = file("FROM scratch\n" + line + "\n");
  const T* value = parsed.stages[0].instructions.at(0).get_if<T>();
  if (value == nullptr) FAIL("another instruction: " << line);
  return *value;
}

}  // namespace

TEST_CASE("stages, names, platforms and global arguments", "[dockerfile]") {
  auto parsed = file(
      "ARG V=1\nARG P\nfrom --platform=$BUILDPLATFORM alpine:$V as Build\nRUN a\nFROM build\nFROM "
      "scratch\nCOPY --from=0 a b\n");
  REQUIRE(parsed.preamble.size() == 2);
  REQUIRE(parsed.stages.size() == 3);
  CHECK(parsed.stages[0].from.base == "alpine:$V");
  CHECK(parsed.stages[0].from.name == "build");
  CHECK(parsed.stages[0].from.platform == "$BUILDPLATFORM");
  CHECK(parsed.stages[0].display_name() == "build");
  CHECK(parsed.stages[2].display_name() == "stage-2");
  CHECK(parsed.stages[2].instructions[0].lines.first == 7);
  CHECK(parsed.stages[0].instructions[0].keyword() == "RUN");
  CHECK(at(parsed, parsed.stages[2].instructions[0]) == "Dockerfile:7");
}

TEST_CASE("RUN: what is started", "[dockerfile]") {
  CHECK(run_program(one<Run>("RUN a && b")).script == "a && b");
  auto exec = run_program(one<Run>("RUN [\"a\", \"b c\"]"));
  CHECK(exec.kind == RunProgram::Kind::Exec);
  CHECK(exec.argv == std::vector<std::string>{"a", "b c"});
  auto lone = run_program(one<Run>("RUN <<-E\n\tset -e\n\techo 1\nE"));
  CHECK(lone.kind == RunProgram::Kind::Shell);
  CHECK(lone.script == "set -e\necho 1\n");
  auto file_script = run_program(one<Run>("RUN <<my.py\n#!/usr/bin/env python3\nprint(1)\nmy.py"));
  CHECK(file_script.kind == RunProgram::Kind::ScriptFile);
  CHECK(file_script.file_name == "my.py");
  CHECK(file_script.script == "#!/usr/bin/env python3\nprint(1)\n");
  auto attached = run_program(one<Run>("RUN python3 <<A > /x && cat <<B\n1\nA\n2\nB"));
  CHECK(attached.script == "python3 <<A > /x && cat <<B\n1\nA\n2\nB");
}

TEST_CASE("RUN: mounts with every option", "[dockerfile]") {
  auto run = one<Run>(
      "RUN --mount=target=/ctx --mount=type=bind,from=build,src=/a,dst=/b,rw "
      "--mount=type=cache,id=c,target=/c,sharing=locked,from=build,source=/"
      "s,mode=0700,uid=1,gid=2,ro "
      "--mount=type=tmpfs,target=/t,size=64m "
      "--mount=type=secret,id=npm,target=/n,required,mode=0440,uid=5 "
      "--mount=type=secret,id=tok,env=TOK --mount=type=ssh,required=true "
      "--network=none --security=sandbox --device=vendor.com/gpu=all,required true");
  REQUIRE(run.mounts.size() == 7);
  CHECK(run.mounts[0].type == Mount::Type::Bind);
  CHECK(run.mounts[0].read_only);
  CHECK_FALSE(run.mounts[1].read_only);
  CHECK(run.mounts[1].from == "build");
  CHECK(run.mounts[1].source == "/a");
  CHECK(run.mounts[1].target == "/b");
  CHECK(run.mounts[2].type == Mount::Type::Cache);
  CHECK(run.mounts[2].read_only);
  CHECK(run.mounts[2].sharing == Mount::Sharing::Locked);
  CHECK(run.mounts[2].mode == 0700u);
  CHECK(run.mounts[2].uid == 1u);
  CHECK(run.mounts[2].gid == 2u);
  CHECK(run.mounts[3].size == 64u << 20);
  CHECK_FALSE(run.mounts[3].read_only);
  CHECK(run.mounts[4].required);
  CHECK(run.mounts[4].mode == 0440u);
  CHECK(run.mounts[5].env == "TOK");
  CHECK(run.mounts[6].type == Mount::Type::Ssh);
  CHECK(run.mounts[6].required);
  CHECK(run.network == Run::Network::None);
  CHECK(run.security == Run::Security::Sandbox);
  CHECK(run.devices[0].name == "vendor.com/gpu=all");
  CHECK(run.devices[0].required);
  CHECK(run.command.argv[0] == "true");
}

TEST_CASE("COPY and ADD: paths, inline files and every flag", "[dockerfile]") {
  auto copy = one<Copy>(
      "COPY --from=build --chown=node:node --chmod=u=rwX,go=rX --link --parents --exclude=*.md "
      "--exclude=docs a [b] /c/");
  CHECK(copy.sources == std::vector<std::string>{"a", "[b]"});
  CHECK(copy.destination == "/c/");
  CHECK(copy.from == "build");
  CHECK(copy.chown == "node:node");
  CHECK(copy.chmod == "u=rwX,go=rX");
  CHECK(copy.link);
  CHECK(copy.parents);
  CHECK(copy.excludes == std::vector<std::string>{"*.md", "docs"});
  CHECK_FALSE(one<Copy>("COPY --link=false a b").link);
  CHECK(one<Copy>("COPY [\"a b\", \"c d\"]").sources[0] == "a b");

  auto inline_files = one<Copy>("COPY <<one a <<'two' /d/\n1\none\n2\ntwo");
  CHECK(inline_files.sources == std::vector<std::string>{"a"});
  REQUIRE(inline_files.files.size() == 2);
  CHECK(inline_files.files[0].name == "one");
  CHECK(inline_files.files[0].body.content == "1\n");
  CHECK_FALSE(inline_files.files[1].body.expand);

  auto add = one<Add>(
      "ADD --checksum=sha256:ab --keep-git-dir=true --unpack=false --chown=1 https://x/y /");
  CHECK(add.checksum == "sha256:ab");
  CHECK(add.keep_git_dir == true);
  CHECK(add.unpack == false);
  CHECK_FALSE(one<Add>("ADD a b").unpack.has_value());
}

TEST_CASE("the small instructions", "[dockerfile]") {
  CHECK(one<Workdir>("WORKDIR /a b").path == "/a b");
  CHECK(one<User>("USER node:staff").user == "node:staff");
  CHECK(one<Expose>("EXPOSE 80 53/udp 8000-8010").ports ==
        std::vector<std::string>{"80", "53/udp", "8000-8010"});
  CHECK(one<Volume>("VOLUME /a /b").paths == std::vector<std::string>{"/a", "/b"});
  CHECK(one<Volume>("VOLUME [\"/a\"]").paths == std::vector<std::string>{"/a"});
  CHECK(one<Shell>("SHELL [\"/bin/bash\", \"-c\"]").argv.size() == 2);
  CHECK(one<StopSignal>("STOPSIGNAL 9").signal == "9");
  CHECK(one<Maintainer>("MAINTAINER A B <a@b>").name == "A B <a@b>");
  CHECK(one<Cmd>("CMD a b").command.shell_form);
  CHECK_FALSE(one<Cmd>("CMD []").command.shell_form);
  CHECK(one<Cmd>("CMD []").command.argv.empty());
  CHECK(one<Entrypoint>("ENTRYPOINT [\"a\"]").command.argv == std::vector<std::string>{"a"});
  auto label = one<Label>("LABEL a=b \"c d\"=\"e f\" g=");
  REQUIRE(label.labels.size() == 3);
  CHECK(label.labels[2].value.empty());
  auto arg = one<Arg>("ARG A B=c D=\"e f\" G=");
  REQUIRE(arg.definitions.size() == 4);
  CHECK_FALSE(arg.definitions[0].value.has_value());
  CHECK(arg.definitions[3].value == "");
  CHECK(one<Env>("ENV A=b=c").variables[0].value == "b=c");
}

TEST_CASE("HEALTHCHECK with all its options", "[dockerfile]") {
  using namespace std::chrono_literals;
  auto check = one<Healthcheck>(
      "HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=0s --start-interval=2s "
      "--retries=4 CMD curl -f x || exit 1");
  CHECK(check.interval == 90s);
  CHECK(check.timeout == 500ms);
  CHECK(check.start_period == 0s);
  CHECK(check.start_interval == 2s);
  CHECK(check.retries == 4);
  CHECK(check.test.shell_form);
  CHECK(check.test.argv[0] == "curl -f x || exit 1");
  CHECK(one<Healthcheck>("HEALTHCHECK none").none);
  CHECK_FALSE(one<Healthcheck>("healthcheck cmd [\"a\"]").test.shell_form);
}

TEST_CASE("ONBUILD keeps the trigger, which parses as an instruction", "[dockerfile]") {
  CHECK(one<OnBuild>("ONBUILD   RUN a  b").trigger == "RUN a  b");
  auto heredoc = one<OnBuild>("ONBUILD COPY <<E /a\nx\nE");
  CHECK(heredoc.trigger == "COPY <<E /a\nx\nE");
  auto trigger = parse_trigger(heredoc.trigger, {4, 6});
  REQUIRE(trigger.ok());
  CHECK(trigger->get_if<Copy>()->files[0].body.content == "x\n");
  CHECK(trigger->lines.first == 4);
  for (const char* wrong :
       {"ONBUILD RUN a", "FROM a", "MAINTAINER a", "RUN a\nRUN b", "", "BOGUS"}) {
    INFO(wrong);
    CHECK_FALSE(parse_trigger(wrong, {1, 1}).ok());
  }
}

TEST_CASE("features that are not executed are named with their line", "[dockerfile]") {
  struct Row {
    const char *line, *feature;
  };
  for (const Row& row :
       {Row{"RUN --device=a a", "RUN --device (no device of the machine reaches a build)"},
        Row{"ONBUILD RUN --device=a a",
            "RUN --device (no device of the machine reaches a build)"}}) {
    INFO(row.line);
    auto result = check_supported(file("FROM a\n\n" + std::string(row.line) + "\n"));
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().message ==
          "Dockerfile:3: " + std::string(row.feature) + " is not supported yet");
  }
  CHECK(check_supported(file("FROM a\nRUN <<E\nx\nE\nCOPY --from=0 --chown=a --chmod=600 <<E a "
                             "/b\nx\nE\nHEALTHCHECK --retries=1 NONE\nCOPY --link --parents "
                             "--exclude=c a b\nADD a b\n"
                             "RUN --security=sandbox --network=default a\n"))
            .ok());
}

TEST_CASE("the JSON dump has instructions with lines", "[dockerfile]") {
  Json json =
      to_json(file("ARG A=1\nFROM a AS b\nRUN --mount=type=cache,target=/c x\nENV K=v\nHEALTHCHECK "
                   "NONE\nCOPY <<f /\nz\nf\n"));
  CHECK(json["globalArguments"][0]["arguments"][0]["value"] == "1");
  const Json& stage = json["stages"][0];
  CHECK(stage["name"] == "b");
  CHECK(stage["line"] == 2);
  CHECK(stage["instructions"][0]["instruction"] == "RUN");
  CHECK(stage["instructions"][0]["line"] == 3);
  CHECK(stage["instructions"][0]["mounts"][0]["type"] == "cache");
  CHECK(stage["instructions"][1]["variables"][0]["name"] == "K");
  CHECK(stage["instructions"][3]["endLine"] == 8);
  CHECK(stage["instructions"][3]["files"][0]["content"] == "z\n");
}
