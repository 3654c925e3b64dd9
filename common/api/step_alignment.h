// Which layer of an image is the same step as which layer of the image before. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace imagebuild::api {

/// A layer as the comparison sees it.
struct StepLayer {
  std::string_view digest, created_by;
  std::uint64_t size_bytes = 0;
  std::string_view origin;  ///< "base" or "own"; only equal ones are paired
  int place = 0;  ///< line of the Dockerfile, or another number for its place; 0: not known
};

/// For each layer of `now` the index of its predecessor in `before`. Steps keep their order from
/// build to build, so this is the alignment of the two lists with the greatest likeness in all: the
/// same digest, else the same or a similar instruction, else the same place and kind of
/// instruction; layers of the base by place alone.
std::vector<std::optional<std::size_t>> align_steps(const std::vector<StepLayer>& now,
                                                    const std::vector<StepLayer>& before);

}  // namespace imagebuild::api
