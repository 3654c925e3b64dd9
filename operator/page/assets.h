// The files of web/, as the build put them into the program (embed.cmake).
#pragma once

#include <span>
#include <string_view>

namespace imagebuild::page {

struct Asset {
  std::string_view name;  ///< "index.html"
  std::string_view body;
};

/// All of them, in the order of CMakeLists.txt.
std::span<const Asset> assets();

}  // namespace imagebuild::page
