// A context from a git repository over http(s): one commit, checked out without its .git directory.
#include <fcntl.h>
#include <sys/stat.h>

#include <charconv>
#include <filesystem>

#include "builder/context/context.h"
#include "builder/context/git_command.h"
#include "builder/context/parts.h"
#include "common/base/scope_exit.h"
#include "common/git/ls_refs.h"
#include "common/http/transport.h"

namespace imagebuild::context {

namespace {

bool plausible_ref(const std::string& name) {
  if (name.empty() || name.size() > 1000 || name.front() == '-' || name.front() == '/' ||
      name.find("..") != std::string::npos)
    return false;
  for (char c : name) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
        std::string_view("~^:?*[\\").find(c) != std::string_view::npos)
      return false;
  }
  return true;
}

/// What was asked for, in words, for messages.
std::string wanted(const GitSource& source) {
  if (!source.commit.empty()) return "commit " + source.commit;
  if (!source.branch.empty()) return "branch " + source.branch;
  if (!source.tag.empty()) return "tag " + source.tag;
  if (!source.ref.empty()) return "ref " + source.ref;
  return "the default branch";
}

class Clone {
 public:
  Clone(const GitSource& source, std::string directory, std::string origin, std::stop_token stop)
      : source_(source),
        url_(source.url),
        work_tree_(directory + "/tree"),
        git_({.git_directory = directory + "/git",
              .work_tree = work_tree_,
              .home = directory + "/home",
              .ca_file = source.ca_file,
              .credentials_origin = std::move(origin),
              .credentials = source.credentials},
             std::move(stop)),
        directory_(std::move(directory)) {}

  const std::string& work_tree() const { return work_tree_; }

  Result<SourceInfo> run() {
    for (const char* name : {"/tree", "/git", "/home"}) {
      if (::mkdir((directory_ + name).c_str(), 0755) != 0)
        return errno_error("make " + directory_ + name);
    }
    // The tree's mode is part of the context, whatever our umask is.
    if (::chmod(work_tree_.c_str(), 0755) != 0) return errno_error("chmod " + work_tree_);
    TRY(git_.output({"init", "-q", "--template="}));
    std::string name = TRY(fetch());
    TRY(git_.output({"checkout", "-q", "--detach", "--no-recurse-submodules", commit_}));
    return describe(name);
  }

 private:
  /// Fetches what was asked for, sets commit_, and answers the name that the revision shows.
  Result<std::string> fetch() {
    std::string commit = !source_.commit.empty()            ? source_.commit
                         : git::is_object_name(source_.ref) ? source_.ref
                                                            : "";
    if (!commit.empty()) {
      TRY(fetch_commit(commit));
      return !source_.branch.empty() ? source_.branch : !source_.tag.empty() ? source_.tag : "HEAD";
    }
    if (!source_.branch.empty()) return fetch_ref("refs/heads/" + source_.branch, source_.branch);
    if (!source_.tag.empty()) return fetch_ref("refs/tags/" + source_.tag, source_.tag);
    if (source_.ref.empty()) return fetch_ref("HEAD", TRY(default_branch()));
    auto branch = fetch_ref("refs/heads/" + source_.ref, source_.ref);
    if (branch || branch.error().kind != ErrorKind::NotFound) return branch;
    return fetch_ref("refs/tags/" + source_.ref, source_.ref);
  }

  Result<std::string> fetch_ref(const std::string& ref, std::string shown) {
    TRY(remote({"fetch", "-q", "--depth=1", "--no-tags", "--no-recurse-submodules",
                "--no-write-commit-graph"},
               {"+" + ref + ":refs/imagebuild/wanted"}));
    commit_ = TRY(git_.output({"rev-parse", "--verify", "-q", "refs/imagebuild/wanted^{commit}"}));
    return shown;
  }

  Result<void> fetch_commit(const std::string& commit) {
    auto direct =
        remote({"fetch", "-q", "--depth=1", "--no-tags", "--no-recurse-submodules"}, {commit});
    if (!direct) {
      // Some servers hand out only what a ref points at: then all of it, and look.
      if (direct.error().kind != ErrorKind::NotFound && direct.error().kind != ErrorKind::Internal)
        return std::move(direct).error();
      TRY(remote({"fetch", "-q", "--no-recurse-submodules"},
                 {"+refs/heads/*:refs/imagebuild/heads/*", "+refs/tags/*:refs/imagebuild/tags/*"}));
    }
    auto found = git_.output({"rev-parse", "--verify", "-q", commit + "^{commit}"});
    if (!found) return fail(ErrorKind::NotFound, "there is no such commit");
    commit_ = *found;
    return {};
  }

  Result<std::string> default_branch() {
    std::string answer = TRY(remote({"ls-remote", "--symref"}, {"HEAD"}));
    constexpr std::string_view kStart = "ref: refs/heads/";
    if (answer.rfind(kStart, 0) != 0) return std::string("HEAD");
    return answer.substr(kStart.size(), answer.find_first_of("\t\n") - kStart.size());
  }

  /// A command that talks to the server. Where a server answers a private repository with a
  /// redirect to "….git", that address is tried, since credentials never follow a redirect.
  Result<std::string> remote(std::vector<std::string> command,
                             const std::vector<std::string>& refs) {
    auto with_url = [&] {
      std::vector<std::string> args = command;
      args.push_back("--");
      args.push_back(url_);
      args.insert(args.end(), refs.begin(), refs.end());
      return args;
    };
    auto answer = git_.output(with_url());
    if (answer || answer.error().kind != ErrorKind::InvalidInput || url_.ends_with(".git"))
      return answer;
    while (url_.ends_with("/")) url_.pop_back();
    url_ += ".git";
    return git_.output(with_url());
  }

  Result<SourceInfo> describe(const std::string& name) {
    SourceInfo info{.commit = commit_};
    info.revision = name + (commit_.size() == 64 ? "@sha256:" : "@sha1:") + commit_;
    std::string time =
        TRY(git_.output({"log", "-1", "--no-show-signature", "--format=%ct", commit_}));
    std::int64_t seconds = 0;
    std::from_chars(time.data(), time.data() + time.size(), seconds);
    info.commit_time = seconds;
    auto tree = git_.output({"rev-parse", "--verify", "-q", commit_ + ":" + source_.sub_path});
    if (!tree) return fail(ErrorKind::NotFound, "there is no directory " + source_.sub_path);
    info.tree = *tree;
    return info;
  }

  const GitSource& source_;
  std::string url_;
  const std::string work_tree_;
  const GitCommand git_;
  const std::string directory_;
  std::string commit_;
};

}  // namespace

Result<Context> clone_git(const GitSource& source, std::stop_token stop) {
  const std::string what = "git " + source.url;
  http::Url url = TRY_CONTEXT(http::parse_url(source.url), "git");
  if (!source.commit.empty() && !git::is_object_name(source.commit)) {
    return fail(ErrorKind::InvalidInput, what + ": commit \"" + source.commit +
                                             "\" is not a full hash of 40 or 64 hex characters");
  }
  for (const std::string* name : {&source.branch, &source.tag, &source.ref}) {
    if (!name->empty() && !plausible_ref(*name))
      return fail(ErrorKind::InvalidInput,
                  what + ": \"" + *name + "\" is no name of a branch or tag");
  }
  if (!source.sub_path.empty())
    TRY_CONTEXT(checked_relative_path(source.sub_path), what + ": path");
  if (!source.dockerfile.empty())
    TRY_CONTEXT(checked_relative_path(source.dockerfile), what + ": dockerfile");
  std::string temporary = TRY(make_temporary_directory(source.temporary_directory));
  ScopeExit remove([&temporary] { remove_directory(temporary); });
  Clone clone(source, temporary, url.origin(), std::move(stop));
  SourceInfo info = TRY_CONTEXT(clone.run(), what + ": " + wanted(source));
  UniqueFd tree = TRY(open_file(clone.work_tree(), O_RDONLY | O_DIRECTORY));
  auto root = open_in_root(tree.get(), source.sub_path, O_RDONLY | O_DIRECTORY);
  if (!root)
    return fail(ErrorKind::NotFound,
                what + ": " + wanted(source) + ": " + source.sub_path + " is not a directory");
  remove_directory(temporary + "/git");
  remove.release();
  Context::Parts parts{
      .root = std::move(*root),
      .path =
          source.sub_path.empty() ? clone.work_tree() : clone.work_tree() + "/" + source.sub_path,
      .temporary = temporary,
      .shown_as = source.url + (source.sub_path.empty() ? "" : "#:" + source.sub_path),
      .dockerfile = source.dockerfile,
      .source = std::move(info)};
  return Context::make(std::move(parts));
}

std::optional<GitSource> parse_git_url(std::string_view text) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) return std::nullopt;
  std::size_t hash = text.find('#');
  std::string_view url = text.substr(0, hash);
  if (!url.ends_with(".git")) return std::nullopt;
  GitSource source{.url = std::string(url)};
  if (hash != std::string_view::npos) {
    std::string_view fragment = text.substr(hash + 1);
    std::size_t colon = fragment.find(':');
    source.ref = fragment.substr(0, colon);
    if (colon != std::string_view::npos) source.sub_path = fragment.substr(colon + 1);
  }
  return source;
}

}  // namespace imagebuild::context
