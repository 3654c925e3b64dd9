#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>

#include "builder/progress/line_splitter.h"
#include "builder/progress/progress.h"
#include "common/base/byte_size.h"
#include "common/base/json.h"
#include "common/base/unique_fd.h"

namespace imagebuild::progress {
namespace {

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1fs", seconds);
  return text;
}

std::string title(const Step& step) {
  return "#" + std::to_string(step.number) + " [" + step.stage + " " + std::to_string(step.number) +
         "/" + std::to_string(step.total) + "] " + step.text.substr(0, step.text.find('\n'));
}

std::string_view verb(const Transfer& transfer) {
  return transfer.direction == Transfer::Direction::Pull ? "pull" : "push";
}

// A log that cannot be written is no reason to fail a build: errors of the descriptor are dropped
// here on purpose.
class Lines {
 public:
  explicit Lines(int fd) : fd_(fd) {}
  void write(std::string_view text) { (void)write_all(fd_, text).ok(); }

 private:
  int fd_;
};

class PlainRenderer : public Progress {
 public:
  explicit PlainRenderer(int fd) : out_(fd) {}

  void step_started(const Step& step) override { line(title(step)); }
  void step_output(const Step& step, std::string_view bytes) override {
    std::lock_guard lock(mutex_);
    splitters_[step.number].push(bytes, [&](std::string_view text) { output_line(step, text); });
  }
  void step_finished(const Step& step, const StepResult& result) override {
    std::lock_guard lock(mutex_);
    splitters_[step.number].flush([&](std::string_view text) { output_line(step, text); });
    splitters_.erase(step.number);
    put("#" + std::to_string(step.number) + (result.ok ? " done " : " FAILED ") +
        seconds_text(result.seconds));
  }
  void transfer(const Transfer& transfer) override {
    if (transfer.total == 0 || transfer.done < transfer.total) return;
    line(std::string(verb(transfer)) + " " + transfer.what + " " + format_bytes(transfer.total));
  }
  void note(std::string_view text) override { line(text); }
  void warning(std::string_view text) override { line("warning: " + std::string(text)); }

 protected:
  /// One whole line; called with the lock held.
  virtual void put(std::string_view text) { out_.write(std::string(text) + "\n"); }

  void line(std::string_view text) {
    std::lock_guard lock(mutex_);
    put(text);
  }

  Lines out_;
  std::mutex mutex_;  // guards the output and everything below, here and in derived renderers

 private:
  void output_line(const Step& step, std::string_view text) {
    put("#" + std::to_string(step.number) + " | " + std::string(text));
  }

  std::map<int, LineSplitter> splitters_;
};

// Plain lines that scroll, below them one line that says what runs now.
class TtyRenderer final : public PlainRenderer {
 public:
  using PlainRenderer::PlainRenderer;
  ~TtyRenderer() override { out_.write("\r\x1b[K"); }

  void step_started(const Step& step) override {
    PlainRenderer::step_started(step);
    status(title(step));
  }
  void transfer(const Transfer& transfer) override {
    PlainRenderer::transfer(transfer);
    if (transfer.total == 0) return;
    constexpr int kWidth = 20;
    int filled =
        static_cast<int>(kWidth * std::min(transfer.done, transfer.total) / transfer.total);
    status(std::string(verb(transfer)) + " [" + std::string(static_cast<std::size_t>(filled), '=') +
           std::string(static_cast<std::size_t>(kWidth - filled), ' ') + "] " +
           format_bytes(transfer.done) + " / " + format_bytes(transfer.total) + " " +
           transfer.what);
  }

 protected:
  void put(std::string_view text) override {
    out_.write("\r\x1b[K" + std::string(text) + "\n" + status_);
  }

 private:
  // At most ten times a second: a pull reports every piece.
  void status(std::string text) {
    std::lock_guard lock(mutex_);
    auto now = std::chrono::steady_clock::now();
    status_ = text.substr(0, 78);
    if (now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    out_.write("\r\x1b[K" + status_);
  }

  std::string status_;
  std::chrono::steady_clock::time_point last_{};
};

class JsonRenderer final : public Progress {
 public:
  explicit JsonRenderer(int fd) : out_(fd) {}

  void step_started(const Step& step) override {
    put({{"event", "step_started"}, {"step", step_json(step)}});
  }
  void step_output(const Step& step, std::string_view bytes) override {
    put({{"event", "output"}, {"step", step.number}, {"text", std::string(bytes)}});
  }
  void step_finished(const Step& step, const StepResult& result) override {
    put({{"event", "step_finished"},
         {"step", step.number},
         {"ok", result.ok},
         {"seconds", result.seconds}});
  }
  void transfer(const Transfer& transfer) override {
    if (transfer.total != 0 && transfer.done < transfer.total) return;
    put({{"event", std::string(verb(transfer))},
         {"what", transfer.what},
         {"bytes", transfer.done}});
  }
  void note(std::string_view text) override {
    put({{"event", "note"}, {"text", std::string(text)}});
  }
  void warning(std::string_view text) override {
    put({{"event", "warning"}, {"text", std::string(text)}});
  }

 private:
  static Json step_json(const Step& step) {
    return {{"number", step.number},
            {"total", step.total},
            {"stage", step.stage},
            {"line", step.line},
            {"text", step.text}};
  }
  void put(const Json& event) {
    std::lock_guard lock(mutex_);
    out_.write(dump_json(event) + "\n");
  }

  Lines out_;
  std::mutex mutex_;  // one event, one line
};

}  // namespace

std::unique_ptr<Progress> make_renderer(Style style, int fd) {
  switch (style) {
    case Style::Plain:
      return std::make_unique<PlainRenderer>(fd);
    case Style::Tty:
      return std::make_unique<TtyRenderer>(fd);
    case Style::Json:
      return std::make_unique<JsonRenderer>(fd);
  }
  return std::make_unique<PlainRenderer>(fd);
}

}  // namespace imagebuild::progress
