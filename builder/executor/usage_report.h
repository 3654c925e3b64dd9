// What the layers of the finished image hold, told in the report's words: wasted bytes by layer,
// the largest files, and advice with the line to change and the bytes it would save. Everything is
// measured on the unpacked layers; nothing is guessed from the Dockerfile.
#pragma once

#include <stop_token>

#include "builder/executor/stage_state.h"
#include "builder/layer/usage.h"
#include "builder/sandbox/tree_worker.h"
#include "common/contract/build_report.h"

namespace imagebuild::executor {

/// Looks at every layer of the stage's tree; the base must be unpacked and own layers finished.
Result<ImageUsage> measure_usage(const StageState& target, TreeWorker& worker,
                                 const std::stop_token& stop);

/// Fills in `report`, which has the layers of the image (steps that changed nothing have none).
void add_usage(const ImageUsage& usage, const StageState& target, contract::PlatformReport& report);

/// Adds to the report's advice, which stays sorted, the largest saving first, and ten at most.
void add_advice(std::vector<api::ImageAdvice> more, contract::PlatformReport& report);

}  // namespace imagebuild::executor
