#include "builder/secret_flags.h"

#include <sys/stat.h>

#include <filesystem>
#include <utility>

#include "common/base/unique_fd.h"

namespace imagebuild {
namespace {

constexpr std::size_t max_secret = 500u << 10;  // as BuildKit

struct SecretFlag {
  std::string id, file, variable;
};

Error invalid(const std::string& flag, const std::string& why) {
  return fail(ErrorKind::InvalidInput, flag + ": " + why);
}

/// Comma-separated key=value; messages name keys only: a value may be a mistyped secret.
Result<SecretFlag> parse_secret(std::string_view text) {
  SecretFlag secret;
  std::string type;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const std::string_view field = text.substr(0, comma);
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
    const auto equals = field.find('=');
    if (equals == field.npos)
      return invalid("--secret", "expected id=NAME[,src=FILE|env=VARIABLE]");
    const std::string_view key = field.substr(0, equals);
    const std::string value(field.substr(equals + 1));
    if (key == "id")
      secret.id = value;
    else if (key == "src" || key == "source")
      secret.file = value;
    else if (key == "env")
      secret.variable = value;
    else if (key == "type")
      type = value;
    else
      return invalid("--secret", "unknown key; expected id, src, env or type");
  }
  if (secret.id.empty())
    return invalid("--secret", "id is missing: id=NAME[,src=FILE|env=VARIABLE]");
  const std::string flag = "--secret id=" + secret.id;
  if (!type.empty() && type != "file" && type != "env") return invalid(flag, "type is file or env");
  if (type == "env" && secret.variable.empty()) secret.variable = std::exchange(secret.file, "");
  if (!secret.file.empty() && !secret.variable.empty())
    return invalid(flag, "src and env exclude each other");
  return secret;
}

Result<std::string> load(const SecretFlag& secret, const EnvironmentLookup& environment) {
  const std::string name = !secret.variable.empty() ? secret.variable
                           : secret.file.empty()    ? secret.id
                                                    : std::string();
  const char* value = name.empty() ? nullptr : environment(name.c_str());
  std::string bytes;
  if (value != nullptr)
    bytes = value;
  else if (!secret.variable.empty())
    return fail(ErrorKind::NotFound, "the variable " + secret.variable + " is not set");
  else
    bytes = TRY(read_file(secret.file.empty() ? secret.id : secret.file, max_secret));
  if (bytes.size() > max_secret)
    return fail(ErrorKind::InvalidInput, "a secret is at most 500 KiB");
  return bytes;
}

}  // namespace

Result<std::map<std::string, std::string>> load_secrets(const std::vector<std::string>& flags,
                                                        const EnvironmentLookup& environment) {
  std::map<std::string, std::string> secrets;
  for (const auto& text : flags) {
    const SecretFlag secret = TRY(parse_secret(text));
    const std::string flag = "--secret id=" + secret.id;
    auto value = TRY_CONTEXT(load(secret, environment), flag);
    if (!secrets.emplace(secret.id, std::move(value)).second) return invalid(flag, "given twice");
  }
  return secrets;
}

Result<std::map<std::string, std::string>> find_ssh_agents(const std::vector<std::string>& flags,
                                                           const EnvironmentLookup& environment) {
  std::map<std::string, std::string> agents;
  for (const auto& text : flags) {
    const auto equals = text.find('=');
    const std::string id = text.substr(0, equals);
    const std::string flag = "--ssh " + text;
    if (id.empty()) return invalid(flag, "expected default or NAME, and =SOCKET");
    std::string socket = equals == std::string::npos ? "" : text.substr(equals + 1);
    if (socket.empty()) {
      const char* value = environment("SSH_AUTH_SOCK");
      if (value == nullptr || *value == '\0')
        return fail(ErrorKind::NotFound, flag + ": SSH_AUTH_SOCK is not set; is an agent running?");
      socket = value;
    }
    struct stat st {};
    if (::stat(socket.c_str(), &st) < 0) return errno_error(flag + ": " + socket);
    if (!S_ISSOCK(st.st_mode))
      return invalid(flag, socket + " is not a socket; load keys into an agent (ssh-add)");
    if (!agents.emplace(id, std::filesystem::absolute(socket).string()).second)
      return invalid(flag, "given twice");
  }
  return agents;
}

}  // namespace imagebuild
