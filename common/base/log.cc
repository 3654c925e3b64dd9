#include "common/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

namespace imagebuild {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return spdlog::level::debug;
    case LogLevel::Info:
      return spdlog::level::info;
    case LogLevel::Warn:
      return spdlog::level::warn;
    case LogLevel::Error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

nlohmann::json json_of(const LogField& field) {
  return std::visit([](const auto& value) { return nlohmann::json(value); }, field.value);
}

std::string dump(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Text: `message  key=value …`; values with blanks are quoted as JSON strings.
std::string render_text(std::string_view message, const std::vector<LogField>& fields) {
  std::string line(message);
  for (const auto& field : fields) {
    nlohmann::json value = json_of(field);
    std::string text = value.is_string() ? value.get<std::string>() : dump(value);
    if (text.empty() || text.find_first_of(" \"\n\t=") != std::string::npos) text = dump(value);
    line += (&field == &fields.front() ? "  " : " ") + field.name + "=" + text;
  }
  return line;
}

std::string render_json(std::string_view message, const std::vector<LogField>& fields) {
  std::string line = "\"msg\":" + dump(std::string(message));
  for (const auto& field : fields) line += "," + dump(field.name) + ":" + dump(json_of(field));
  return line;
}

class SpdlogSink final : public LogSink {
 public:
  SpdlogSink(LogFormat format, LogLevel level)
      : format_(format), logger_("imagebuild", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_level(spdlog_level(level));
    logger_.set_pattern(format == LogFormat::JsonLines
                            ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                            : "%Y-%m-%dT%H:%M:%S.%eZ %L %v",
                        spdlog::pattern_time_type::utc);
    logger_.flush_on(spdlog::level::debug);
  }

  void write(LogLevel level, std::string_view message,
             const std::vector<LogField>& fields) noexcept override {
    auto target = spdlog_level(level);
    if (!logger_.should_log(target)) return;
    try {
      logger_.log(target, format_ == LogFormat::JsonLines ? render_json(message, fields)
                                                          : render_text(message, fields));
    } catch (...) {  // out of memory while logging: losing a line is better than losing the process
    }
  }

 private:
  const LogFormat format_;
  spdlog::logger logger_;
};

}  // namespace

Logger Logger::with(std::initializer_list<LogField> fields) const {
  Logger child = *this;
  child.bound_.insert(child.bound_.end(), fields.begin(), fields.end());
  return child;
}

void Logger::log(LogLevel level, std::string_view message,
                 std::initializer_list<LogField> fields) const {
  if (!sink_) return;
  std::vector<LogField> all = bound_;
  all.insert(all.end(), fields.begin(), fields.end());
  sink_->write(level, message, all);
}

Logger make_stderr_logger(LogFormat format, LogLevel level) {
  return Logger(std::make_shared<SpdlogSink>(format, level));
}

}  // namespace imagebuild
