#include "plugin/waiting.h"

#include "common/base/byte_size.h"
#include "common/base/wait.h"
#include "plugin/next_steps.h"
#include "plugin/render.h"

namespace imagebuild::plugin {
namespace {

using State = Verdict::State;

std::string failure_text(const api::Failure& failure) {
  const std::string where =
      failure.line > 0 ? " (Dockerfile line " + std::to_string(failure.line) + ")" : "";
  return failure.reason + where + ": " + one_line(failure.message);
}

std::string condition_text(const View& view) {
  const api::Condition* current = view.condition("UpToDate");
  const api::Condition* ready = view.condition("Ready");
  const api::Condition* told = ready != nullptr && ready->status != "True" ? ready : current;
  if (told == nullptr) return "waiting for the operator";
  return told->reason + (told->message.empty() ? "" : ": " + one_line(told->message));
}

bool tried_again(const api::Build& build, int retries) {
  return build.failure && build.failure->failure_class == api::FailureClass::Transient &&
         build.retries < retries;
}

}  // namespace

Verdict judge(const View& view, const Goal& goal, int retries) {
  if (view.suspended)
    return {State::Failed, "it is suspended: kubectl imagebuild resume " + arguments_of(view)};
  if (view.observed_generation < goal.generation)
    return {State::Waiting, "waiting for the operator"};
  const bool answered = goal.token.empty() || (view.build && view.build->token == goal.token);
  const api::Condition* current = view.condition("UpToDate");
  const api::Condition* ready = view.condition("Ready");
  if (answered && current != nullptr && current->status == "True")
    return {State::Succeeded, current->reason};
  if (answered && view.build && view.build->result.empty())
    return {State::Running, condition_text(view)};
  if (answered && view.build && view.build->failure) {
    const api::Failure& failure = *view.build->failure;
    if (tried_again(*view.build, retries))
      return {State::Waiting, "will be tried again after " + failure_text(failure)};
    // The conditions are about this generation: the failure stands if they repeat it.
    if (current != nullptr && current->reason == failure.reason)
      return {State::Failed, failure_text(failure)};
  }
  // A refusal without a build: an invalid spec, another ImageBuild with the same tag.
  const api::Condition* stalled = view.condition("Stalled");
  if (stalled != nullptr && stalled->status == "True" && ready != nullptr && answered)
    return {State::Failed, ready->reason + ": " + one_line(ready->message)};
  return {State::Waiting, condition_text(view)};
}

int retries_of(const Json& object) {
  const Json* retries = find_path(object, {"spec", "retries"});
  return retries != nullptr && retries->is_number_integer() ? retries->get<int>() : 2;
}

Result<Verdict> wait_for_goal(
    Session& session, const std::string& name, const Goal& goal,
    const std::function<Result<void>(const View&, const Verdict&)>& each) {
  std::string told;
  for (;;) {
    const Json object = TRY(fetch_object(session, name));
    const View view = view_from_json(object);
    Verdict verdict = judge(view, goal, retries_of(object));
    if (verdict.text != told && !verdict.ended())
      session.console.note(clip({}, verdict.text, 300) + "\n");
    told = verdict.text;
    if (each) TRY(each(view, verdict));
    if (verdict.ended()) return verdict;
    imagebuild::wait_for(session.poll, {});
  }
}

std::string outcome_text(const View& view, const Verdict& verdict, const Style& style) {
  if (verdict.state != State::Succeeded || !view.image) {
    std::string text = paint(style, Colour::Red, "failed") + ": " + verdict.text + "\n";
    const std::string reason = view.build && view.build->failure ? view.build->failure->reason : "";
    std::string step = what_to_do(reason, arguments_of(view));
    return step.empty() ? text : text + wrap(step, style.width, "  ");
  }
  const ImageView& image = *view.image;
  std::string size = format_bytes(image.size_bytes);
  if (image.delta_bytes) size += " (" + format_delta(*image.delta_bytes) + ")";
  return paint(style, Colour::Green, "built") + " " + image.ref + "\n  " + size +
         ", details: " + "kubectl imagebuild sizes " + arguments_of(view) + "\n";
}

}  // namespace imagebuild::plugin
