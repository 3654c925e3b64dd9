// Progress: what a build is doing, as events, and the renderers that show them. The executor
// reports; who listens (a terminal, a log, the termination file) is the program's choice.
// Thread-safe: events come from several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imagebuild::progress {

/// One instruction being executed.
struct Step {
  int number = 0;  ///< 1-based, over the whole build
  int total = 0;
  std::string stage;  ///< "build", "stage-1"
  int line = 0;       ///< in the Dockerfile
  std::string text;   ///< "RUN npm ci"
};

struct StepResult {
  bool ok = true;
  double seconds = 0;
};

/// Bytes moving to or from a registry. `total` 0: not known.
struct Transfer {
  enum class Direction { Pull, Push };
  Direction direction = Direction::Pull;
  std::string what;  ///< "layer 9f2c41d0a1b2 of alpine:3.10"
  std::uint64_t done = 0, total = 0;
};

class Progress {
 public:
  virtual ~Progress() = default;
  virtual void step_started(const Step& step) = 0;
  /// Raw bytes of RUN's stdout and stderr, cut anywhere.
  virtual void step_output(const Step& step, std::string_view bytes) = 0;
  virtual void step_finished(const Step& step, const StepResult& result) = 0;
  virtual void transfer(const Transfer& transfer) = 0;
  /// A line for people: "resolved alpine:3.10 to sha256:…".
  virtual void note(std::string_view text) = 0;
  virtual void warning(std::string_view text) = 0;
};

enum class Style { Plain, Tty, Json };

/// Writes to `fd`. Plain: a line an event, RUN's output prefixed by its step number, so that no
/// output of a build can pass for a line of the builder. Tty: the same with the running step and
/// transfers on a last line that changes. Json: one object a line.
std::unique_ptr<Progress> make_renderer(Style style, int fd);

/// Tells every listener, in order.
class Broadcast final : public Progress {
 public:
  explicit Broadcast(std::vector<Progress*> listeners) : listeners_(std::move(listeners)) {}
  void step_started(const Step& step) override;
  void step_output(const Step& step, std::string_view bytes) override;
  void step_finished(const Step& step, const StepResult& result) override;
  void transfer(const Transfer& transfer) override;
  void note(std::string_view text) override;
  void warning(std::string_view text) override;

 private:
  std::vector<Progress*> listeners_;  // outlive this object
};

}  // namespace imagebuild::progress
