#include "common/kube/api_error.h"

#include <cstdlib>

#include "common/base/json.h"

namespace imagebuild::kube {
namespace {

constexpr std::size_t kMaxMessage = 1024;

// What the caller does next, from the code alone: reasons refine it, but every server gives a code.
ErrorKind kind_of(int code) {
  switch (code) {
    case 400:
    case 405:
    case 406:
    case 413:
    case 415:
    case 422:
      return ErrorKind::InvalidInput;
    case 401:
    case 403:
      return ErrorKind::Denied;
    case 404:
      return ErrorKind::NotFound;
    case 409:
    case 410:
      return ErrorKind::Conflict;
    case 408:
    case 429:
      return ErrorKind::Transient;
    default:
      return code >= 500 ? ErrorKind::Transient : ErrorKind::Internal;
  }
}

bool has_terminating_cause(const Json& status) {
  const Json* causes = find_path(status, {"details", "causes"});
  if (!causes || !causes->is_array()) return false;
  for (const auto& cause : *causes)
    if (string_at(cause, {"reason"}) == "NamespaceTerminating") return true;
  return false;
}

std::optional<Duration> parse_seconds(std::string_view text) {
  // Retry-After is seconds here; API servers never send the date form.
  if (text.empty() || text.size() > 6 ||
      text.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  return std::chrono::seconds(std::atoi(std::string(text).c_str()));
}

ApiError make(std::string_view what, int code, std::string reason, std::string message) {
  ApiError error;
  error.kind = kind_of(code);
  error.code = code;
  error.reason = std::move(reason);
  error.message = std::string(what) + ": " + std::to_string(code);
  if (!error.reason.empty()) error.message += " " + error.reason;
  if (!message.empty()) error.message += ": " + message.substr(0, kMaxMessage);
  return error;
}

}  // namespace

ApiError api_error_from_status(std::string_view what, const Json& status) {
  const Json* code = find_path(status, {"code"});
  const Json* seconds = find_path(status, {"details", "retryAfterSeconds"});
  ApiError error = make(what, code && code->is_number_integer() ? code->get<int>() : 500,
                        string_at(status, {"reason"}), string_at(status, {"message"}));
  error.terminating = has_terminating_cause(status);
  if (seconds && seconds->is_number_integer() && seconds->get<int>() > 0)
    error.retry_after = std::chrono::seconds(seconds->get<int>());
  return error;
}

ApiError api_error_from_response(std::string_view what, const http::Response& response) {
  auto status = parse_json(response.body);
  ApiError error;
  if (status.ok() && string_at(*status, {"kind"}) == "Status") {
    Json corrected = *std::move(status);
    corrected["code"] = response.status;  // the response's own code is the one the caller got
    error = api_error_from_status(what, corrected);
  } else {
    error = make(what, response.status, "",
                 response.body.substr(0, response.body.find_first_of("\r\n")));
  }
  if (auto header = response.headers.find("Retry-After"))
    if (auto delay = parse_seconds(*header)) error.retry_after = delay;
  return error;
}

ApiError api_error_from_transport(std::string_view what, Error cause) {
  ApiError error;
  error.kind = cause.kind;
  error.message = std::string(what) + ": " + cause.message;
  return error;
}

}  // namespace imagebuild::kube
