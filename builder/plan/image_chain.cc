#include "builder/plan/image_chain.h"

namespace imagebuild::plan {

std::set<std::size_t> stages_of_image(const Plan& plan) {
  std::set<std::size_t> chain;
  std::size_t wanted = plan.stages.back().index;
  for (auto it = plan.stages.rbegin(); it != plan.stages.rend(); ++it) {
    if (it->index != wanted) continue;
    chain.insert(wanted);
    const auto* other = std::get_if<StageRef>(&it->base);
    if (other == nullptr) break;
    wanted = other->index;
  }
  return chain;
}

std::optional<BaseOfImage> base_of_image(const dockerfile::Dockerfile& dockerfile,
                                         const Plan& plan) {
  const auto chain = stages_of_image(plan);
  for (const auto& stage : plan.stages)
    if (const auto* image = std::get_if<ImageRef>(&stage.base);
        image != nullptr && chain.contains(stage.index))
      return BaseOfImage{*image, dockerfile.stages[stage.index].from_instruction.lines.first};
  return std::nullopt;
}

}  // namespace imagebuild::plan
