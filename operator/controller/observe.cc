#include "common/base/backoff.h"
#include "operator/controller/reconciler.h"

namespace imagebuild::controller {
namespace {

constexpr int kMaxRounds = 10;
// Nothing but time changes an object's fate then: retention, and mistakes of ours.
constexpr Duration kResync = std::chrono::hours(10);

}  // namespace

Reconciler::Reconciler(Parts parts, PodSettings settings)
    : parts_(std::move(parts)), settings_(std::move(settings)), shape_(settings_.shape) {}

Result<runtime::Outcome> Reconciler::reconcile(const kube::ObjectKey& key,
                                               const std::stop_token& stop) {
  auto observed = observe_cached(key);
  if (!observed) {
    parts_.slots.release(key);
    return runtime::Outcome{};
  }
  Snapshot& snapshot = *observed;
  PodSettings settings = settings_;
  settings.shape = shape_;
  Decision decision = decide(snapshot, settings);
  for (int round = 0; decision.needs.any(); ++round) {
    if (round == kMaxRounds)
      return fail(ErrorKind::Internal, "the decision about " + key.to_string() + " does not end");
    auto learnt = learn(key, decision.needs, snapshot, stop);
    if (!learnt) return learnt.error();
    if (snapshot.object.uid.empty()) {  // gone meanwhile
      parts_.slots.release(key);
      return runtime::Outcome{};
    }
    decision = decide(snapshot, settings);
  }
  // Before the writes: a pod that is about to exist has its slot.
  if (decision.holds_slot) parts_.slots.hold(key);
  auto applied = apply(snapshot, decision, stop);
  if (!decision.holds_slot && !decision.waits_for_slot) parts_.slots.release(key);
  if (!applied) return applied.error();
  const Duration resync(static_cast<Duration::rep>(static_cast<double>(kResync.count()) *
                                                   (0.9 + 0.2 * random_unit())));
  return runtime::Outcome{.requeue_after = decision.requeue_after.value_or(resync)};
}

std::optional<Snapshot> Reconciler::observe_cached(const kube::ObjectKey& key) const {
  auto object = parts_.find_object(key);
  if (!object) return std::nullopt;
  return Snapshot{.object = *object,
                  .pods = parts_.pods.pods_of(object->uid),
                  .now = parts_.clock.now(),
                  .unit = random_unit()};
}

Result<void> Reconciler::learn(const kube::ObjectKey& key, const Needs& needs, Snapshot& snapshot,
                               const std::stop_token& stop) {
  if (needs.fresh) {
    if (!TRY(observe_fresh(key, snapshot, stop))) snapshot.object.uid.clear();
    return {};
  }
  if (needs.slot) snapshot.slot = parts_.slots.acquire(key);
  if (needs.conflict) snapshot.conflict = parts_.tags.older_owner(snapshot.object);
  if (needs.commit)
    snapshot.commit =
        parts_.resolve_commit(std::get<api::GitSource>(snapshot.object.spec->source), stop);
  if (!needs.log_of_pod.empty()) {
    auto log = parts_.client.logs({key.name_space, needs.log_of_pod},
                                  {.container = kContainer, .tail_lines = needs.log_lines},
                                  {.stop = stop, .retries = 2});
    if (!log.ok())
      parts_.log.warn("layer table not read from the pod's log",
                      {{"pod", needs.log_of_pod}, {"error", log.error().message}});
    snapshot.log_tail = log.ok() ? *log : "";
  }
  return {};
}

/// False: the object does not exist any more.
Result<bool> Reconciler::observe_fresh(const kube::ObjectKey& key, Snapshot& snapshot,
                                       const std::stop_token& stop) const {
  auto object = parts_.client.get(kube::kImageBuilds, key, {.stop = stop});
  if (!object.ok()) {
    if (object.error().not_found()) return false;
    return std::move(object).error();
  }
  const std::string uid = snapshot.object.uid;
  snapshot.object = api::imagebuild_from_json(*object);
  if (snapshot.object.uid != uid)
    return false;  // another object of that name: its own event will come
  // The cache knows all pods but, perhaps, what just happened to the one that matters.
  const auto& build = snapshot.object.status.build;
  if (build && build->result.empty()) {
    std::erase_if(snapshot.pods, [&](const PodView& pod) { return pod.name == build->pod; });
    auto pod = parts_.client.get(kube::kPods, {key.name_space, build->pod}, {.stop = stop});
    if (!pod.ok() && !pod.error().not_found()) return std::move(pod).error();
    if (pod.ok()) {
      PodView view = pod_view_from_json(*pod);
      if (view.owner_uid == uid) snapshot.pods.push_back(std::move(view));
    }
  }
  snapshot.fresh = true;
  return true;
}

}  // namespace imagebuild::controller
