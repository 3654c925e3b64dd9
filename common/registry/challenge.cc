#include "common/registry/challenge.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

namespace imagebuild::registry {
namespace {

constexpr std::size_t kMaxHeader = 16 << 10;

bool is_token_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// One header may carry several challenges, `Basic realm="x", Bearer realm="y",service="z"`, with
// commas between challenges and between parameters alike: a word that is not followed by '=' starts
// the next challenge.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text.substr(0, kMaxHeader)) {}

  std::vector<std::pair<std::string, Challenge>> parse() {
    std::vector<std::pair<std::string, Challenge>> found;
    while (skip_separators()) {
      std::string word = token();
      if (word.empty()) break;
      skip_blanks();
      if (!at('=')) {
        found.emplace_back(lower(word), Challenge{});
        continue;
      }
      ++position_;
      skip_blanks();
      std::string value = at('"') ? quoted() : token();
      if (!found.empty()) assign(found.back().second, lower(word), std::move(value));
    }
    return found;
  }

 private:
  static void assign(Challenge& challenge, std::string_view name, std::string value) {
    if (name == "realm")
      challenge.realm = std::move(value);
    else if (name == "service")
      challenge.service = std::move(value);
    else if (name == "scope")
      challenge.scope = std::move(value);
  }
  bool at(char c) const { return position_ < text_.size() && text_[position_] == c; }
  void skip_blanks() {
    while (at(' ') || at('\t')) ++position_;
  }
  bool skip_separators() {
    while (at(' ') || at('\t') || at(',')) ++position_;
    return position_ < text_.size();
  }
  std::string token() {
    std::size_t start = position_;
    while (position_ < text_.size() && is_token_char(text_[position_])) ++position_;
    return std::string(text_.substr(start, position_ - start));
  }
  std::string quoted() {
    std::string out;
    for (++position_; position_ < text_.size() && text_[position_] != '"'; ++position_) {
      if (text_[position_] == '\\' && position_ + 1 < text_.size()) ++position_;
      out += text_[position_];
    }
    ++position_;
    return out;
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace

std::optional<Challenge> parse_challenge(const http::Headers& headers) {
  std::optional<Challenge> basic;
  for (const auto& value : headers.find_all("WWW-Authenticate")) {
    for (auto& [scheme, challenge] : Parser(value).parse()) {
      if (scheme == "bearer" && !challenge.realm.empty()) {
        challenge.scheme = Challenge::Scheme::Bearer;
        return challenge;
      }
      if (scheme == "basic") basic = challenge;
    }
  }
  if (basic) basic->scheme = Challenge::Scheme::Basic;
  return basic;
}

}  // namespace imagebuild::registry
