// FakeGit: a git repository behind smart HTTP on the loopback. The protocol is git's own (`git
// http-backend` as a CGI program behind TestServer), so what passes here passes elsewhere; the
// behaviour around it can be bent: basic authentication, redirects, error statuses, a server that
// knows no protocol v2 or hands out only the tips of refs.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/test_server/test_server.h"

namespace imagebuild::testing {

class FakeGit {
 public:
  FakeGit();
  ~FakeGit();

  struct Behaviour {
    std::string user, password;  ///< both set: basic authentication is required
    std::string redirect_to;     ///< every request is answered 301 to this prefix plus its path
    int status = 0;              ///< every request is answered with it
    bool only_dot_git = false;   ///< paths without ".git" are redirected to those with it
    bool protocol_v2 = true;
    bool any_commit = true;  ///< commits that no ref points at can be fetched
    bool cut_body = false;   ///< answers end in the middle
  };
  void behave(Behaviour behaviour);

  std::string url() const { return server_->origin() + "/repo.git"; }
  std::string origin() const { return server_->origin(); }

  /// Writes the files (a value of "->target" makes a symlink) into the work tree, commits on the
  /// current branch and answers the hash. The time of commit number n is 1,700,000,000 + n.
  std::string commit(const std::map<std::string, std::string>& files);
  std::string work_tree() const { return (directory_ / "repo.git").string(); }
  /// Runs git in the repository: git("tag v1"), git("checkout -q -b other").
  std::string git(const std::string& arguments);

  /// Requests so far: "GET /repo.git/info/refs", and the Authorization headers that came with them.
  std::vector<std::string> requests() const;
  std::vector<std::string> authorizations() const;

 private:
  ServerResponse handle(const ServerRequest& request);
  ServerResponse backend(const ServerRequest& request, const Behaviour& behaviour);

  std::filesystem::path directory_;
  int commits_ = 0;

  mutable std::mutex mutex_;  // guards the three below
  Behaviour behaviour_;
  std::vector<std::string> requests_, authorizations_;

  std::unique_ptr<TestServer> server_;
};

}  // namespace imagebuild::testing
