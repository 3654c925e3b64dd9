// How a build can fail, as data: the class says what the operator does next, the reason is a word
// from a closed set (it becomes a condition's reason and a metric's label), the rest is for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/json.h"

namespace imagebuild::api {

enum class FailureClass {
  Transient,  ///< try again soon, at most spec.retries times
  Config,     ///< credentials or settings have to change; tried again every 1 to 10 min
  Terminal,   ///< the same inputs fail again: never for the same hash
};
std::string_view to_string(FailureClass value);
/// Transient for text that is none.
FailureClass failure_class_from(std::string_view text);

struct Failure {
  FailureClass failure_class = FailureClass::Transient;
  std::string reason;   ///< one of failure_reasons()
  std::string message;  ///< one line
  std::string stage;    ///< "" when no stage ran
  int line = 0;         ///< Dockerfile line; 0: none
  std::optional<int> exit_code;
  std::string log_tail;  ///< last output, at most 1.5 KiB
};

/// The message with its line in front, where it does not name it itself ("Dockerfile:7: RUN …").
std::string told(const Failure& failure);

/// Every reason a Failure may carry.
namespace reason {
inline constexpr std::string_view kBadDockerfile = "BadDockerfile";  // Terminal
inline constexpr std::string_view kBuildFailed = "BuildFailed";  // Terminal: RUN, COPY … failed
inline constexpr std::string_view kBadContext =
    "BadContext";  // Terminal: path, .dockerignore, archive
inline constexpr std::string_view kNotImplemented = "NotImplemented";  // Terminal
inline constexpr std::string_view kTimeout = "Timeout";          // Terminal until settings change
inline constexpr std::string_view kInvalidSpec = "InvalidSpec";  // Terminal
inline constexpr std::string_view kSizeBudgetExceeded = "SizeBudgetExceeded";  // Terminal
inline constexpr std::string_view kImageConflict = "ImageConflict";            // Config
inline constexpr std::string_view kSecretNotFound = "SecretNotFound";          // Config
inline constexpr std::string_view kBaseImageNotFound = "BaseImageNotFound";    // Config
inline constexpr std::string_view kRegistryDenied = "RegistryDenied";          // Config: 401, 403
inline constexpr std::string_view kSourceNotFound = "SourceNotFound";  // Config: repository or ref
inline constexpr std::string_view kSourceDenied = "SourceDenied";      // Config
inline constexpr std::string_view kIsolationUnavailable = "IsolationUnavailable";  // Config
inline constexpr std::string_view kPodRefused = "PodRefused";  // Config: quota, admission
inline constexpr std::string_view kPodUnschedulable = "PodUnschedulable";            // Config
inline constexpr std::string_view kPodImagePullFailed = "PodImagePullFailed";        // Config
inline constexpr std::string_view kPodCreateFailed = "PodCreateFailed";              // Config
inline constexpr std::string_view kSeccompProfileMissing = "SeccompProfileMissing";  // Config
inline constexpr std::string_view kRegistryUnavailable = "RegistryUnavailable";      // Transient
inline constexpr std::string_view kDigestMismatch =
    "DigestMismatch";  // Transient: what came is not what was named
inline constexpr std::string_view kSourceUnavailable = "SourceUnavailable";  // Transient
inline constexpr std::string_view kOutOfDisk = "OutOfDisk";                  // Transient
inline constexpr std::string_view kOomKilled = "OOMKilled";                  // Transient
inline constexpr std::string_view kEvicted = "Evicted";                      // Transient
inline constexpr std::string_view kPodLost = "PodLost";  // Transient: pod or node gone
inline constexpr std::string_view kInterrupted =
    "Interrupted";  // Transient: the builder was told to stop
inline constexpr std::string_view kBuilderCrashed = "BuilderCrashed";  // Transient: no report
}  // namespace reason

const std::vector<std::string_view>& failure_reasons();
/// The same word if it is in the set, else BuilderCrashed: label values never come from elsewhere.
std::string_view known_reason(std::string_view text);

Json failure_to_json(const Failure& failure);
/// Lenient: what is missing or of another type keeps its default.
Failure failure_from_json(const Json& value);

/// Cuts `text` to at most `bytes`, at a UTF-8 boundary, replacing invalid bytes; from the front or
/// from the back.
std::string clip_front(std::string_view text, std::size_t bytes);
std::string clip_back(std::string_view text, std::size_t bytes);

}  // namespace imagebuild::api
