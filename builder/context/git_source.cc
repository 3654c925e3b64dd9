// One commit of a git repository over http(s), checked out: a context, or what ADD copies.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>

#include "builder/context/context.h"
#include "builder/context/git_command.h"
#include "builder/context/parts.h"
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
    TRY(check_commit());
    TRY(git_.output({"checkout", "-q", "--detach", "--no-recurse-submodules", commit_}));
    if (source_.submodules) TRY_CONTEXT(fetch_submodules(), "submodules");
    auto info = TRY(describe(name));
    if (source_.keep_git_directory.value_or(false)) TRY(keep_git_directory());
    return info;
  }

 private:
  /// Fetches what was asked for, sets commit_, and answers the name that the revision shows.
  Result<std::string> fetch() {
    std::string commit = !source_.commit.empty()            ? source_.commit
                         : git::is_object_name(source_.ref) ? source_.ref
                         : names_nothing() && git::is_object_name(source_.checksum)
                             ? source_.checksum
                             : "";
    if (!commit.empty()) {
      TRY(fetch_commit(commit));
      return !source_.branch.empty() ? source_.branch : !source_.tag.empty() ? source_.tag : "HEAD";
    }
    if (!source_.branch.empty()) return fetch_ref("refs/heads/" + source_.branch, source_.branch);
    if (!source_.tag.empty()) return fetch_ref("refs/tags/" + source_.tag, source_.tag);
    if (source_.ref.empty()) return fetch_ref("HEAD", TRY(default_branch()));
    if (source_.ref.starts_with("refs/")) return fetch_ref(source_.ref, source_.ref);
    auto branch = fetch_ref("refs/heads/" + source_.ref, source_.ref);
    if (branch || branch.error().kind != ErrorKind::NotFound) return branch;
    return fetch_ref("refs/tags/" + source_.ref, source_.ref);
  }

  bool names_nothing() const {
    return source_.branch.empty() && source_.tag.empty() && source_.ref.empty();
  }

  Result<void> check_commit() {
    if (commit_.starts_with(source_.checksum)) return {};
    return fail(ErrorKind::InvalidInput,
                "the commit is " + commit_ + ", the checksum " + source_.checksum);
  }

  /// Over http and https only, as the repository itself; their credentials are the repository's,
  /// where they lie on its server.
  Result<void> fetch_submodules() {
    struct stat status {};
    if (::lstat((work_tree_ + "/.gitmodules").c_str(), &status) != 0) return {};
    TRY(git_.output({"config", "remote.origin.url", url_}));
    TRY(git_.output({"-C", work_tree_, "submodule", "update", "-q", "--init", "--recursive",
                     "--depth=1", "--no-recommend-shallow"}));
    if (source_.keep_git_directory.value_or(false)) return {};
    // Each has a file .git that points into the directory that goes.
    std::error_code error;
    for (std::filesystem::recursive_directory_iterator at(work_tree_, error), end;
         !error && at != end; at.increment(error)) {
      if (at->path().filename() == ".git" && at->is_regular_file() && !at->is_symlink()) {
        if (::unlink(at->path().c_str()) != 0) return errno_error("remove " + at->path().string());
      }
    }
    return error ? Result<void>(errno_error("read the work tree", error.value())) : Result<void>();
  }

  Result<void> keep_git_directory() {
    TRY(git_.output({"config", "remote.origin.url", url_}));
    TRY(git_.output({"config", "core.bare", "false"}));
    static_cast<void>(TRY(git_.run({"config", "--unset", "core.worktree"})));  // it may not be set
    if (::rename((directory_ + "/git").c_str(), (work_tree_ + "/.git").c_str()) != 0)
      return errno_error("move the git directory");
    return {};
  }

  Result<std::string> fetch_ref(const std::string& ref, std::string shown) {
    const std::vector<std::string> refs{"+" + ref + ":refs/imagebuild/wanted"};
    const std::vector<std::string> quiet{"fetch", "-q", "--no-tags", "--no-recurse-submodules",
                                         "--no-write-commit-graph"};
    auto shallow = quiet;
    shallow.push_back("--depth=1");
    auto fetched = remote(shallow, refs);
    // A server of plain files cannot leave out the history.
    if (!fetched && fetched.error().kind == ErrorKind::Internal) fetched = remote(quiet, refs);
    if (!fetched) return fetched;
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

Result<GitCheckout> check_out_git(const GitSource& source, std::stop_token stop) {
  const std::string what = "git " + source.url;
  http::Url url = TRY_CONTEXT(http::parse_url(source.url), "git");
  if (!source.commit.empty() && !git::is_object_name(source.commit)) {
    return fail(ErrorKind::InvalidInput, what + ": commit \"" + source.commit +
                                             "\" is not a full hash of 40 or 64 hex characters");
  }
  if (source.checksum.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return fail(ErrorKind::InvalidInput,
                what + ": checksum \"" + source.checksum + "\" is no commit in lower-case hex");
  }
  for (const std::string* name : {&source.branch, &source.tag, &source.ref}) {
    if (!name->empty() && !plausible_ref(*name))
      return fail(ErrorKind::InvalidInput,
                  what + ": \"" + *name + "\" is no name of a branch or tag");
  }
  if (!source.sub_path.empty())
    TRY_CONTEXT(checked_relative_path(source.sub_path), what + ": path");
  auto temporary = TRY(TemporaryDirectory::make(source.temporary_directory));
  Clone clone(source, temporary.path(), url.origin(), std::move(stop));
  SourceInfo info = TRY_CONTEXT(clone.run(), what + ": " + wanted(source));
  UniqueFd tree = TRY(open_file(clone.work_tree(), O_RDONLY | O_DIRECTORY));
  auto root = open_in_root(tree.get(), source.sub_path, O_RDONLY | O_DIRECTORY);
  if (!root)
    return fail(ErrorKind::NotFound,
                what + ": " + wanted(source) + ": " + source.sub_path + " is not a directory");
  remove_directory(temporary.path() + "/git");
  const std::string path =
      source.sub_path.empty() ? clone.work_tree() : clone.work_tree() + "/" + source.sub_path;
  return GitCheckout(std::move(temporary), std::move(*root), path, std::move(info));
}

Result<Context> clone_git(const GitSource& source, std::stop_token stop) {
  if (!source.dockerfile.empty())
    TRY_CONTEXT(checked_relative_path(source.dockerfile), "git " + source.url + ": dockerfile");
  if (source.keep_git_directory.value_or(false))
    return fail(ErrorKind::InvalidInput,
                "git " + source.url + ": a context has no .git directory (keep-git-dir)");
  auto checkout = TRY(check_out_git(source, std::move(stop)));
  Context::Parts parts{
      .root = std::move(checkout.root_),
      .path = std::move(checkout.path_),
      .temporary = std::move(checkout.directory_).release(),
      .shown_as = source.url + (source.sub_path.empty() ? "" : "#:" + source.sub_path),
      .dockerfile = source.dockerfile,
      .source = std::move(checkout.source_),
      .files_only = source.files_only};
  return Context::make(std::move(parts));
}

}  // namespace imagebuild::context
