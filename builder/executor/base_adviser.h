// Asks beside the build whether the image's base has slimmer variants, and what they would save. It
// is advice: whatever goes wrong with it, or takes too long, costs the build nothing.
#pragma once

#include <functional>
#include <future>
#include <optional>
#include <stop_token>
#include <vector>

#include "builder/advice/slimmer_base.h"
#include "builder/executor/base_images.h"
#include "builder/plan/image_chain.h"

namespace imagebuild::executor {

/// A client that gives up at the first failure and when the token says so.
using MakeQuickClient = std::function<Result<registry::Client>(std::stop_token stop)>;

class BaseAdviser {
 public:
  /// nullopt: the image stands on scratch. An empty `make_client` asks nothing.
  BaseAdviser(std::optional<plan::BaseOfImage> base, MakeQuickClient make_client)
      : base_(std::move(base)), make_client_(std::move(make_client)) {}
  ~BaseAdviser() { stop_.request_stop(); }

  /// Starts to ask, if this is the image's base and large enough.
  void on_open(const BaseImage& image);
  /// What came of it; waits a moment for answers that are still under way.
  std::vector<api::ImageAdvice> take();

 private:
  std::optional<plan::BaseOfImage> base_;
  MakeQuickClient make_client_;
  std::uint64_t base_bytes_ = 0;
  std::stop_source stop_;
  std::future<std::vector<advice::SlimmerBase>> answer_;  // last: its end waits for the questions
};

}  // namespace imagebuild::executor
