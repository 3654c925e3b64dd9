#include "operator/controller/decide.h"

#include <algorithm>

#include "common/base/byte_size.h"
#include "operator/controller/accept.h"
#include "operator/controller/budget_verdict.h"
#include "operator/controller/conditions.h"
#include "operator/controller/identity.h"
#include "operator/controller/retention.h"
#include "operator/controller/retry.h"

namespace imagebuild::controller {
namespace {

using contract::BuildResult;

class Decider {
 public:
  Decider(const Snapshot& snapshot, const PodSettings& settings)
      : snapshot_(snapshot),
        object_(snapshot.object),
        settings_(settings),
        now_(format_rfc3339(snapshot.now)) {
    decision_.status = object_.status;
  }

  Decision run() {
    if (object_.deleting) return std::move(decision_);  // the owner reference takes the pods along
    if (!object_.spec.ok()) {
      refuse_spec();
    } else {
      token_ = effective_token();
      if (!fold_active_build()) return std::move(decision_);
      judge_image();
      plan();
      if (decision_.needs.any()) return std::move(decision_);
    }
    delete_strays();
    retain();
    write_conditions();
    return std::move(decision_);
  }

 private:
  // --- what happened ---

  /// An annotation that was removed asks for nothing.
  std::string effective_token() const {
    if (!object_.rebuild_token.empty()) return object_.rebuild_token;
    return object_.status.build ? object_.status.build->token : "";
  }

  Identity identity_with(const std::string& commit) const {
    return make_identity(spec(), source_identity(spec(), commit), token_, object_.uid);
  }
  bool build_is_current() const {
    return build() && identity_with(build()->source).hash8 == build()->hash;
  }
  bool build_is_active() const { return build() && build()->result.empty(); }

  const PodView* find_pod(const std::string& name) const {
    for (const PodView& pod : snapshot_.pods)
      if (pod.name == name) return &pod;
    return nullptr;
  }

  /// Takes what the active build's pod says into the status. False: more has to be known first.
  bool fold_active_build() {
    if (!build_is_active()) return true;
    const PodView* pod = find_pod(build()->pod);
    if (pod == nullptr) {
      if (build()->started_at.empty()) return true;  // recorded, its pod was never seen
      if (!snapshot_.fresh) return need_fresh();
      finish(build_is_current() ? "Failure" : "Superseded", pod_lost(), nullptr, now_);
      return true;
    }
    if (build()->started_at.empty())
      build()->started_at = pod->created_at.empty() ? now_ : pod->created_at;
    if (!pod->started_at.empty()) build()->started_at = pod->started_at;
    PodState state = pod_state(*pod);
    if (auto* finished = std::get_if<PodFinished>(&state)) return fold_finished(*pod, *finished);
    if (auto* pending = std::get_if<PodPending>(&state))
      note_pending(*pod, *pending);
    else
      situation_ = {.activity = Activity::Running, .message = "pod " + pod->name + " is running"};
    return true;
  }

  void note_pending(const PodView& pod, const PodPending& pending) {
    situation_.activity = Activity::Pending;
    situation_.reason = std::string(pending.reason);
    situation_.message = "pod " + pod.name + ": " + pending.message;
    if (pending.reason.empty()) return;
    auto created = parse_rfc3339(pod.created_at);
    if (!created) return;
    const TimePoint late = *created + settings_.pending_timeout;
    if (snapshot_.now >= late)
      situation_.activity = Activity::PodPending;
    else
      requeue_in(late - snapshot_.now);
  }

  bool fold_finished(const PodView& pod, PodFinished& finished) {
    const bool has_image = !finished.failure || is_over_budget(*finished.failure);
    if (finished.report && finished.report->log_parts > 0 && has_image) {
      if (!snapshot_.log_tail) {
        decision_.needs.log_of_pod = pod.name;
        decision_.needs.log_lines = finished.report->log_parts;
        return false;
      }
      // Lost or changed lines cost the layer table, never the sizes.
      if (auto attached = contract::attach_layers(*finished.report, *snapshot_.log_tail); !attached)
        finished.report->log_parts = 0;
    }
    const std::string ended = pod.finished_at.empty() ? now_ : pod.finished_at;
    if (finished.report) build()->isolation = finished.report->isolation;
    const contract::BuildReport* report = finished.report ? &*finished.report : nullptr;
    if (!build_is_current())
      finish("Superseded", std::nullopt, report, ended);
    else if (finished.failure)
      fail_build(std::move(*finished.failure), report, ended);
    else if (report->platforms.empty() && report->result != contract::BuildResult::Unchanged)
      fail_build(no_image_reported(), report, ended);
    else
      succeed(*report, ended);
    return true;
  }

  static api::Failure no_image_reported() {
    return {.failure_class = api::FailureClass::Transient,
            .reason = std::string(api::reason::kBuilderCrashed),
            .message = "the builder reported success and no image"};
  }

  static bool is_over_budget(const api::Failure& failure) {
    return failure.reason == api::reason::kSizeBudgetExceeded;
  }

  void fail_build(api::Failure failure, const contract::BuildReport* report,
                  const std::string& ended) {
    if (report == nullptr || !is_over_budget(failure))
      return finish("Failure", std::move(failure), report, ended);
    failure.message = blocked_message(failure, spec(), decision_.status, *report);
    finish("OverBudget", std::move(failure), report, ended);
  }

  void succeed(const contract::BuildReport& report, const std::string& ended) {
    build()->finished_at = ended;
    const bool unchanged = report.result == contract::BuildResult::Unchanged;
    if (unchanged && decision_.status.image && decision_.status.inputs) {
      // Only the revision moves.
      decision_.status.inputs->key = identity_with(build()->source).key;
      decision_.status.inputs->source = build()->source;
      decision_.status.image->revision = report.inputs.revision;
    } else {
      accept_image(decision_.status, spec(), identity_with(build()->source).key, report, now_);
    }
    finish(std::string(contract::to_string(report.result)), std::nullopt, &report, ended);
    decision_.events.push_back({false, "BuildSucceeded", success_message()});
    if (const std::string over = exceeded_message(spec(), *decision_.status.image); !over.empty())
      decision_.events.push_back({true, "SizeBudgetExceeded", api::clip_back(over, 1000)});
  }

  void finish(const std::string& result, std::optional<api::Failure> failure,
              const contract::BuildReport* report, const std::string& ended) {
    api::Build& ending = *build();
    ending.result = result;
    ending.finished_at = ended;
    ending.failure = failure;
    const contract::PlatformReport* platform = nullptr;
    if (report != nullptr && (result == "Success" || result == "OverBudget"))
      platform = report->largest_platform();
    const std::uint64_t size = platform == nullptr ? 0 : platform->size_bytes;
    const std::uint64_t own = platform == nullptr ? 0 : platform->own_size_bytes;
    record_history(decision_.status, report == nullptr ? "" : report->digest, size, own);
    decision_.finished = FinishedBuild{result, ending.trigger, failure,
                                       report == nullptr ? std::nullopt : std::optional(*report)};
    if (result == "Superseded")
      decision_.events.push_back({false, "Superseded", "build " + ending.pod + " was superseded"});
    if (failure) note_failure(*failure);
  }

  void note_failure(const api::Failure& failure) {
    const RetryPlan retry = plan_retry(*build(), spec(), object_.generation, snapshot_.now);
    std::string reason = "BuildFailed";
    if (failure.reason == api::reason::kSecretNotFound ||
        failure.reason == api::reason::kSourceUnavailable || is_over_budget(failure))
      reason = failure.reason;
    else if (!retry.never && failure.failure_class == api::FailureClass::Transient)
      reason = "BuildRetrying";
    const std::string note =
        is_over_budget(failure) ? failure.message : failure.reason + ": " + api::told(failure);
    decision_.events.push_back({true, reason, api::clip_back(note, 1000)});
  }

  void judge_image() {
    const api::Status& status = decision_.status;
    if (!status.image || !status.inputs) return;
    situation_.accepted = status.inputs->spec == spec_hash(spec());
    bool key = status.inputs->key == identity_with(status.inputs->source).key;
    bool tags = true;
    for (const std::string& tag : api::image_tags(spec()))
      tags = tags && std::find(status.image->tags.begin(), status.image->tags.end(), tag) !=
                         status.image->tags.end();
    situation_.up_to_date = situation_.accepted && key && tags;
    situation_.success = success_message();
  }

  /// The last build's image was too large to be accepted, and nothing changed since.
  bool is_blocked() const {
    return build() && build()->result == "OverBudget" && build_is_current() && build()->failure;
  }

  void judge_budget() {
    if (!object_.spec.ok() || !spec().budget.has_limit()) return;
    if (is_blocked())
      situation_.budget = {.known = true, .exceeded = build()->failure->message};
    else if (decision_.status.image)
      situation_.budget = {.known = true,
                           .exceeded = exceeded_message(spec(), *decision_.status.image)};
    else
      situation_.budget = {.known = false, .exceeded = ""};
  }

  // --- what to do ---

  void plan() {
    if (build_is_active()) {
      const PodView* pod = find_pod(build()->pod);
      if (!build_is_current()) {
        if (pod == nullptr && !snapshot_.fresh) return static_cast<void>(need_fresh());
        finish("Superseded", std::nullopt, nullptr, now_);
        situation_.activity = Activity::None;
      } else if (pod != nullptr) {
        decision_.holds_slot = true;
        return;
      } else if (spec().suspend) {
        if (!snapshot_.fresh) return static_cast<void>(need_fresh());
        finish("Canceled", std::nullopt, nullptr, now_);
      } else {
        return start(*build());  // recorded, never seen: that very name again
      }
    }
    if (situation_.up_to_date) return judge_conflict();
    const bool failed =
        build() && (build()->result == "Failure" || is_blocked()) && build_is_current();
    if (failed) situation_.failure = build()->failure.value_or(api::Failure{});
    if (spec().suspend) {
      situation_.suspended = true;
      return;
    }
    if (!failed) return start_new();
    const RetryPlan retry = plan_retry(*build(), spec(), object_.generation, snapshot_.now);
    if (retry.never) return;
    if (retry.wait > Duration(0)) {
      if (situation_.failure->failure_class == api::FailureClass::Transient)
        situation_.activity = Activity::WillRetry;
      return requeue_in(retry.wait +
                        Duration(static_cast<Duration::rep>(
                            static_cast<double>(retry.wait.count()) * 0.2 * snapshot_.unit)));
    }
    start_retry();
  }

  void start_new() {
    const auto* git = std::get_if<api::GitSource>(&spec().source);
    api::Build next{.trigger = trigger_of_new()};
    next.token = token_;
    if (git != nullptr && !git->commit.empty()) {
      next.source = git->commit;
      next.revision = "sha1:" + git->commit;
    } else if (git != nullptr && git->secret_ref.empty()) {
      if (!may_start()) return;
      if (!snapshot_.commit) {
        decision_.needs.commit = true;
        return;
      }
      next.source = snapshot_.commit->commit;
      next.revision = snapshot_.commit->revision;
    }
    next.hash = identity_with(next.source).hash8;
    start(with_attempt(std::move(next)));
  }

  void start_retry() {
    api::Build next = *build();
    const bool same_settings = next.generation == object_.generation;
    next.trigger = same_settings ? "Retry" : "Spec";
    const bool transient =
        next.failure && next.failure->failure_class == api::FailureClass::Transient;
    if (!same_settings) next.retries = next.config_retries = 0;
    if (same_settings) ++(transient ? next.retries : next.config_retries);
    next.started_at = next.finished_at = next.result = next.isolation = "";
    next.failure.reset();
    start(with_attempt(std::move(next)));
  }

  std::string trigger_of_new() const {
    const bool known_token =
        object_.rebuild_token.empty() || (build() && build()->token == object_.rebuild_token);
    const bool same_spec = decision_.status.inputs
                               ? decision_.status.inputs->spec == spec_hash(spec())
                               : build() && build()->generation == object_.generation;
    return !known_token && same_spec ? "Manual" : "Spec";
  }

  /// Numbers that no pod of this object has had.
  api::Build with_attempt(api::Build next) const {
    next.attempt = build() && build()->hash == next.hash ? build()->attempt : 0;
    for (const PodView& pod : snapshot_.pods)
      if (pod.hash == next.hash) next.attempt = std::max(next.attempt, pod.attempt);
    ++next.attempt;
    next.number = (build() ? build()->number : 0) + 1;
    next.generation = object_.generation;
    next.pod = pod_name(object_.name, next.hash, next.attempt);
    next.queued_at = now_;
    return next;
  }

  /// An older object may have taken a tag of the accepted image since.
  void judge_conflict() {
    if (!snapshot_.conflict) {
      decision_.needs.conflict = true;
    } else if (!snapshot_.conflict->empty()) {
      situation_.up_to_date = false;
      tell_conflict();
    }
  }

  void tell_conflict() {
    situation_.failure =
        api::Failure{.failure_class = api::FailureClass::Config,
                     .reason = std::string(api::reason::kImageConflict),
                     .message = "ImageBuild " + *snapshot_.conflict +
                                ", which is older, pushes the same repository and tag; change "
                                "spec.image or spec.tags of one of them"};
    for (const api::Condition& before : object_.status.conditions)
      if (before.reason == api::reason::kImageConflict) return;
    decision_.events.push_back(
        {true, std::string(api::reason::kImageConflict), situation_.failure->message});
  }

  /// Everything that has to be so before a pod is created; false: not yet, or ask again.
  bool may_start() {
    for (const PodView& pod : snapshot_.pods)
      if (!pod.finished()) {
        situation_.activity = Activity::Queued;
        situation_.message = "waiting until pod " + pod.name + " has ended";
        decision_.holds_slot = true;  // that pod still uses it
        return false;
      }
    if (!snapshot_.conflict) {
      decision_.needs.conflict = true;
      return false;
    }
    if (!snapshot_.conflict->empty()) {
      tell_conflict();
      requeue_in(std::chrono::minutes(1));
      return false;
    }
    if (!snapshot_.slot) {
      decision_.needs.slot = true;
      return false;
    }
    if (!*snapshot_.slot) {
      situation_.activity = Activity::Queued;
      situation_.message = "waiting for other builds to finish";
      decision_.waits_for_slot = true;
      return false;
    }
    return snapshot_.fresh || need_fresh();
  }

  void start(api::Build next) {
    if (!may_start()) return;
    const PodAttempt attempt{
        .name = next.pod,
        .hash8 = next.hash,
        .trigger = next.trigger,
        .attempt = next.attempt,
        .commit = next.source,
        .revision = next.revision,
        .baseline_bytes = decision_.status.baseline ? decision_.status.baseline->size_bytes : 0};
    decision_.create_pod = make_builder_pod(object_, spec(), attempt, settings_);
    decision_.events.push_back(
        {false, "BuildStarted", "pod " + next.pod + " (" + next.trigger + ")"});
    decision_.status.build = std::move(next);
    if (!object_.requested_at.empty())
      decision_.status.last_handled_reconcile_at = object_.requested_at;
    decision_.holds_slot = true;
    situation_.failure.reset();
    situation_.activity = Activity::Pending;
    situation_.message = "pod " + attempt.name + " is being created";
  }

  void refuse_spec() {
    situation_.failure = api::Failure{.failure_class = api::FailureClass::Terminal,
                                      .reason = std::string(api::reason::kInvalidSpec),
                                      .message = object_.spec.error().message};
    if (build_is_active()) finish("Canceled", std::nullopt, nullptr, now_);
  }

  // --- pods that are not needed ---

  bool is_active_pod(const PodView& pod) const {
    return build_is_active() && pod.name == build()->pod;
  }

  void delete_strays() {
    for (const PodView& pod : snapshot_.pods)
      if (!pod.finished() && !pod.deleting && !is_active_pod(pod))
        decision_.delete_pods.push_back({pod.name, pod.uid});
  }

  void retain() {
    std::vector<PodView> finished;
    for (const PodView& pod : snapshot_.pods)
      if (pod.finished() && !pod.deleting && !is_active_pod(pod)) finished.push_back(pod);
    const api::History history = object_.spec.ok() ? object_.spec->history : api::History{};
    Retention retention = plan_retention(std::move(finished), history, snapshot_.now);
    for (const PodView& pod : retention.expired)
      decision_.delete_pods.push_back({pod.name, pod.uid});
    if (retention.next) requeue_in(*retention.next);
  }

  // --- what to say ---

  std::string success_message() const {
    if (!decision_.status.image) return "";
    const api::Image& image = *decision_.status.image;
    std::string message = image.ref + " " + format_bytes(image.size_bytes);
    if (image.delta_bytes) message += " (" + format_delta(*image.delta_bytes) + ")";
    return message;
  }

  void write_conditions() {
    judge_budget();
    decision_.status.observed_generation = object_.generation;
    decision_.status.conditions =
        make_conditions(situation_, object_.generation, object_.status.conditions, now_);
  }

  bool need_fresh() {
    decision_.needs.fresh = true;
    return false;
  }
  void requeue_in(Duration delay) {
    delay = std::max(delay, Duration(1));
    if (!decision_.requeue_after || delay < *decision_.requeue_after)
      decision_.requeue_after = delay;
  }

  const api::Spec& spec() const { return *object_.spec; }
  std::optional<api::Build>& build() { return decision_.status.build; }
  const std::optional<api::Build>& build() const { return decision_.status.build; }

  const Snapshot& snapshot_;
  const api::ImageBuild& object_;
  const PodSettings& settings_;
  const std::string now_;
  std::string token_;
  Situation situation_;
  Decision decision_;
};

}  // namespace

Decision decide(const Snapshot& snapshot, const PodSettings& settings) {
  return Decider(snapshot, settings).run();
}

api::Status refuse_build(api::Status status, std::string message, const std::string& now) {
  if (!status.build) return status;
  status.build->result = "Failure";
  status.build->finished_at = now;
  status.build->failure = api::Failure{.failure_class = api::FailureClass::Config,
                                       .reason = std::string(api::reason::kPodRefused),
                                       .message = api::clip_back(message, 512)};
  record_history(status, "", 0, 0);
  return status;
}

}  // namespace imagebuild::controller
