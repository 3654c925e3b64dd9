// Patterns over paths, as moby/patternmatcher defines them: the last match wins, `!` includes
// again,
// `**` spans directories. A directory that matches takes what is below it along unless a later `!`
// pattern names it. .dockerignore is a file of such lines, --exclude one pattern a flag. Pure.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace imagebuild {

class IgnoreRules {
 public:
  IgnoreRules();  ///< ignores nothing
  IgnoreRules(IgnoreRules&&) noexcept;
  IgnoreRules& operator=(IgnoreRules&&) noexcept;
  IgnoreRules(const IgnoreRules&);
  IgnoreRules& operator=(const IgnoreRules&);
  ~IgnoreRules();

  /// InvalidInput names the line of a malformed pattern ("[" without "]", a lone "!").
  static Result<IgnoreRules> parse(std::string_view text);
  /// One pattern an item, as --exclude gives them (no comments). InvalidInput names the pattern.
  static Result<IgnoreRules> from_patterns(const std::vector<std::string>& patterns);

  /// `path` is relative to the context root, "/"-separated, without "./":
  /// is it kept out of the context?
  bool ignored(std::string_view path) const;
  /// May something below this directory still be included? False: a walk need not enter it.
  bool may_contain_included(std::string_view directory) const;
  bool empty() const;

 private:
  struct Pattern;
  static Result<Pattern> make_pattern(std::string_view text);
  // Shared: the rules are immutable after parse() and copied with every Context.
  std::shared_ptr<const std::vector<Pattern>> patterns_;
};

}  // namespace imagebuild
