// Where a stage stands after some of its instructions: its image config so far, its layers, the
// tree they make. A stage that continues another starts from a copy.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "builder/executor/base_images.h"
#include "builder/executor/image_layer.h"
#include "builder/plan/scope.h"
#include "builder/sandbox/run_spec.h"
#include "common/oci/image_config.h"

namespace imagebuild::executor {

struct StageState {
  oci::ImageConfig config;         ///< config and history so far; diff_ids are filled in at the end
  BaseImage* base = nullptr;       ///< nullptr: scratch
  std::vector<ImageLayer> layers;  ///< base layers, then own, bottom first
  LowerList own;                   ///< directories of the own layers
  bool cmd_set = false;  ///< CMD was set by this Dockerfile, not inherited from a base image
  std::optional<plan::Scope> scope;  ///< ENV and ARG at the stage's end, for stages on this one

  /// The tree; the base must be unpacked.
  LowerList lowers() const {
    LowerList all = base != nullptr ? base->lowers : LowerList{};
    all.insert(all.end(), own.begin(), own.end());
    return all;
  }
};

}  // namespace imagebuild::executor
