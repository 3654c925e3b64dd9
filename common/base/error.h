// What can go wrong, as data. An Error says what the caller does next (kind) and what a
// person reads (message, one line, context in front, cause last).
#pragma once

#include <string>
#include <string_view>

namespace imagebuild {

/// Chosen by what the caller does next, not by where the error came from.
enum class ErrorKind {
  InvalidInput,  ///< the user's input is wrong: stop and say so
  NotFound,      ///< the thing asked for does not exist
  Conflict,      ///< somebody else changed it: read again, decide again
  Denied,        ///< credentials or permissions: configuration has to change
  Transient,     ///< back off and try again
  Canceled,      ///< we were asked to stop
  Internal,      ///< a bug or a broken environment
};

/// "InvalidInput", "NotFound", …
std::string_view to_string(ErrorKind kind);

struct [[nodiscard]] Error {
  ErrorKind kind = ErrorKind::Internal;
  std::string message;

  /// The same error with "what: " in front: one layer of context.
  Error context(std::string_view what) &&;
  Error context(std::string_view what) const &;
};

/// An Error from errno: kind by the number (ENOENT NotFound, EACCES/EPERM Denied,
/// ENOSPC/EIO/EAGAIN/ECONN* Transient, …), message "what: strerror".
Error errno_error(std::string_view what, int number);
/// errno_error() with the current errno.
Error errno_error(std::string_view what);

}  // namespace imagebuild
