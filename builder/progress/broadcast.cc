#include "builder/progress/progress.h"

namespace imagebuild::progress {

void Broadcast::step_started(const Step& step) {
  for (auto* listener : listeners_) listener->step_started(step);
}
void Broadcast::step_output(const Step& step, std::string_view bytes) {
  for (auto* listener : listeners_) listener->step_output(step, bytes);
}
void Broadcast::step_finished(const Step& step, const StepResult& result) {
  for (auto* listener : listeners_) listener->step_finished(step, result);
}
void Broadcast::transfer(const Transfer& transfer) {
  for (auto* listener : listeners_) listener->transfer(transfer);
}
void Broadcast::note(std::string_view text) {
  for (auto* listener : listeners_) listener->note(text);
}
void Broadcast::warning(std::string_view text) {
  for (auto* listener : listeners_) listener->warning(text);
}

}  // namespace imagebuild::progress
