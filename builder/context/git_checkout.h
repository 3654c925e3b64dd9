// Git repositories as people name them, and one commit of one checked out: what a context is made
// of, and what ADD copies.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "builder/context/source_info.h"
#include "builder/context/temporary.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/git/credentials.h"

namespace imagebuild::context {

class Context;

struct GitSource {
  std::string url;                  ///< http or https
  std::string branch, tag, commit;  ///< commit wins; none: the default branch
  std::string ref;  ///< of unknown kind, as in `url#ref`: a commit, else a branch, else a tag
  std::string sub_path;
  std::string dockerfile;
  std::optional<git::Credentials> credentials;
  std::string ca_file;  ///< PEM; empty: the system's
  std::string temporary_directory;
  std::string checksum;  ///< what the commit's hash must begin with, in hex
  bool submodules = true;
  bool files_only = false;                 ///< of contexts: without a Dockerfile
  bool commit_mtime = false;               ///< what is copied has the commit's time
  std::optional<bool> keep_git_directory;  ///< leave .git in the work tree; of contexts: never
};
/// One commit of a repository, in a directory that goes with it.
class GitCheckout {
 public:
  GitCheckout(TemporaryDirectory directory, UniqueFd root, std::string path, SourceInfo source)
      : directory_(std::move(directory)),
        root_(std::move(root)),
        path_(std::move(path)),
        source_(std::move(source)) {}
  int root() const { return root_.get(); }  ///< the sub-directory
  const SourceInfo& source() const { return source_; }

 private:
  friend Result<Context> clone_git(const GitSource& source, std::stop_token stop);
  TemporaryDirectory directory_;
  UniqueFd root_;
  std::string path_;
  SourceInfo source_;
};
/// InvalidInput: also a commit that is not what `checksum` says.
Result<GitCheckout> check_out_git(const GitSource& source, std::stop_token stop = {});

/// "https://host/repo.git#ref:dir" or "…?branch=main&subdir=dir" → GitSource, user and password
/// as its credentials; nullopt when it does not look like a git URL. InvalidInput: a query that is
/// unknown, or contradicts the fragment.
Result<std::optional<GitSource>> parse_git_url(std::string_view text);

}  // namespace imagebuild::context
