// CopyRequest as JSON, for the tree worker. Paths may hold any bytes but NUL: they travel as hex.
#include "builder/layer/copy.h"

namespace imagebuild {

namespace {

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned char byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

Result<std::string> from_hex(const Json& json) {
  if (!json.is_string())
    return fail(ErrorKind::InvalidInput, "copy request: expected a path in hex");
  const auto& hex = json.get_ref<const std::string&>();
  auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    if (digit(hex[i]) < 0 || digit(hex[i + 1]) < 0) break;
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  }
  if (bytes.size() * 2 != hex.size())
    return fail(ErrorKind::InvalidInput, "copy request: bad hex in a path");
  return bytes;
}

Json paths_to_json(const std::vector<std::string>& paths) {
  Json json = Json::array();
  for (const auto& path : paths) json.push_back(to_hex(path));
  return json;
}

Result<std::vector<std::string>> paths_from_json(const Json& object, const char* field) {
  std::vector<std::string> paths;
  auto found = object.find(field);
  if (found == object.end() || !found->is_array())
    return fail(ErrorKind::InvalidInput,
                std::string("copy request: ") + field + ": expected a list");
  for (const auto& item : *found) paths.push_back(TRY(from_hex(item)));
  return paths;
}

Result<std::int64_t> required_int(const Json& object, const char* field) {
  auto value = TRY(find_int(object, field));
  if (!value)
    return fail(ErrorKind::InvalidInput, std::string("copy request: ") + field + " is missing");
  return *value;
}

}  // namespace

Json to_json(const CopyRequest& request) {
  const CopyDestination& to = request.destination;
  Json json = {{"sources", paths_to_json(request.sources)},
               {"path", to_hex(to.path)},
               {"kind", static_cast<int>(to.kind)},
               {"trailingSlash", to.trailing_slash},
               {"missingParents", paths_to_json(to.missing_parents)},
               {"uid", request.owner.uid},
               {"gid", request.owner.gid}};
  if (request.chmod) json["chmod"] = request.chmod->text();
  if (request.mtime) json["mtime"] = *request.mtime;
  json["excludes"] = paths_to_json(request.excludes);
  json["parents"] = request.parents;
  json["names"] = request.names;
  return json;
}

Result<CopyRequest> copy_request_from_json(const Json& json) {
  if (!json.is_object()) return fail(ErrorKind::InvalidInput, "copy request: expected an object");
  CopyRequest request;
  request.sources = TRY(paths_from_json(json, "sources"));
  request.destination.path = TRY(from_hex(json.value("path", Json())));
  auto kind = TRY(required_int(json, "kind"));
  if (kind < 0 || kind > static_cast<int>(DestinationKind::Other))
    return fail(ErrorKind::InvalidInput, "copy request: kind " + std::to_string(kind));
  request.destination.kind = static_cast<DestinationKind>(kind);
  request.destination.trailing_slash = TRY(find_bool(json, "trailingSlash")).value_or(false);
  request.destination.missing_parents = TRY(paths_from_json(json, "missingParents"));
  request.owner.uid = static_cast<std::uint32_t>(TRY(required_int(json, "uid")));
  request.owner.gid = static_cast<std::uint32_t>(TRY(required_int(json, "gid")));
  if (json.contains("chmod")) request.chmod = TRY(ModeChange::parse(string_at(json, {"chmod"})));
  request.mtime = TRY(find_int(json, "mtime"));
  request.excludes = TRY(paths_from_json(json, "excludes"));
  request.parents = TRY(find_bool(json, "parents")).value_or(false);
  request.names = TRY(find_bool(json, "names")).value_or(false);
  return request;
}

}  // namespace imagebuild
