// `imagebuild-builder check`: parses a Dockerfile, prints what is wrong or unwise in it, and with
// --bases what a slimmer base of the same name would save.
#include <cstdio>
#include <filesystem>

#include "builder/advice/slimmer_base.h"
#include "builder/build_command.h"
#include "builder/context/context.h"
#include "builder/dockerfile/check.h"
#include "builder/dockerfile/dockerfile.h"
#include "builder/dockerfile/unsupported.h"
#include "builder/plan/image_chain.h"
#include "builder/plan/plan.h"
#include "common/base/clock.h"
#include "common/registry/transports.h"

namespace imagebuild {
namespace {

int complain(const Error& error, int status) {
  std::fprintf(stderr, "error: %s\n", error.message.c_str());
  return status;
}

int status_of(const Error& error) {
  switch (error.kind) {
    case ErrorKind::Transient:
    case ErrorKind::Canceled:
      return 4;
    case ErrorKind::NotFound:
    case ErrorKind::Denied:
      return 3;
    default:
      return 1;
  }
}

std::map<std::string, std::string> build_args(const CheckFlags& flags) {
  std::map<std::string, std::string> args;
  for (const auto& item : flags.build_args) {
    auto equals = item.find('=');
    args[item.substr(0, equals)] = equals == std::string::npos ? "" : item.substr(equals + 1);
  }
  return args;
}

Json findings_to_json(const dockerfile::CheckResult& result) {
  Json list = Json::array();
  for (const auto& finding : result.findings)
    list.push_back({{"rule", finding.rule},
                    {"severity", result.fail ? "error" : "warning"},
                    {"description", finding.description},
                    {"message", finding.message},
                    {"line", finding.line}});
  return list;
}

using Advice = std::vector<api::ImageAdvice>;

Result<Advice> advise_on_base(const CheckFlags& flags, const dockerfile::Dockerfile& file) {
  plan::PlanOptions wanted{.target = flags.target, .build_args = build_args(flags), .platform = {}};
  if (!flags.platform.empty())
    wanted.platform = TRY_CONTEXT(oci::Platform::parse(flags.platform), "--platform");
  const auto base = plan::base_of_image(file, TRY(plan::make_plan(file, wanted)));
  if (!base) return Advice{};
  registry::TransportPair transports({.tls = TRY(load_trust(flags.registry))});
  SystemClock clock;
  auto client = TRY(registry::Client::make(transports.chooser(), clock,
                                           {.credentials = TRY(load_credentials(flags.registry)),
                                            .mirrors = TRY(parse_mirrors(flags.registry)),
                                            .insecure = flags.registry.insecure}));
  const auto& [reference, platform] = base->image;
  auto image = TRY_CONTEXT(client.resolve(reference, platform), "resolve " + reference.familiar());
  auto slimmer = TRY(advice::find_slimmer_bases(client, reference, platform));
  return advice::advise(reference, advice::compressed_size(image.manifest), base->line, slimmer);
}

void print_json(const dockerfile::Dockerfile& file, const dockerfile::CheckResult& result,
                const std::optional<Advice>& advice) {
  Json document = {{"dockerfile", dockerfile::to_json(file)},
                   {"findings", findings_to_json(result)}};
  if (advice) {
    document["advice"] = Json::array();
    for (const auto& item : *advice) document["advice"].push_back(api::advice_to_json(item));
  }
  std::printf("%s\n", dump_json(document, 2).c_str());
}

void print_text(const dockerfile::Dockerfile& file, const dockerfile::CheckResult& result,
                const std::optional<Advice>& advice) {
  for (const auto& finding : result.findings)
    std::printf("%s\n", dockerfile::to_line(file, finding).c_str());
  if (result.omitted != 0) std::printf("and %zu more findings\n", result.omitted);
  if (advice) {
    for (const auto& item : *advice)
      std::printf("%s:%d: advice: %s\n", file.name.c_str(), item.line, item.message.c_str());
    if (advice->empty()) std::printf("%s: no slimmer base of the same name\n", file.name.c_str());
  }
  std::printf("%s: %zu stages, %zu findings\n", file.name.c_str(), file.stages.size(),
              result.findings.size());
}

}  // namespace

int check_command(const CheckFlags& flags) {
  std::string path = flags.file.empty() ? "" : std::filesystem::absolute(flags.file).string();
  auto context = context::open_directory({.path = flags.context, .dockerfile = path});
  if (!context)
    return complain(context.error(), context.error().kind == ErrorKind::NotFound ? 3 : 1);
  auto file = dockerfile::parse(context->dockerfile().text, context->dockerfile().name);
  if (!file) {
    if (flags.format == "json")
      std::printf("%s\n", dump_json({{"error", file.error().message}}, 2).c_str());
    return complain(file.error(), 1);
  }
  dockerfile::CheckOptions options;
  options.ignored = [&](const std::string& name) {
    return context->ignore().ignored(name) && !context->ignore().may_contain_included(name);
  };
  if (!flags.platform.empty()) options.target_platform = flags.platform;
  options.build_args = build_args(flags);
  auto result = dockerfile::check(*file, options);
  if (!result) return complain(result.error(), 1);
  std::optional<Advice> advice;
  std::optional<Error> unasked;  // the findings are printed all the same
  if (flags.bases) {
    if (auto asked = advise_on_base(flags, *file))
      advice = *std::move(asked);
    else
      unasked = asked.error();
  }
  if (flags.format == "json")
    print_json(*file, *result, advice);
  else
    print_text(*file, *result, advice);
  if (auto sources = plan::check_sources(*file); !sources) return complain(sources.error(), 1);
  if (auto supported = dockerfile::check_supported(*file); !supported)
    return complain(supported.error(), 1);
  if (unasked) return complain(*unasked, status_of(*unasked));
  return result->fail ? 1 : 0;
}

}  // namespace imagebuild
