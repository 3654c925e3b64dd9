#include "builder/executor/commands.h"

#include <algorithm>
#include <charconv>

namespace imagebuild::executor {

std::vector<std::string> shell_of(const oci::ContainerConfig& config) {
  return config.shell.empty() ? std::vector<std::string>{"/bin/sh", "-c"} : config.shell;
}

std::vector<std::string> command_argv(const dockerfile::CommandLine& command,
                                      const oci::ContainerConfig& config) {
  if (!command.shell_form) return command.argv;
  auto argv = shell_of(config);
  argv.insert(argv.end(), command.argv.begin(), command.argv.end());
  return argv;
}

std::vector<std::string> run_environment(
    const oci::ContainerConfig& config,
    const std::vector<std::pair<std::string, std::string>>& args, const std::string& home) {
  oci::ContainerConfig merged;
  merged.set_env("PATH", kDefaultPath);
  for (const auto& entry : config.env) {
    auto equals = entry.find('=');
    merged.set_env(entry.substr(0, equals),
                   equals == std::string::npos ? "" : entry.substr(equals + 1));
  }
  for (const auto& [name, value] : args) merged.set_env(name, value);
  if (!merged.find_env("HOME")) merged.set_env("HOME", home);
  return merged.env;
}

std::string absolute_path(std::string_view path, std::string_view working_dir) {
  std::string joined = path.starts_with('/') ? std::string(path)
                                             : std::string(working_dir) + "/" + std::string(path);
  std::vector<std::string_view> parts;
  std::string_view rest = joined;
  while (!rest.empty()) {
    auto slash = rest.find('/');
    auto part = rest.substr(0, slash);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  std::string clean;
  for (auto part : parts) clean += "/" + std::string(part);
  return clean.empty() ? "/" : clean;
}

bool names_directory(std::string_view path) {
  return path.ends_with('/') || path == "." || path == ".." || path.ends_with("/.") ||
         path.ends_with("/..");
}

std::string run_history(const std::vector<std::string>& argv,
                        const std::vector<std::pair<std::string, std::string>>& args) {
  std::string text = "RUN";
  if (!args.empty()) {
    text += " |" + std::to_string(args.size());
    for (const auto& [name, value] : args) text += " " + name + "=" + value;
  }
  for (const auto& word : argv) text += " " + word;
  return text;
}

oci::Healthcheck make_healthcheck(const dockerfile::Healthcheck& instruction) {
  if (instruction.none) return {.test = {"NONE"}};
  oci::Healthcheck check{.test = {instruction.test.shell_form ? "CMD-SHELL" : "CMD"},
                         .interval = instruction.interval.count(),
                         .timeout = instruction.timeout.count(),
                         .start_period = instruction.start_period.count(),
                         .start_interval = instruction.start_interval.count(),
                         .retries = instruction.retries};
  check.test.insert(check.test.end(), instruction.test.argv.begin(), instruction.test.argv.end());
  return check;
}

Result<std::vector<std::string>> expand_ports(const std::string& text) {
  auto invalid = [&] {
    return fail(ErrorKind::InvalidInput,
                "EXPOSE: expected PORT[-PORT][/tcp|udp|sctp], got '" + text + "'");
  };
  auto slash = text.find('/');
  std::string protocol = slash == std::string::npos ? "tcp" : text.substr(slash + 1);
  std::transform(protocol.begin(), protocol.end(), protocol.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") return invalid();
  std::string_view range = std::string_view(text).substr(0, slash);
  auto number = [](std::string_view digits) -> int {
    int value = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size() && value >= 1 &&
                   value <= 65535
               ? value
               : 0;
  };
  auto dash = range.find('-');
  int first = number(range.substr(0, dash));
  int last = dash == std::string_view::npos ? first : number(range.substr(dash + 1));
  if (first == 0 || last < first) return invalid();
  std::vector<std::string> ports;
  for (int port = first; port <= last; ++port)
    ports.push_back(std::to_string(port) + "/" + protocol);
  return ports;
}

}  // namespace imagebuild::executor
