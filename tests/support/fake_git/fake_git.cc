// The CGI bridge between TestServer and `git http-backend`: see fake_git.h.
#include "tests/support/fake_git/fake_git.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace imagebuild::testing {

namespace {

std::string shell_quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string run(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen: " + command);
  std::string output;
  char buffer[4096];
  while (std::size_t size = std::fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, size);
  if (::pclose(pipe) != 0) throw std::runtime_error("failed: " + command + "\n" + output);
  return output;
}

constexpr const char* kEnvironment =
    "env -i PATH=\"$PATH\" HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null "
    "GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t "
    "GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t ";

std::string base64_of(const std::string& text) {
  std::string encoded = run("printf %s " + shell_quoted(text) + " | base64 -w0");
  return encoded;
}

}  // namespace

FakeGit::FakeGit() {
  std::string path = (std::filesystem::temp_directory_path() / "fake-git-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp");
  directory_ = path;
  std::filesystem::create_directories(directory_ / "repo.git");
  git("init -q -b main .");
  git("config http.receivepack false");
  behave({});
  server_ = std::make_unique<TestServer>(
      [this](const ServerRequest& request) { return handle(request); });
}

FakeGit::~FakeGit() {
  server_.reset();
  std::filesystem::remove_all(directory_);
}

void FakeGit::behave(Behaviour behaviour) {
  git(std::string("config uploadpack.allowAnySHA1InWant ") +
      (behaviour.any_commit ? "true" : "false"));
  std::lock_guard lock(mutex_);
  behaviour_ = std::move(behaviour);
}

std::string FakeGit::git(const std::string& arguments) {
  std::string date = std::to_string(1'700'000'000 + commits_) + " +0000";
  std::string output =
      run("cd " + shell_quoted((directory_ / "repo.git").string()) + " && " + kEnvironment +
          "GIT_AUTHOR_DATE=" + shell_quoted(date) + " GIT_COMMITTER_DATE=" + shell_quoted(date) +
          " git " + arguments + " 2>&1");
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return output;
}

std::string FakeGit::commit(const std::map<std::string, std::string>& files) {
  for (const auto& [name, content] : files) {
    std::filesystem::path path = directory_ / "repo.git" / name;
    std::filesystem::create_directories(path.parent_path());
    if (content.rfind("->", 0) == 0)
      std::filesystem::create_symlink(content.substr(2), path);
    else
      std::ofstream(path) << content;
  }
  ++commits_;
  git("add -A");
  git("commit -q --allow-empty -m change");
  return git("rev-parse HEAD");
}

std::vector<std::string> FakeGit::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<std::string> FakeGit::authorizations() const {
  std::lock_guard lock(mutex_);
  return authorizations_;
}

ServerResponse FakeGit::handle(const ServerRequest& request) {
  Behaviour behaviour;
  {
    std::lock_guard lock(mutex_);
    behaviour = behaviour_;
    requests_.push_back(request.method + " " + request.path);
    if (auto authorization = request.headers.find("Authorization"))
      authorizations_.push_back(*authorization);
  }
  std::string target = request.path + (request.query.empty() ? "" : "?" + request.query);
  if (behaviour.status != 0) return {.status = behaviour.status, .body = "as told"};
  if (!behaviour.redirect_to.empty())
    return {.status = 301, .headers = {{"Location", behaviour.redirect_to + target}}};
  if (behaviour.only_dot_git && target.rfind("/repo/", 0) == 0)
    return {.status = 301,
            .headers = {{"Location", server_->origin() + "/repo.git" + target.substr(5)}}};
  if (!behaviour.user.empty()) {
    std::string expected = "Basic " + base64_of(behaviour.user + ":" + behaviour.password);
    if (request.headers.find("Authorization") != expected)
      return {.status = 401,
              .headers = {{"WWW-Authenticate", "Basic realm=\"git\""}},
              .body = "who are you?"};
  }
  return backend(request, behaviour);
}

ServerResponse FakeGit::backend(const ServerRequest& request, const Behaviour& behaviour) {
  if (request.path.rfind("/repo.git/", 0) != 0)
    return {.status = 404, .body = "no such repository"};
  static std::atomic<int> counter{0};
  std::filesystem::path input = directory_ / ("request-" + std::to_string(counter++));
  std::ofstream(input, std::ios::binary) << request.body;
  std::string command =
      std::string(kEnvironment) +
      "GIT_HTTP_EXPORT_ALL=1 GIT_PROJECT_ROOT=" + shell_quoted(directory_.string()) +
      " PATH_INFO=" + shell_quoted(request.path) + " REQUEST_METHOD=" + request.method +
      " QUERY_STRING=" + shell_quoted(request.query) +
      " CONTENT_TYPE=" + shell_quoted(request.headers.find("Content-Type").value_or("")) +
      " CONTENT_LENGTH=" + std::to_string(request.body.size());
  if (auto encoding = request.headers.find("Content-Encoding"))
    command += " HTTP_CONTENT_ENCODING=" + shell_quoted(*encoding);
  if (auto protocol = request.headers.find("Git-Protocol"); protocol && behaviour.protocol_v2)
    command += " GIT_PROTOCOL=" + shell_quoted(*protocol);
  std::string output =
      run(command + " git http-backend < " + shell_quoted(input.string()) + " 2>/dev/null || true");
  std::filesystem::remove(input);
  ServerResponse response;
  std::size_t end = output.find("\r\n\r\n");
  for (std::size_t start = 0; start < end;) {
    std::size_t line_end = output.find("\r\n", start);
    std::string line = output.substr(start, line_end - start);
    start = line_end + 2;
    std::size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    if (line.substr(0, colon) == "Status")
      response.status = std::atoi(line.c_str() + colon + 2);
    else
      response.headers.add(line.substr(0, colon), line.substr(colon + 2));
  }
  if (end != std::string::npos) response.body = output.substr(end + 4);
  if (behaviour.cut_body) response.fault = ServerResponse::Fault::CutBody;
  return response;
}

}  // namespace imagebuild::testing
