// Which stages make the image: the target and every stage that it continues by FROM. The others
// only hand over files.
#pragma once

#include <optional>
#include <set>

#include "builder/plan/plan.h"

namespace imagebuild::plan {

/// Indices in Dockerfile::stages.
std::set<std::size_t> stages_of_image(const Plan& plan);

/// The image that the chain begins with, and the line of the FROM that names it.
struct BaseOfImage {
  ImageRef image;
  int line = 0;
};
/// nullopt: it begins with scratch.
std::optional<BaseOfImage> base_of_image(const dockerfile::Dockerfile& dockerfile,
                                         const Plan& plan);

}  // namespace imagebuild::plan
