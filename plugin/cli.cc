#include "plugin/cli.h"

namespace imagebuild::plugin {
namespace {

void add_format(CLI::App& app, Format& format) {
  static const std::map<std::string, Format> kFormats = {
      {"table", Format::Table}, {"json", Format::Json}, {"yaml", Format::Yaml}};
  app.add_option_function<std::string>(
         "-o,--output", [&format](const std::string& text) { format = kFormats.at(text); },
         "table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}))
      ->type_name("FORMAT");
}

void add_name(CLI::App& app, std::string& name) {
  app.add_option("NAME", name, "of the ImageBuild")->required()->type_name("");
}

void add_registry(CLI::App& app, RegistryFlags& flags) {
  app.add_option("--registry-mirror", flags.mirrors, "reach registry HOST at URL; repeatable")
      ->type_name("HOST=URL")
      ->allow_extra_args(false);
  app.add_option("--insecure-registry", flags.insecure,
                 "https that is not verified, else plain http; repeatable")
      ->type_name("HOST[:PORT]")
      ->allow_extra_args(false);
  app.add_option("--ca", flags.ca, "PEM certificates that registries may be signed by")
      ->type_name("FILE");
}

}  // namespace

CLI::App* Cli::add(const std::string& name, const std::string& about,
                   std::function<Result<int>(Session&)> run) {
  CLI::App* sub = app_.add_subcommand(name, about);
  sub->fallthrough();  // -n and the like may stand after the command
  sub->callback([this, run = std::move(run)] { command_ = run; });
  return sub;
}

Cli::Cli()
    : app_(
          "Sizes, growth and builds of ImageBuilds.\n"
          "Exit status: 0 done, 1 failed, 2 usage.",
          "kubectl imagebuild") {
  app_.set_version_flag("--version", IMAGEBUILD_VERSION);
  app_.require_subcommand(0, 1);  // none: main prints the help
  app_.add_option("-n,--namespace", connection_.name_space, "default: the context's")
      ->type_name("NAMESPACE");
  app_.add_option("--context", connection_.context, "of the kubeconfig; default: the current one")
      ->type_name("NAME");
  app_.add_option("--kubeconfig", connection_.kubeconfig,
                  "default: $KUBECONFIG, else ~/.kube/config")
      ->type_name("FILE");
  add_reading();
  add_diff();
  add_acting();
  add_build();
  CLI::App* completion =
      app_.add_subcommand("completion", "print a script that completes commands and names");
  completion->add_option("SHELL", shell_, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("");
}

void Cli::add_reading() {
  CLI::App* sizes = add("sizes", "what every layer of an image weighs, wastes and comes from",
                        [this](Session& session) { return sizes_command(session, sizes_); });
  add_name(*sizes, sizes_.name);
  add_format(*sizes, sizes_.format);

  CLI::App* list = add("list", "sizes, deltas and baselines of all images",
                       [this](Session& session) { return list_command(session, list_); });
  list->add_flag("-A,--all-namespaces", list_.all_namespaces, "of all namespaces");
  list->add_option("--sort", list_.sort, "name, size, delta or baseline")
      ->check(CLI::IsMember({"name", "size", "delta", "baseline"}))
      ->type_name("COLUMN");
  add_format(*list, list_.format);

  CLI::App* why = add("why", "why an image is or is not ready, up to date and within its budget",
                      [this](Session& session) { return why_command(session, why_); });
  add_name(*why, why_.name);
  add_format(*why, why_.format);

  CLI::App* logs = add("logs", "the log of the current or the last build",
                       [this](Session& session) { return logs_command(session, logs_); });
  add_name(*logs, logs_.name);
  logs->add_flag("-f,--follow", logs_.follow, "wait for the pod and follow it to its end");
  logs->add_option("--tail", logs_.tail, "only the last LINES lines")
      ->check(CLI::Range(0, 1'000'000'000))
      ->type_name("LINES");
}

void Cli::add_diff() {
  CLI::App* diff = add("diff", "which layers and which paths grew between two builds",
                       [this](Session& session) { return diff_command(session, diff_); });
  add_name(*diff, diff_.name);
  CLI::Option* old_image =
      diff->add_option("OLD", diff_.old_image,
                       "a build's number or a digest; default: the success before the last")
          ->type_name("");
  diff->add_option("NEW", diff_.new_image, "the same; default: the present image")
      ->needs(old_image)
      ->type_name("");
  diff->add_flag("--layers", diff_.layers_only, "compare layers only: nothing is downloaded");
  diff->add_option("--top", diff_.top, "rows of paths (15)")
      ->check(CLI::Range(1, 1000))
      ->type_name("ROWS");
  diff->add_option("--platform", diff_.platform, "default: the present image's")
      ->type_name("OS/ARCH");
  add_registry(*diff, diff_.registry);
  add_format(*diff, diff_.format);
}

void Cli::add_acting() {
  CLI::App* rebuild = add("rebuild", "build again, with branch and base images looked up anew",
                          [this](Session& session) { return rebuild_command(session, rebuild_); });
  add_name(*rebuild, rebuild_.name);
  rebuild->add_flag("--wait", rebuild_.wait, "until it succeeded (0) or failed (1)");
  rebuild->add_flag("-f,--follow", rebuild_.follow, "the same, with the log");
  struct Act {
    const char *name, *about;
    Result<int> (*run)(Session&, const std::string&);
  };
  for (const Act& act :
       {Act{"cancel", "end the build that runs and start no other", cancel_command},
        Act{"suspend", "start no builds; one that runs is finished", suspend_command},
        Act{"resume", "let builds start again", resume_command}}) {
    CLI::App* sub = add(act.name, act.about, [this, run = act.run](Session& session) {
      return run(session, acted_on_);
    });
    add_name(*sub, acted_on_);
  }
}

void Cli::add_build() {
  CLI::App* build = add("build", "upload a directory and build it in the cluster",
                        [this](Session& session) { return build_command(session, build_); });
  build->add_option("DIR", build_.directory, "the build context (default .)")->type_name("");
  build->add_option("--image", build_.image, "where to push: REPOSITORY[:TAG]")
      ->required()
      ->type_name("REF");
  build
      ->add_option("--name", build_.name,
                   "of the ImageBuild (default: the last part of the repository)")
      ->type_name("NAME");
  build->add_option("-f,--file", build_.dockerfile, "relative to DIR (default Dockerfile)")
      ->type_name("FILE");
  build->add_option("--target", build_.target, "stage to build (default: the last)")
      ->type_name("STAGE");
  build->add_option("--build-arg", build_.build_args, "repeatable")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  build->add_option("-t,--tag", build_.tags, "a further tag; repeatable")
      ->type_name("TAG")
      ->allow_extra_args(false);
  build
      ->add_option("--registry-secret", build_.secrets,
                   "a dockerconfigjson Secret of the namespace, for the builder; repeatable")
      ->type_name("SECRET")
      ->allow_extra_args(false);
  build->add_flag("--wait", build_.wait, "until it succeeded (0) or failed (1)");
  build->add_flag("--follow", build_.follow, "the same, with the log");
  add_registry(*build, build_.registry);
}

}  // namespace imagebuild::plugin
