#include "common/base/error.h"

#include <cerrno>
#include <cstring>

namespace imagebuild {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::InvalidInput:
      return "InvalidInput";
    case ErrorKind::NotFound:
      return "NotFound";
    case ErrorKind::Conflict:
      return "Conflict";
    case ErrorKind::Denied:
      return "Denied";
    case ErrorKind::Transient:
      return "Transient";
    case ErrorKind::Canceled:
      return "Canceled";
    case ErrorKind::Internal:
      return "Internal";
  }
  return "Internal";
}

Error Error::context(std::string_view what) && {
  message.insert(0, std::string(what) + ": ");
  return std::move(*this);
}

Error Error::context(std::string_view what) const& { return Error(*this).context(what); }

namespace {

ErrorKind kind_of(int number) {
  switch (number) {
    case ENOENT:
      return ErrorKind::NotFound;
    case EEXIST:
      return ErrorKind::Conflict;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorKind::Denied;
    case EAGAIN:
    case EINTR:
    case EIO:
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ECONNREFUSED:
    case ECONNRESET:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return ErrorKind::Transient;
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
      return ErrorKind::InvalidInput;
    case ECANCELED:
      return ErrorKind::Canceled;
    default:
      return ErrorKind::Internal;
  }
}

}  // namespace

Error errno_error(std::string_view what, int number) {
  return Error{kind_of(number), std::string(what) + ": " + std::strerror(number)};
}

Error errno_error(std::string_view what) { return errno_error(what, errno); }

}  // namespace imagebuild
