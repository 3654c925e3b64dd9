// kubeconfig files: merge, choose a context, resolve what its cluster and user name.
#include <filesystem>

#include "common/base/json.h"
#include "common/base/unique_fd.h"
#include "common/kube/config.h"
#include "common/yaml/yaml.h"

namespace imagebuild::kube {
namespace {

constexpr std::size_t kMaxFile = 4u << 20;

// One named entry and the file it came from: relative paths in it are relative to that file.
struct Entry {
  Json value = Json::object();
  std::string file;
  std::string label;  // "user admin", for messages
};

struct Merged {
  std::vector<std::pair<std::string, Json>> files;  // path, document
};

Result<Merged> read_files(const std::vector<std::string>& paths) {
  Merged merged;
  for (const auto& path : paths) {
    auto text = read_file(path, kMaxFile);
    if (!text.ok()) {
      if (text.error().kind == ErrorKind::NotFound && paths.size() > 1) continue;
      return std::move(text).error();
    }
    Json document = TRY_CONTEXT(parse_yaml(*text), path);
    if (document.is_null()) continue;
    if (!document.is_object()) return fail(ErrorKind::InvalidInput, path + ": not a kubeconfig");
    merged.files.emplace_back(path, std::move(document));
  }
  if (merged.files.empty())
    return fail(
        ErrorKind::NotFound,
        "no kubeconfig in " + (paths.empty() ? std::string("an empty list") : paths.front()));
  return merged;
}

// The first file that names it wins.
Result<Entry> find_entry(const Merged& merged, const char* list, const char* member,
                         std::string_view name) {
  for (const auto& [file, document] : merged.files) {
    const Json* entries = find_path(document, {list});
    if (!entries || !entries->is_array()) continue;
    for (const auto& entry : *entries) {
      if (string_at(entry, {"name"}) != name) continue;
      const Json* value = find_path(entry, {member});
      std::string label = std::string(member) + " \"" + std::string(name) + "\"";
      if (!value || !value->is_object())
        return fail(ErrorKind::InvalidInput, file + ": " + label + " is empty");
      return Entry{*value, file, std::move(label)};
    }
  }
  return fail(ErrorKind::InvalidInput, merged.files.front().first + ": no " + std::string(member) +
                                           " named \"" + std::string(name) + "\"");
}

Error at(const Entry& entry, const std::string& problem) {
  return fail(ErrorKind::InvalidInput, entry.file + ": " + entry.label + ": " + problem);
}

Result<std::string> text(const Entry& entry, const char* field) {
  auto value = find_string(entry.value, field);
  if (!value.ok()) return at(entry, value.error().message);
  return value->value_or("");
}

Result<void> refuse(const Entry& entry,
                    std::initializer_list<std::pair<const char*, const char*>> fields) {
  for (auto [field, why] : fields) {
    auto it = entry.value.find(field);
    if (it != entry.value.end() && !it->is_null() &&
        !(it->is_string() && it->get_ref<const std::string&>().empty()))
      return at(entry, std::string(field) + " is not supported: " + why);
  }
  return {};
}

std::string beside(const std::string& file, const std::string& path) {
  return (std::filesystem::path(file).parent_path() / path).string();
}

Result<std::string> decode_base64(const Entry& entry, const char* field, std::string_view encoded) {
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (char c : encoded) {
    static constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (c == '=' || c == '\n' || c == '\r' || c == ' ') continue;
    auto digit = alphabet.find(c);
    if (digit == std::string_view::npos) return at(entry, std::string(field) + " is not base64");
    bits = bits << 6 | static_cast<unsigned>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  return out;
}

// The content of "<field>-data" (base64, wins) or of the file that "<field>" names; "" for neither.
Result<std::string> pem(const Entry& entry, const std::string& field) {
  std::string data_field = field + "-data";
  std::string data = TRY(text(entry, data_field.c_str()));
  if (!data.empty()) return decode_base64(entry, data_field.c_str(), data);
  std::string path = TRY(text(entry, field.c_str()));
  if (path.empty()) return std::string();
  auto content = read_file(beside(entry.file, path), kMaxFile);
  if (!content.ok()) return at(entry, field + ": " + content.error().message);
  return content;
}

Result<void> apply_cluster(const Entry& cluster, ClientConfig& config) {
  TRY(refuse(cluster, {{"proxy-url", "set HTTPS_PROXY instead"}}));
  config.server = TRY(text(cluster, "server"));
  while (config.server.ends_with('/')) config.server.pop_back();
  auto url = http::parse_url(config.server);
  if (!url.ok()) return at(cluster, "server: " + url.error().message);
  config.tls.ca_data = TRY(pem(cluster, "certificate-authority"));
  config.tls.server_name = TRY(text(cluster, "tls-server-name"));
  auto insecure = find_bool(cluster.value, "insecure-skip-tls-verify");
  if (!insecure.ok()) return at(cluster, insecure.error().message);
  config.tls.insecure_skip_verify = insecure->value_or(false);
  if (config.tls.insecure_skip_verify && !config.tls.ca_data.empty())
    return at(cluster, "certificate-authority and insecure-skip-tls-verify exclude each other");
  return {};
}

Result<void> apply_user(const Entry& user, ClientConfig& config) {
  TRY(refuse(user, {{"exec", "give a token or a client certificate"},
                    {"auth-provider", "give a token or a client certificate"},
                    {"username", "API servers have no basic authentication any more"},
                    {"password", "API servers have no basic authentication any more"},
                    {"as", "impersonation"},
                    {"as-uid", "impersonation"},
                    {"as-groups", "impersonation"},
                    {"as-user-extra", "impersonation"}}));
  config.tls.client_cert_data = TRY(pem(user, "client-certificate"));
  config.tls.client_key_data = TRY(pem(user, "client-key"));
  if (config.tls.client_cert_data.empty() != config.tls.client_key_data.empty())
    return at(user, "client-certificate and client-key are needed together");
  config.token = TRY(text(user, "token"));
  std::string token_file = TRY(text(user, "tokenFile"));
  if (!token_file.empty()) config.token_file = beside(user.file, token_file);
  return {};
}

std::string current_context(const Merged& merged) {
  for (const auto& [file, document] : merged.files)
    if (std::string name = string_at(document, {"current-context"}); !name.empty()) return name;
  return "";
}

}  // namespace

Result<ClientConfig> load_kubeconfig(const std::vector<std::string>& paths,
                                     std::string_view wanted) {
  Merged merged = TRY_CONTEXT(read_files(paths), "kubeconfig");
  std::string name = wanted.empty() ? current_context(merged) : std::string(wanted);
  if (name.empty())
    return fail(ErrorKind::InvalidInput,
                "kubeconfig " + merged.files.front().first + ": no current-context");
  auto load = [&]() -> Result<ClientConfig> {
    ClientConfig config;
    Entry context = TRY(find_entry(merged, "contexts", "context", name));
    std::string user = TRY(text(context, "user"));
    std::string name_space = TRY(text(context, "namespace"));
    if (!name_space.empty()) config.name_space = name_space;
    std::string cluster_name = TRY(text(context, "cluster"));
    Entry cluster = TRY(find_entry(merged, "clusters", "cluster", cluster_name));
    TRY(apply_cluster(cluster, config));
    if (user.empty()) return config;
    Entry credentials = TRY(find_entry(merged, "users", "user", user));
    TRY(apply_user(credentials, config));
    return config;
  };
  return load().context("kubeconfig");
}

}  // namespace imagebuild::kube
