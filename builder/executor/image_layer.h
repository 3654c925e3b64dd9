// A layer of the image being built. Base layers are known when the base is resolved; own
// layers become known while the build goes on: the next step runs on a step's tree while its
// diff is still being compressed.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <string>

#include "builder/layer/blob_writer.h"
#include "common/base/result.h"

namespace imagebuild::executor {

/// What an own layer turned out to be. `empty`: the step changed nothing;
/// the layer is left out of the image.
struct FinishedLayer {
  LayerBlob blob;
  bool empty = false;
};

struct BaseImage;

struct ImageLayer {
  const BaseImage* base =
      nullptr;  ///< of a base layer: the image it comes from, which outlives the build
  std::size_t base_index = 0;  ///< its number there
  int line = 0;                ///< of an own layer's instruction
  std::size_t history = 0;     ///< of an own layer: its entry in the config's history
  std::string created_by;
  bool from_run = false;  ///< its directory is an overlay's upper one
  // Shared: stages that continue this one, the uploader and the report all wait for the same layer.
  std::shared_future<Result<FinishedLayer>> finished;
};

}  // namespace imagebuild::executor
