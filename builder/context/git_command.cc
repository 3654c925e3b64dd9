// Environment and errors of the git program. See git_command.h.
#include "builder/context/git_command.h"

#include <cstdlib>

namespace imagebuild::context {

namespace {

struct Meaning {
  const char* text;
  ErrorKind kind;
};

// git has no other interface for its failures than text; LC_ALL=C keeps it in one language.
// First match wins.
constexpr Meaning kMeanings[] = {
    {"couldn't find remote ref", ErrorKind::NotFound},
    {"returned error: 401", ErrorKind::Denied},
    {"returned error: 403", ErrorKind::Denied},
    {"Authentication failed", ErrorKind::Denied},
    {"could not read Username", ErrorKind::Denied},
    {"could not read Password", ErrorKind::Denied},
    {"returned error: 404", ErrorKind::NotFound},
    {"returned error: 410", ErrorKind::NotFound},
    {"not found", ErrorKind::NotFound},
    {"is this a git repository", ErrorKind::NotFound},
    {"not our ref", ErrorKind::NotFound},
    {"unadvertised object", ErrorKind::NotFound},
    {"bad object", ErrorKind::NotFound},
    {"certificate", ErrorKind::Denied},
    {"returned error: 30", ErrorKind::InvalidInput},
    {"unable to update url base from redirection", ErrorKind::InvalidInput},
    {"No space left on device", ErrorKind::Transient},
    {"returned error: 429", ErrorKind::Transient},
    {"returned error: 5", ErrorKind::Transient},
    {"Could not resolve host", ErrorKind::Transient},
    {"Failed to connect", ErrorKind::Transient},
    {"Couldn't connect", ErrorKind::Transient},
    {"timed out", ErrorKind::Transient},
    {"too slow", ErrorKind::Transient},
    {"Connection reset", ErrorKind::Transient},
    {"Empty reply", ErrorKind::Transient},
    {"early EOF", ErrorKind::Transient},
    {"hung up unexpectedly", ErrorKind::Transient},
    {"unexpected disconnect", ErrorKind::Transient},
    {"RPC failed", ErrorKind::Transient},
    {"unable to access", ErrorKind::Transient},
};

/// The line that says most: the first "fatal:", "error:" or "remote:", else the last one.
std::string telling_line(const std::string& text) {
  std::string last, fatal;
  for (std::size_t start = 0; start < text.size();) {
    std::size_t end = std::min(text.find('\n', start), text.size());
    std::string line = text.substr(start, end - start);
    start = end + 1;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    if (fatal.empty() && line.rfind("fatal: ", 0) == 0) fatal = line.substr(7);
    last = std::move(line);
  }
  std::string chosen = fatal.empty() ? last : fatal;
  return chosen.substr(0, 500);
}

}  // namespace

Error git_error(const Finished& finished) {
  std::string line = telling_line(finished.errors);
  if (line.empty()) line = "git ended with status " + std::to_string(finished.exit_code);
  for (const Meaning& meaning : kMeanings) {
    if (finished.errors.find(meaning.text) != std::string::npos) return fail(meaning.kind, line);
  }
  return fail(ErrorKind::Internal, line);
}

std::vector<std::string> GitCommand::environment() const {
  std::vector<std::string> variables{"LC_ALL=C",
                                     "GIT_TERMINAL_PROMPT=0",
                                     "GIT_ASKPASS=/bin/false",
                                     "GIT_CONFIG_NOSYSTEM=1",
                                     "GIT_CONFIG_GLOBAL=/dev/null",
                                     "GIT_ATTR_NOSYSTEM=1",
                                     "GIT_ALLOW_PROTOCOL=http:https",
                                     "GIT_OPTIONAL_LOCKS=0",
                                     "GIT_LFS_SKIP_SMUDGE=1",
                                     "GIT_HTTP_LOW_SPEED_LIMIT=100",
                                     "GIT_HTTP_LOW_SPEED_TIME=60",
                                     "HOME=" + options_.home};
  for (const char* name :
       {"PATH", "http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY",
        "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"}) {
    if (const char* value = std::getenv(name)) variables.push_back(std::string(name) + "=" + value);
  }
  if (!options_.ca_file.empty()) variables.push_back("GIT_SSL_CAINFO=" + options_.ca_file);
  if (!options_.git_directory.empty()) variables.push_back("GIT_DIR=" + options_.git_directory);
  if (!options_.work_tree.empty()) variables.push_back("GIT_WORK_TREE=" + options_.work_tree);
  std::vector<std::pair<std::string, std::string>> settings{
      {"core.hooksPath", "/dev/null"}, {"core.fsmonitor", "false"},
      {"core.autocrlf", "false"},      {"core.symlinks", "true"},
      {"core.fileMode", "true"},       {"credential.helper", ""},
      {"submodule.recurse", "false"},  {"gc.auto", "0"},
      {"maintenance.auto", "false"},   {"advice.detachedHead", "false"},
      {"fetch.fsckObjects", "false"},  {"protocol.version", "2"}};
  if (options_.credentials) {
    // Sent to this server only. A header of ours would travel along a redirect,
    // so there are none then.
    settings.emplace_back("http." + options_.credentials_origin + "/.extraHeader",
                          "Authorization: " + git::basic_authorization(*options_.credentials));
    settings.emplace_back("http.followRedirects", "false");
  }
  variables.push_back("GIT_CONFIG_COUNT=" + std::to_string(settings.size()));
  for (std::size_t i = 0; i < settings.size(); ++i) {
    variables.push_back("GIT_CONFIG_KEY_" + std::to_string(i) + "=" + settings[i].first);
    variables.push_back("GIT_CONFIG_VALUE_" + std::to_string(i) + "=" + settings[i].second);
  }
  return variables;
}

Result<Finished> GitCommand::run(const std::vector<std::string>& args) const {
  Command command{.argv = {"git"}, .environment = environment(), .directory = {}};
  command.argv.insert(command.argv.end(), args.begin(), args.end());
  return run_command(command, stop_);
}

Result<std::string> GitCommand::output(const std::vector<std::string>& args) const {
  Finished finished = TRY(run(args));
  if (finished.exit_code != 0) return git_error(finished);
  while (!finished.output.empty() && finished.output.back() == '\n') finished.output.pop_back();
  return std::move(finished.output);
}

}  // namespace imagebuild::context
