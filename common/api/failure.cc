#include "common/api/failure.h"

#include <algorithm>

namespace imagebuild::api {
namespace {

// Length of the valid UTF-8 sequence at `position`, 0 if there is none (RFC 3629: no surrogates,
// no overlong forms).
std::size_t sequence_length(std::string_view text, std::size_t position) {
  auto byte = [&](std::size_t i) {
    return position + i < text.size() ? static_cast<unsigned char>(text[position + i]) : 0u;
  };
  auto follows = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF && follows(1)) return 2;
  if (first >= 0xE0 && first <= 0xEF && follows(1) && follows(2)) {
    if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return 0;
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4 && follows(1) && follows(2) && follows(3)) {
    if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

std::string valid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    std::size_t length = sequence_length(text, i);
    result += length == 0 ? std::string_view("?") : text.substr(i, length);
    i += std::max<std::size_t>(length, 1);
  }
  return result;
}

bool continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u; }

}  // namespace

std::string_view to_string(FailureClass value) {
  switch (value) {
    case FailureClass::Transient:
      return "Transient";
    case FailureClass::Config:
      return "Config";
    case FailureClass::Terminal:
      return "Terminal";
  }
  return "Transient";
}

FailureClass failure_class_from(std::string_view text) {
  if (text == "Config") return FailureClass::Config;
  if (text == "Terminal") return FailureClass::Terminal;
  return FailureClass::Transient;
}

const std::vector<std::string_view>& failure_reasons() {
  using namespace reason;
  static const std::vector<std::string_view> all = {kBadDockerfile,
                                                    kBuildFailed,
                                                    kBadContext,
                                                    kNotImplemented,
                                                    kTimeout,
                                                    kInvalidSpec,
                                                    kSizeBudgetExceeded,
                                                    kImageConflict,
                                                    kSecretNotFound,
                                                    kBaseImageNotFound,
                                                    kRegistryDenied,
                                                    kSourceNotFound,
                                                    kSourceDenied,
                                                    kIsolationUnavailable,
                                                    kPodRefused,
                                                    kPodUnschedulable,
                                                    kPodImagePullFailed,
                                                    kPodCreateFailed,
                                                    kSeccompProfileMissing,
                                                    kRegistryUnavailable,
                                                    kDigestMismatch,
                                                    kSourceUnavailable,
                                                    kOutOfDisk,
                                                    kOomKilled,
                                                    kEvicted,
                                                    kPodLost,
                                                    kInterrupted,
                                                    kBuilderCrashed};
  return all;
}

std::string_view known_reason(std::string_view text) {
  for (std::string_view known : failure_reasons())
    if (known == text) return known;
  return reason::kBuilderCrashed;
}

Json failure_to_json(const Failure& failure) {
  Json result = {{"class", to_string(failure.failure_class)}, {"reason", failure.reason}};
  if (!failure.message.empty()) result["message"] = failure.message;
  if (!failure.stage.empty()) result["stage"] = failure.stage;
  if (failure.line > 0) result["line"] = failure.line;
  if (failure.exit_code.value_or(0) != 0) result["exitCode"] = *failure.exit_code;
  if (!failure.log_tail.empty()) result["logTail"] = failure.log_tail;
  return result;
}

Failure failure_from_json(const Json& value) {
  Failure failure;
  if (!value.is_object()) return failure;
  failure.failure_class = failure_class_from(string_at(value, {"class"}));
  failure.reason = known_reason(string_at(value, {"reason"}));
  failure.message = string_at(value, {"message"});
  failure.stage = string_at(value, {"stage"});
  failure.log_tail = string_at(value, {"logTail"});
  if (auto line = find_int(value, "line"); line && *line)
    failure.line = static_cast<int>(std::clamp<std::int64_t>(**line, 0, INT32_MAX));
  if (auto code = find_int(value, "exitCode"); code && *code)
    failure.exit_code = static_cast<int>(std::clamp<std::int64_t>(**code, INT32_MIN, INT32_MAX));
  return failure;
}

std::string clip_front(std::string_view text, std::size_t bytes) {
  std::string valid = valid_utf8(text);
  if (valid.size() <= bytes) return valid;
  std::size_t begin = valid.size() - bytes;
  while (begin < valid.size() && continuation(valid[begin])) ++begin;
  return valid.substr(begin);
}

std::string clip_back(std::string_view text, std::size_t bytes) {
  std::string valid = valid_utf8(text);
  if (valid.size() <= bytes) return valid;
  std::size_t end = bytes;
  while (end > 0 && continuation(valid[end])) --end;
  return valid.substr(0, end);
}

std::string told(const Failure& failure) {
  const std::string line = std::to_string(failure.line);
  const bool named = failure.message.find(":" + line + ": ") != std::string::npos;
  return failure.line == 0 || named ? failure.message : "line " + line + ": " + failure.message;
}

}  // namespace imagebuild::api
