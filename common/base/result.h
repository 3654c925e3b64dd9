// Result<T>: a value or an Error, and it cannot be ignored. TRY passes an error on.
//
//   Result<UniqueFd> open_beneath(int root, const RelativePath& path);
//   auto fd = TRY(open_beneath(root, path));
//
// Debian's tl::expected is not [[nodiscard]]: a dropped error compiles there in silence.
#pragma once

#include <cassert>
#include <optional>
#include <utility>
#include <variant>

#include "common/base/error.h"

namespace imagebuild {

template <typename T>
class [[nodiscard]] Result {
 public:
  using Value = T;

  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(value()); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  T& value() & {
    assert(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    assert(ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    assert(ok());
    return std::get<0>(std::move(state_));
  }

  Error& error() & {
    assert(!ok());
    return std::get<1>(state_);
  }
  const Error& error() const& {
    assert(!ok());
    return std::get<1>(state_);
  }
  Error&& error() && {
    assert(!ok());
    return std::get<1>(std::move(state_));
  }

  /// The same result; an error gets "what: " in front.
  Result context(std::string_view what) && {
    if (!ok()) return std::get<1>(std::move(state_)).context(what);
    return std::move(*this);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using Value = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  explicit operator bool() const { return !error_; }
  bool ok() const { return !error_; }
  void value() const { assert(ok()); }
  void operator*() const { assert(ok()); }

  Error& error() & { return *error_; }
  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

  Result context(std::string_view what) && {
    if (!ok()) return std::move(*error_).context(what);
    return {};
  }

 private:
  std::optional<Error> error_;
};

/// Shorthand for returning an error: `return fail(ErrorKind::NotFound, "no such stage")`.
inline Error fail(ErrorKind kind, std::string message) { return Error{kind, std::move(message)}; }

}  // namespace imagebuild

// A fresh name for every use, so that TRY nests: TRY(f(TRY(g()))).
#define IMAGEBUILD_TRY_JOIN2(a, b) a##b
#define IMAGEBUILD_TRY_JOIN(a, b) IMAGEBUILD_TRY_JOIN2(a, b)
#define IMAGEBUILD_TRY(name, expression, context_call)           \
  ({                                                             \
    auto name = (expression);                                    \
    if (!name.ok()) return std::move(name).error() context_call; \
    *std::move(name);                                            \
  })

/// The value of a Result, or return its error from the enclosing function.
#define TRY(expression) \
  IMAGEBUILD_TRY(IMAGEBUILD_TRY_JOIN(try_result_, __COUNTER__), (expression), )

/// TRY with one layer of context: TRY_CONTEXT(upload(layer), "upload layer " + digest).
#define TRY_CONTEXT(expression, what) \
  IMAGEBUILD_TRY(IMAGEBUILD_TRY_JOIN(try_result_, __COUNTER__), (expression), .context(what))
