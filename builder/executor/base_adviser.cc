#include "builder/executor/base_adviser.h"

namespace imagebuild::executor {
namespace {

constexpr std::chrono::seconds kPatience{5};

}  // namespace

void BaseAdviser::on_open(const BaseImage& image) {
  if (!base_ || !make_client_ || answer_.valid()) return;
  if (image.reference != base_->image.reference || image.platform != base_->image.platform) return;
  base_bytes_ = advice::compressed_size(image.resolved.manifest);
  if (base_bytes_ < advice::kWorthAsking) return;
  answer_ = std::async(std::launch::async, [this]() -> std::vector<advice::SlimmerBase> {
    auto client = make_client_(stop_.get_token());
    if (!client) return {};
    auto found = advice::find_slimmer_bases(*client, base_->image.reference, base_->image.platform);
    return found ? *std::move(found) : std::vector<advice::SlimmerBase>{};
  });
}

std::vector<api::ImageAdvice> BaseAdviser::take() {
  if (!answer_.valid()) return {};
  if (answer_.wait_for(kPatience) != std::future_status::ready) stop_.request_stop();
  return advice::advise(base_->image.reference, base_bytes_, base_->line, answer_.get());
}

}  // namespace imagebuild::executor
