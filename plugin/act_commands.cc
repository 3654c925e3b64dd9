// Commands that change something: each says plainly what it did and how to take it back.
#include <algorithm>

#include "common/base/clock.h"
#include "plugin/builder_log.h"
#include "plugin/commands.h"
#include "plugin/waiting.h"

namespace imagebuild::plugin {
namespace {

constexpr const char* kUidLabel = "imagebuild.dev/uid";

Result<Json> patch(Session& session, const std::string& name, const Json& body) {
  return session.client->patch(kube::kImageBuilds, {session.name_space, name}, body);
}

Result<Json> set_suspend(Session& session, const std::string& name, bool suspend) {
  // null removes the field: without it builds start, and a spec that never had it is as it was.
  return patch(session, name, {{"spec", {{"suspend", suspend ? Json(true) : Json(nullptr)}}}});
}

/// The object's pods that have not ended.
Result<std::vector<Json>> running_pods(Session& session, const View& view) {
  auto page = session.client->list(kube::kPods, session.name_space,
                                   {.label_selector = std::string(kUidLabel) + "=" + view.uid});
  if (!page.ok()) return Error(page.error());
  std::vector<Json> running;
  for (const Json& pod : page->items) {
    const std::string phase = string_at(pod, {"status", "phase"});
    if (phase != "Succeeded" && phase != "Failed") running.push_back(pod);
  }
  return running;
}

/// Something runs, waits, or will be tried again.
bool has_work(const View& view) {
  if (view.build && view.build->result.empty()) return true;
  const api::Condition* reconciling = view.condition("Reconciling");
  const api::Condition* current = view.condition("UpToDate");
  return (reconciling != nullptr && reconciling->status == "True") ||
         (current != nullptr && current->reason == "Building");
}

Result<bool> delete_pod(Session& session, const Json& pod) {
  const kube::ObjectKey key{session.name_space, string_at(pod, {"metadata", "name"})};
  auto removed =
      session.client->remove(kube::kPods, key, {.uid = string_at(pod, {"metadata", "uid"})});
  if (removed.ok()) return true;
  if (removed.error().not_found() || removed.error().conflict()) return false;  // it has just ended
  return Error(removed.error());
}

}  // namespace

Result<int> rebuild_command(Session& session, const RebuildFlags& flags) {
  const View before = TRY(fetch_view(session, flags.name));
  const auto now = SystemClock().now();
  const auto millis = now.time_since_epoch().count() % 1000;
  std::string token = format_rfc3339(now) + "/" + std::to_string(millis);
  if (token == before.rebuild_token) token += "/again";  // within the same millisecond
  const View asked = view_from_json(
      TRY(patch(session, flags.name,
                {{"metadata", {{"annotations", {{"imagebuild.dev/rebuild", token}}}}}})));
  session.console.note("asked for a rebuild of " + arguments_of(before) + "\n");
  if (before.suspended) {
    session.console.note("It is suspended, so nothing starts until: kubectl imagebuild resume " +
                         arguments_of(before) + "\n");
    return flags.wait || flags.follow ? kFailed : kDone;
  }
  if (!flags.wait && !flags.follow) {
    session.console.note("Follow it: kubectl imagebuild logs " + arguments_of(before) + " -f\n");
    return kDone;
  }
  return watch_build(session, flags.name,
                     {.generation = asked.generation, .token = asked.rebuild_token}, flags.follow);
}

Result<int> cancel_command(Session& session, const std::string& name) {
  const View view = TRY(fetch_view(session, name));
  const std::vector<Json> pods = TRY(running_pods(session, view));
  if (pods.empty() && !has_work(view)) {
    session.console.out("No build of " + arguments_of(view) +
                        " runs or waits; nothing was done.\n");
    return kDone;
  }
  // First suspend: the operator decides on a consistent read once the pod is gone, and then finds
  // that it may start no other.
  if (!view.suspended) {
    TRY(set_suspend(session, name, true));
    session.console.out("suspended " + arguments_of(view) + " (spec.suspend: true)\n");
  }
  for (const Json& pod : pods)
    if (TRY(delete_pod(session, pod)))
      session.console.out("deleted pod " + string_at(pod, {"metadata", "name"}) +
                          ", and with it the build\n");
  session.console.out(
      "The image in the registry is as it was. Builds start again after: kubectl "
      "imagebuild resume " +
      arguments_of(view) + "\n");
  return kDone;
}

Result<int> suspend_command(Session& session, const std::string& name) {
  const View view = TRY(fetch_view(session, name));
  if (view.suspended) {
    session.console.out(arguments_of(view) + " is suspended already; nothing was done.\n");
    return kDone;
  }
  TRY(set_suspend(session, name, true));
  session.console.out("suspended " + arguments_of(view) + ": no build starts any more\n");
  if (view.build && view.build->result.empty())
    session.console.out("The build that runs is finished; to end it: kubectl imagebuild cancel " +
                        arguments_of(view) + "\n");
  return kDone;
}

Result<int> resume_command(Session& session, const std::string& name) {
  const View view = TRY(fetch_view(session, name));
  if (!view.suspended) {
    session.console.out(arguments_of(view) + " is not suspended; nothing was done.\n");
    return kDone;
  }
  TRY(set_suspend(session, name, false));
  session.console.out("resumed " + arguments_of(view) + ": what is due is built now\n");
  return kDone;
}

}  // namespace imagebuild::plugin
