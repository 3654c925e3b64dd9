// The list of patterns: reading the file, and the last match wins. See ignore_rules.h.
#include "common/patterns/ignore_rules.h"

#include "common/patterns/ignore_pattern.h"

namespace imagebuild {

namespace {

constexpr std::size_t kMaxBytes = 1u << 20;
constexpr std::size_t kMaxPatterns = 10'000;

std::string_view trimmed(std::string_view text) {
  auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// The shortest equal path: no ".", no "..", no double or trailing slash, no leading one (both mean
/// the context root).
std::string clean(std::string_view path) {
  std::vector<std::string_view> parts;
  bool rooted = !path.empty() && path.front() == '/';
  while (!path.empty()) {
    std::size_t end = path.find('/');
    std::string_view part = path.substr(0, end);
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..")
      parts.pop_back();
    else if (part != ".." || !rooted)
      parts.push_back(part);
  }
  std::string out;
  for (std::string_view part : parts) out += (out.empty() ? "" : "/") + std::string(part);
  return out.empty() ? "." : out;
}

}  // namespace

struct IgnoreRules::Pattern {
  IgnorePattern matcher;
  bool includes = false;  // "!"
};

IgnoreRules::IgnoreRules() : patterns_(std::make_shared<std::vector<Pattern>>()) {}
IgnoreRules::IgnoreRules(IgnoreRules&&) noexcept = default;
IgnoreRules& IgnoreRules::operator=(IgnoreRules&&) noexcept = default;
IgnoreRules::IgnoreRules(const IgnoreRules&) = default;
IgnoreRules& IgnoreRules::operator=(const IgnoreRules&) = default;
IgnoreRules::~IgnoreRules() = default;

Result<IgnoreRules> IgnoreRules::parse(std::string_view text) {
  if (text.size() > kMaxBytes) return fail(ErrorKind::InvalidInput, "larger than 1 MiB");
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  auto patterns = std::make_shared<std::vector<Pattern>>();
  for (int number = 1; !text.empty(); ++number) {
    std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    // Only a "#" in the first column starts a comment.
    if (!line.empty() && line.front() == '#') continue;
    line = trimmed(line);
    if (line.empty()) continue;
    const std::string place = "line " + std::to_string(number);
    if (patterns->size() >= kMaxPatterns)
      return fail(ErrorKind::InvalidInput, place + ": more than 10,000 patterns");
    patterns->push_back(TRY_CONTEXT(make_pattern(line), place));
  }
  IgnoreRules rules;
  rules.patterns_ = std::move(patterns);
  return rules;
}

Result<IgnoreRules::Pattern> IgnoreRules::make_pattern(std::string_view text) {
  const bool includes = text.starts_with('!');
  if (includes) text = trimmed(text.substr(1));
  if (text.empty()) return fail(ErrorKind::InvalidInput, "expected a pattern after \"!\"");
  return Pattern{
      TRY_CONTEXT(IgnorePattern::parse(clean(text)), "pattern \"" + std::string(text) + "\""),
      includes};
}

Result<IgnoreRules> IgnoreRules::from_patterns(const std::vector<std::string>& patterns) {
  auto made = std::make_shared<std::vector<Pattern>>();
  for (const std::string& text : patterns) {
    if (!trimmed(text).empty()) made->push_back(TRY(make_pattern(trimmed(text))));
  }
  IgnoreRules rules;
  rules.patterns_ = std::move(made);
  return rules;
}

bool IgnoreRules::ignored(std::string_view path) const {
  auto matches = [path](const IgnorePattern& pattern) {
    if (pattern.matches(path)) return true;
    // What is below a matched directory is matched, too.
    for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
         slash = path.find('/', slash + 1)) {
      if (pattern.matches(path.substr(0, slash))) return true;
    }
    return false;
  };
  bool ignored = false;
  for (const Pattern& pattern : *patterns_) {
    if (pattern.includes == ignored && matches(pattern.matcher)) ignored = !pattern.includes;
  }
  return ignored;
}

bool IgnoreRules::may_contain_included(std::string_view directory) const {
  if (!ignored(directory)) return true;
  const std::string inside = std::string(directory) + "/";
  for (const Pattern& pattern : *patterns_) {
    if (!pattern.includes) continue;
    std::string_view prefix = pattern.matcher.literal_prefix();
    bool below = prefix.substr(0, inside.size()) == inside;
    bool above = std::string_view(inside).substr(0, prefix.size()) == prefix;
    if (below || (above && (!pattern.matcher.literal() || inside.size() > prefix.size())))
      return true;
  }
  return false;
}

bool IgnoreRules::empty() const { return patterns_->empty(); }

}  // namespace imagebuild
