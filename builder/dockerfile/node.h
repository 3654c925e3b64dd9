// The raw tree of a Dockerfile: what every instruction looks like before its arguments
// get a meaning. The parser of typed instructions (dockerfile.h) stands on it; lint
// checks look at it for the spelling.
#pragma once

#include <string>
#include <vector>

namespace imagebuild::dockerfile {

/// Lines of the file, 1-based, both ends included.
struct LineRange {
  int first = 0;
  int last = 0;
  bool operator==(const LineRange&) const = default;
};

/// The body of `<<NAME`. RUN, COPY and ADD have them.
struct Heredoc {
  std::string name;     ///< the delimiter without its quotes
  std::string content;  ///< as written, tabs included, each line with its newline
  int fd = 0;           ///< the number in front of <<, 0 without one
  bool expand = true;   ///< the delimiter was not quoted: variables expand (COPY and ADD)
  bool chomp = false;   ///< <<-: leading tabs are dropped

  /// The body as the command or the file gets it: without leading tabs when `chomp`.
  std::string text() const;
};

struct Node {
  std::string keyword;             ///< as spelled in the file
  std::string command;             ///< lower case
  std::vector<std::string> flags;  ///< "--name=value", quotes removed
  std::vector<std::string> args;   ///< words, or the strings of the JSON form; ENV and LABEL: name,
                                   ///< value, separator ("=" or "")
  std::vector<Node> children;      ///< ONBUILD: the one trigger
  std::vector<Heredoc> heredocs;
  bool json = false;                  ///< the arguments were a JSON array
  std::string text;                   ///< the instruction's text, continuation lines joined
  std::vector<std::string> comments;  ///< the comment lines directly above it
  LineRange lines;
};

}  // namespace imagebuild::dockerfile
