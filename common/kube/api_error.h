// What the API server answered when it did not do what was asked: an Error that keeps the
// answer's code and reason, and ApiResult<T>, which carries it. Callers that only pass errors
// on use TRY as with Result (an ApiError is an Error); callers that decide ask
// `already_exists()`, `gone()` and so on.
//
//   auto pod = client.create(kPods, object);
//   if (!pod.ok() && pod.error().already_exists()) return adopt(key);
//   Json created = TRY(std::move(pod));
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/http/transport.h"

namespace imagebuild::kube {

struct ApiError : Error {
  int code = 0;  ///< HTTP status; 0: there was no answer, a write may or may not have happened
  std::string reason =
      {};  ///< Status.reason: "AlreadyExists", "Conflict", "Expired", … or "" if none was given
  std::optional<Duration> retry_after = {};

  bool not_found() const { return code == 404; }
  bool already_exists() const { return reason == "AlreadyExists"; }
  /// Somebody else wrote first (resourceVersion, uid precondition).
  bool conflict() const { return code == 409 && !already_exists(); }
  /// The resourceVersion or continue token is too old: list again.
  bool gone() const { return code == 410; }
  bool no_answer() const { return code == 0; }
  /// The namespace is being deleted: nothing can be created in it any more.
  bool namespace_terminating() const { return code == 403 && terminating; }

  bool terminating = false;  ///< Status.details.causes has NamespaceTerminating
};

/// From a response that is not 2xx. `what` is "get pods default/web": the context of the message.
ApiError api_error_from_response(std::string_view what, const http::Response& response);
/// From a Status object, as in a watch's ERROR event.
ApiError api_error_from_status(std::string_view what, const nlohmann::json& status);
/// From the transport's error: no answer.
ApiError api_error_from_transport(std::string_view what, Error error);

template <typename T>
class [[nodiscard]] ApiResult {
  using Stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

 public:
  using Value = T;

  ApiResult() requires std::is_void_v<T> : state_(std::in_place_index<0>) {}
  ApiResult(Stored value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  ApiResult(ApiError error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT
  /// An error that did not come from the server (bad input of our own).
  ApiResult(Error error) : state_(std::in_place_index<1>, ApiError{std::move(error)}) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  Stored& value() & { return std::get<0>(state_); }
  const Stored& value() const& { return std::get<0>(state_); }
  Stored&& value() && { return std::get<0>(std::move(state_)); }
  decltype(auto) operator*() & { return value_or_void(*this); }
  decltype(auto) operator*() const& { return value_or_void(*this); }
  decltype(auto) operator*() && { return value_or_void(std::move(*this)); }
  Stored* operator->() { return &value(); }
  const Stored* operator->() const { return &value(); }

  ApiError& error() & { return std::get<1>(state_); }
  const ApiError& error() const& { return std::get<1>(state_); }
  ApiError&& error() && { return std::get<1>(std::move(state_)); }

  /// The plain Result: drops code and reason, keeps kind and message.
  operator Result<T>() && {  // NOLINT
    if (!ok()) return Error(std::get<1>(std::move(state_)));
    if constexpr (std::is_void_v<T>)
      return {};
    else
      return std::get<0>(std::move(state_));
  }

 private:
  template <typename Self>
  static decltype(auto) value_or_void(Self&& self) {
    if constexpr (!std::is_void_v<T>) return std::forward<Self>(self).value();
  }

  std::variant<Stored, ApiError> state_;
};

}  // namespace imagebuild::kube
