#include <cmath>
#include <cstdio>

#include "plugin/render.h"

namespace imagebuild::plugin {

std::string paint_delta(const Style& style, std::int64_t bytes, std::string text) {
  if (bytes == 0) return text;
  return paint(style, bytes > 0 ? Colour::Red : Colour::Green, text);
}

std::string percent(std::int64_t difference, std::uint64_t before) {
  if (before == 0) return "";
  const double value = 100.0 * static_cast<double>(difference) / static_cast<double>(before);
  if (std::fabs(value) < 0.05) return "±0.0%";
  char text[32];
  std::snprintf(text, sizeof text, "%+.1f%%", value);
  return text;
}

std::string instruction(std::string_view created_by) {
  std::string text = one_line(created_by);
  constexpr std::string_view buildkit = " # buildkit";
  if (text.ends_with(buildkit)) text.resize(text.size() - buildkit.size());
  constexpr std::string_view shell = "/bin/sh -c ", nop = "#(nop) ", run = "RUN ";
  const bool named = text.starts_with(run) && text.substr(run.size()).starts_with(shell);
  if (named) text.erase(0, run.size());
  if (!text.starts_with(shell)) return text;
  text.erase(0, shell.size());
  if (text.starts_with(nop)) {
    text.erase(0, nop.size());
    return text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
  }
  return std::string(run) + text;
}

std::string title(const View& view, const Style& style) {
  return paint(style, Colour::Bold, one_line(view.name)) + " in " + one_line(view.name_space) +
         ": " + one_line(view.target) + "\n";
}

std::string fact(const Style& style, std::string_view name, std::string_view text) {
  constexpr std::size_t kIndent = 13;
  std::string rest = wrap(text, style.width, std::string(kIndent, ' '));
  if (rest.empty()) return "";
  return "  " + paint(style, Colour::Dim, pad_right(std::string(name), kIndent - 2)) +
         rest.substr(kIndent);
}

std::string arguments_of(const View& view) {
  return view.name + (view.name_space == "default" ? "" : " -n " + view.name_space);
}

}  // namespace imagebuild::plugin
