# Writes OUTPUT, a C++ source that defines assets(): the bytes of each of FILES below DIR.
#   cmake -DOUTPUT=assets.cc -DDIR=web "-DFILES=index.html page.js" -P embed.cmake
set(arrays "")
set(table "")
set(index 0)
separate_arguments(FILES)
foreach(name IN LISTS FILES)
  file(READ ${DIR}/${name} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "constexpr unsigned char kFile${index}[] = {${bytes}};\n")
  string(APPEND table "    {\"${name}\", text(kFile${index}, sizeof kFile${index})},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Made by embed.cmake.
#include \"operator/page/assets.h\"

namespace imagebuild::page {
namespace {

${arrays}
std::string_view text(const unsigned char* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

std::span<const Asset> assets() {
  static const Asset table[] = {
${table}  };
  return table;
}

}  // namespace imagebuild::page
")
