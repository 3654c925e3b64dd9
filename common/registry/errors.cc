#include "common/registry/errors.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/json.h"
#include "common/registry/retry.h"

namespace imagebuild::registry {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 14> kReasons{{
    {400, "bad request"},
    {401, "unauthorized"},
    {403, "forbidden"},
    {404, "not found"},
    {405, "method not allowed"},
    {408, "request timeout"},
    {413, "too large"},
    {415, "unsupported media type"},
    {416, "range not satisfiable"},
    {429, "too many requests"},
    {500, "internal server error"},
    {502, "bad gateway"},
    {503, "service unavailable"},
    {504, "gateway timeout"},
}};

ErrorKind kind_of(int status) {
  if (status == 401 || status == 403) return ErrorKind::Denied;
  if (status == 404) return ErrorKind::NotFound;
  return is_retryable_status(status) ? ErrorKind::Transient : ErrorKind::Internal;
}

// {"errors": [{"code": "DENIED", "message": "…"}]} of the distribution spec, or
// {"message"/"error"/"details": "…"} of others.
std::string detail_of(std::string_view body) {
  constexpr std::size_t kMaxErrors = 3;
  auto document = parse_json(body);
  if (!document || !document->is_object()) return "";
  const Json* errors = find_path(*document, {"errors"});
  std::string detail;
  if (errors != nullptr && errors->is_array()) {
    for (std::size_t i = 0; i < std::min(errors->size(), kMaxErrors); ++i) {
      std::string code = string_at((*errors)[i], {"code"});
      std::string message = string_at((*errors)[i], {"message"});
      detail += (detail.empty() ? "" : "; ") + code +
                (code.empty() || message.empty() ? "" : ": ") + message;
    }
    return detail;
  }
  for (const char* name : {"details", "message", "error_description", "error"})
    if (detail = string_at(*document, {name}); !detail.empty()) return detail;
  return "";
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (char c : text.substr(0, limit))
    out += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? ' ' : c;
  return text.size() > limit ? out + "…" : out;
}

Error error_of(const http::Response& response) {
  std::string message = std::to_string(response.status);
  auto reason = std::find_if(kReasons.begin(), kReasons.end(),
                             [&](const auto& r) { return r.first == response.status; });
  if (reason != kReasons.end()) message += " " + std::string(reason->second);
  if (std::string detail = detail_of(response.body); !detail.empty())
    message += ": " + printable(detail);
  if (auto wait = response.headers.find("Retry-After"))
    message += " (retry after " + printable(*wait, 40) + ")";
  return fail(kind_of(response.status), message);
}

}  // namespace imagebuild::registry
