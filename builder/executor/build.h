// One build, from a parsed context to a pushed image: plan, stages, layers, output, report.
#pragma once

#include <map>
#include <stop_token>
#include <string>

#include "builder/context/context.h"
#include "builder/context/download.h"
#include "builder/executor/base_adviser.h"
#include "builder/executor/options.h"
#include "builder/progress/progress.h"
#include "common/contract/build_report.h"
#include "common/registry/client.h"

namespace imagebuild::executor {

struct BuildServices {
  const context::Context& context;
  registry::Client& registry;
  context::Remote remote;  ///< for ADD
  /// Contexts beside the main one, for COPY --from, by name.
  const std::map<std::string, context::Context>& named;
  progress::Progress& progress;
  std::stop_token stop;
  MakeQuickClient make_quick_client = nullptr;  ///< empty: slimmer bases are not asked for
};

/// Never fails without a report: a failure is in it, with class, reason, stage and line. On failure
/// no tag has moved and nothing is left running or lying about.
contract::BuildReport build(const BuildOptions& options, const BuildServices& services);

}  // namespace imagebuild::executor
