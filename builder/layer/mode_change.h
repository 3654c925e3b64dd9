// --chmod: an octal mode, or clauses as chmod(1) takes them ("u=rwX,go=rX"), applied to the mode
// that a file has. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace imagebuild {

class ModeChange {
 public:
  /// InvalidInput: neither octal up to 7777 nor [ugoa]*([-+=]([rwxXst]*|[ugo]))+ in a comma list.
  static Result<ModeChange> parse(std::string_view text);

  /// The permission bits (07777) that a file of this mode gets. Without ugoa all three are meant,
  /// whatever the umask. X: only for directories and where somebody may execute already.
  std::uint32_t apply(std::uint32_t mode, bool directory) const;
  /// The mode, when it does not depend on the file's own.
  std::optional<std::uint32_t> octal() const { return octal_; }
  /// As it was written.
  const std::string& text() const { return text_; }

  friend bool operator==(const ModeChange& a, const ModeChange& b) { return a.text_ == b.text_; }

 private:
  struct Action {
    std::uint32_t who = 0;  // bits that it may touch
    char operation = '=';
    std::uint32_t bits = 0;          // of r, w, x, s and t, for everybody
    bool execute_if_useful = false;  // X
    char copy_from = '\0';           // u, g or o
  };
  static Result<void> parse_clause(std::string_view clause, std::vector<Action>& actions);

  std::string text_;
  std::optional<std::uint32_t> octal_;
  std::vector<Action> actions_;
};

}  // namespace imagebuild
