// imagebuild-builder: builds one image from a Dockerfile, without root and without a daemon.

#include <CLI/CLI.hpp>
#include <cstring>

#include "builder/build_command.h"
#include "builder/interrupt.h"
#include "builder/sandbox/tree_worker.h"
#include "common/http/transport.h"

namespace {

using namespace imagebuild;

void add_registry(CLI::App& app, RegistryFlags& flags) {
  app.add_option("--registry-mirror", flags.mirrors,
                 "HOST=URL: pull images of HOST from there first; repeatable");
  app.add_option("--insecure-registry", flags.insecure,
                 "HOST[:PORT] without verified TLS, or plain http; repeatable");
  app.add_option("--ca", flags.ca,
                 "PEM file with the certificate authorities to trust beside the system's");
  app.add_option("--auth-file", flags.auth_file,
                 "registry credentials (default: what docker login and podman login left)");
}

void add_build(CLI::App& app, BuildFlags& flags) {
  app.add_option("CONTEXT", flags.context,
                 "directory (default .), git URL (https://HOST/REPO.git#REF:DIR), URL of a tar, or "
                 "- for a tar on standard input");
  app.add_option("--request", flags.request,
                 "ImageBuild or BuildRequest, YAML or JSON: build what it says");
  app.add_option("-f,--file", flags.file, "Dockerfile (default CONTEXT/Dockerfile)");
  app.add_option("--target", flags.target, "stage to build, by name or number (default: the last)");
  app.add_option("-t,--tag", flags.tags, "push to REPOSITORY[:TAG]; repeatable");
  app.add_option("--build-arg", flags.build_args,
                 "NAME=VALUE, or NAME from the environment; repeatable");
  app.add_option("--build-context", flags.build_contexts,
                 "NAME=DIR, docker-image://REF, https://….git or the URL of a tar: what "
                 "FROM and COPY --from mean by NAME; repeatable");
  app.add_option("--secret", flags.secrets,
                 "id=NAME[,src=FILE|env=VARIABLE] for RUN --mount=type=secret; repeatable");
  app.add_option("--ssh", flags.ssh,
                 "default[=SOCKET] or NAME=SOCKET: agent for RUN --mount=type=ssh; repeatable");
  app.add_option("--label", flags.labels, "NAME=VALUE in the image's config; repeatable");
  app.add_option("--platform", flags.platform,
                 "OS/ARCH[/VARIANT] of base images (default: this machine's)");
  app.add_option("--network", flags.network, "network of RUN: default or none");
  app.add_option("--step-timeout", flags.step_timeout,
                 "end a RUN that takes longer, and the build with it: 90s, 10m, 1h30m");
  app.add_option(
      "--output", flags.output,
      "registry (default with --tag), oci:DIR, oci-archive:FILE, docker-archive:FILE, or none "
      "(default without)");
  app.add_option("--cache-repo", flags.cache_repo, "(not supported yet)");
  app.add_option(
      "--cache-dir", flags.cache_dir,
      "keep the caches of RUN --mount=type=cache here (default: they end with the build)");
  app.add_flag("--no-cache", flags.no_cache,
               "run every step (there is no step cache yet, so this is always so)");
  app.add_option("--compression", flags.compression,
                 "gzip[:LEVEL] (default gzip:6), zstd[:LEVEL] or none");
  add_registry(app, flags.registry);
  app.add_option("--isolation", flags.isolation, "auto or overlay");
  app.add_option("--timestamp", flags.timestamp,
                 "source, build, zero or seconds since 1970; given explicitly, files of RUN are "
                 "clamped to it");
  app.add_option("--report", flags.report, "write the full report as JSON to this file");
  app.add_option("--progress", flags.progress, "auto, plain, tty or json")
      ->check(CLI::IsMember({"auto", "plain", "tty", "json"}));
  app.add_option("--work-dir", flags.work_dir,
                 "where layers are unpacked while building (default $TMPDIR or /var/tmp)");
  app.add_option("--termination-log", flags.termination_log,
                 "in a pod: the container's termination message");
}

void add_check(CLI::App& app, CheckFlags& flags) {
  app.add_option("CONTEXT", flags.context, "directory (default .)");
  app.add_option("-f,--file", flags.file, "Dockerfile (default CONTEXT/Dockerfile)");
  app.add_option("--build-arg", flags.build_args, "NAME=VALUE; repeatable");
  app.add_option("--format", flags.format,
                 "text, or json: the parsed instructions with their lines")
      ->check(CLI::IsMember({"text", "json"}));
  auto* bases = app.add_flag(
      "--bases", flags.bases,
      "ask the registry for slimmer variants of the image's base, and say what they save");
  app.add_option("--target", flags.target, "with --bases: stage to build (default: the last)")
      ->needs(bases);
  app.add_option("--platform", flags.platform,
                 "with --bases: OS/ARCH[/VARIANT] (default: this machine's)")
      ->needs(bases);
  add_registry(app, flags.registry);
}

int run(int argc, char** argv) {
  CLI::App app{
      "Builds container images from Dockerfiles without root and without a daemon.\n"
      "Exit status: 0 done, 1 the build failed, 2 usage, 3 configuration, 4 transient.",
      "imagebuild-builder"};
  app.set_version_flag("--version", IMAGEBUILD_VERSION);
  app.require_subcommand(1);

  BuildFlags build;
  auto* build_app = app.add_subcommand("build", "build an image, push it, report its size");
  add_build(*build_app, build);

  CheckFlags check;
  auto* check_app =
      app.add_subcommand("check", "parse a Dockerfile and say what is wrong or unwise in it");
  add_check(*check_app, check);

  DoctorFlags doctor;
  auto* doctor_app =
      app.add_subcommand("doctor", "which isolation modes work here, and what the others lack");
  doctor_app->add_option("--format", doctor.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  doctor_app->add_option("--work-dir", doctor.work_dir,
                         "the file system to try (default $TMPDIR or /var/tmp)");

  InstallProfileFlags profile;
  auto* profile_app = app.add_subcommand(
      "install-profile", "copy the seccomp profile to the node (used by the DaemonSet)");
  profile_app->add_option("FROM", profile.from)->required();
  profile_app->add_option("TO", profile.to)->required();
  profile_app->add_flag("--once", profile.once, "return after copying");

  for (auto* command : {build_app, check_app})
    for (auto* option : command->get_options())
      option->allow_extra_args(false);  // -t REF CONTEXT: one word for each flag

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (build_app->parsed()) return build_command(build);
  if (check_app->parsed()) return check_command(check);
  if (doctor_app->parsed()) return doctor_command(doctor);
  return install_profile_command(profile);
}

}  // namespace

int main(int argc, char** argv) {
  // Before anything that could start a thread: a process with a second one
  // cannot enter a user namespace.
  if (argc > 1 && std::strcmp(argv[1], "tree-worker") == 0) return tree_worker_main(argc, argv);
  Interrupt::block_signals();
  http::initialize_transport_threads(4);
  return run(argc, argv);
}
