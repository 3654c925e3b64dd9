#include "operator/controller/budget_verdict.h"

#include "operator/controller/growth.h"

namespace imagebuild::controller {
namespace {

std::string with_growth(std::string message, const api::Spec& spec,
                        const api::ImagePlatform* platform) {
  if (message.empty() || platform == nullptr) return message;
  const std::string growth =
      tell_largest_growth(*platform, spec.dockerfile.empty() ? "Dockerfile" : spec.dockerfile);
  return growth.empty() ? message : message + "; " + growth;
}

}  // namespace

std::string exceeded_message(const api::Spec& spec, const api::Image& image) {
  const auto exceeded =
      api::exceeded_limits(spec.budget, {.size_bytes = image.size_bytes,
                                         .own_size_bytes = image.own_size_bytes,
                                         .layer_count = image.layer_count,
                                         .baseline_bytes = image.baseline_size_bytes});
  return with_growth(api::joined(exceeded), spec, largest_platform(image));
}

std::string blocked_message(const api::Failure& failure, const api::Spec& spec,
                            const api::Status& status, const contract::BuildReport& report) {
  std::string message = failure.message;
  const contract::PlatformReport* largest = report.largest_platform();
  if (largest != nullptr && status.image) {
    const auto platform =
        platform_with_deltas(*largest, find_platform(*status.image, largest->platform));
    message = with_growth(std::move(message), spec, &platform);
  }
  return message + "; it was pushed as " + api::image_repository(spec) + "@" + report.digest +
         " and its tags were not moved: make it smaller, or raise the budget";
}

}  // namespace imagebuild::controller
