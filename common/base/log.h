// Logs are events: a constant message, data in fields, one line each. Never a secret in a field.
//
//   log.info("layer pushed", {{"digest", digest}, {"bytes", size}});
//   auto child = log.with({{"imagebuild", key}});
//
// A Logger is a cheap value; the sink behind it (spdlog) is thread-safe and set up once in main.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "common/base/error.h"

namespace imagebuild {

enum class LogLevel { Debug, Info, Warn, Error };
enum class LogFormat { Text, JsonLines };

struct LogField {
  template <typename T>
  LogField(std::string_view field_name, const T& field_value) : name(field_name) {
    if constexpr (std::is_same_v<T, bool>)
      value = field_value;
    else if constexpr (std::is_integral_v<T>)
      value = static_cast<std::int64_t>(field_value);
    else if constexpr (std::is_floating_point_v<T>)
      value = static_cast<double>(field_value);
    else if constexpr (std::is_same_v<T, imagebuild::Error>)
      value = field_value.message;
    else
      value = std::string(std::string_view(field_value));
  }
  std::string name;
  std::variant<std::string, std::int64_t, double, bool> value;
};

class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(LogLevel level, std::string_view message,
                     const std::vector<LogField>& fields) noexcept = 0;
};

class Logger {
 public:
  /// Discards everything.
  Logger() = default;
  // Shared: every copy of the logger, in every thread, writes to the one sink.
  explicit Logger(std::shared_ptr<LogSink> sink) : sink_(std::move(sink)) {}

  Logger with(std::initializer_list<LogField> fields) const;
  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) const {
    log(LogLevel::Debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) const {
    log(LogLevel::Info, message, fields);
  }
  void warn(std::string_view message, std::initializer_list<LogField> fields = {}) const {
    log(LogLevel::Warn, message, fields);
  }
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) const {
    log(LogLevel::Error, message, fields);
  }

 private:
  void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) const;

  std::shared_ptr<LogSink> sink_;
  std::vector<LogField> bound_;
};

/// A logger to standard error in the given format, dropping events below `level`.
Logger make_stderr_logger(LogFormat format, LogLevel level);

}  // namespace imagebuild
