#include "plugin/builder_log.h"

#include <deque>
#include <set>

#include "common/base/wait.h"
#include "common/contract/build_report.h"
#include "plugin/commands.h"
#include "plugin/log_stream.h"

namespace imagebuild::plugin {
namespace {

constexpr std::int64_t kReportLines = 128;  // more than a report has
constexpr int kAttempts = 5;                // connections in a row that give nothing

bool has_ended(const Json& pod) {
  const std::string phase = string_at(pod, {"status", "phase"});
  return phase == "Succeeded" || phase == "Failed";
}

/// One pod's log, from its first line to its last.
class Follower {
 public:
  Follower(Session& session, const std::string& pod, std::optional<std::int64_t> tail)
      : session_(session), key_{session.name_space, pod}, tail_(tail), stream_(session.config) {}

  Result<void> follow() {
    while (failures_ < kAttempts) {
      auto pod = session_.client->get(kube::kPods, key_);
      if (!pod.ok() && !pod.error().not_found()) return Error(pod.error());
      if (!pod.ok() && seen_) return note("pod " + key_.name + " is gone");
      if (pod.ok()) {
        seen_ = true;
        if (TRY(copied(*pod))) return {};
      }
      imagebuild::wait_for(session_.poll, {});
    }
    return std::move(*last_error_);
  }

  Result<void> print_once() {
    auto pod = session_.client->get(kube::kPods, key_);
    if (!pod.ok() && pod.error().not_found())
      return fail(ErrorKind::NotFound, "pod " + key_.name +
                                           " is gone, and its log with it; spec.history says how "
                                           "many finished pods are kept");
    if (!pod.ok()) return Error(pod.error());
    if (std::string why = why_pending(*pod); !why.empty())
      return fail(ErrorKind::InvalidInput,
                  "pod " + key_.name + " has not started (" + why + "); wait for it with -f");
    if (!tail_) return copy(false);
    // The operator's lines are the last ones: they do not count.
    std::deque<std::string> last;
    TRY(stream_.copy(key_, false, *tail_ + kReportLines, [&](std::string_view line) {
      if (is_report_line(line)) return;
      last.emplace_back(line);
      if (last.size() > static_cast<std::size_t>(*tail_)) last.pop_front();
    }));
    for (const std::string& line : last) session_.console.out(printable(line) + "\n");
    return {};
  }

 private:
  /// True when everything has been printed.
  Result<bool> copied(const Json& pod) {
    const bool ended = has_ended(pod);
    if (std::string why = why_pending(pod); !why.empty()) {
      TRY(note("waiting for pod " + key_.name + ": " + why));
      return false;
    }
    auto result = copy(!ended);
    if (result.ok()) {
      failures_ = 0;
      if (ended) return true;
      auto now = session_.client->get(kube::kPods, key_);
      return !now.ok() || has_ended(*now);
    }
    if (result.error().kind == ErrorKind::NotFound) return true;
    ++failures_;
    last_error_ = result.error();
    return false;
  }

  Result<void> copy(bool follow) {
    return stream_.copy(key_, follow, tail_, [this](std::string_view line) {
      if (!is_report_line(line)) session_.console.out(printable(line) + "\n");
      failures_ = 0;
    });
  }

  Result<void> note(const std::string& text) {
    if (text != told_) session_.console.note(text + "\n");
    told_ = text;
    return {};
  }

  Session& session_;
  const kube::ObjectKey key_;
  const std::optional<std::int64_t> tail_;
  LogStream stream_;
  bool seen_ = false;
  int failures_ = 0;
  std::optional<Error> last_error_;
  std::string told_;
};

/// The operator is about to start a build: it has not seen the last change or token yet.
bool build_is_due(const View& view) {
  if (view.suspended) return false;
  if (view.observed_generation < view.generation) return true;
  const std::string answered = view.build ? view.build->token : "";
  return !view.rebuild_token.empty() && view.rebuild_token != answered;
}

}  // namespace

bool is_report_line(std::string_view line) {
  return line.starts_with(std::string(contract::kReportFrame) + " ");
}

std::string why_pending(const Json& pod) {
  if (string_at(pod, {"status", "phase"}) != "Pending") return "";
  if (const Json* containers = find_path(pod, {"status", "containerStatuses"});
      containers != nullptr && containers->is_array())
    for (const Json& container : *containers)
      if (std::string reason = string_at(container, {"state", "waiting", "reason"});
          !reason.empty()) {
        const std::string message = string_at(container, {"state", "waiting", "message"});
        return one_line(reason + (message.empty() ? "" : ": " + message));
      }
  if (const Json* conditions = find_path(pod, {"status", "conditions"});
      conditions != nullptr && conditions->is_array())
    for (const Json& condition : *conditions)
      if (string_at(condition, {"type"}) == "PodScheduled" &&
          string_at(condition, {"status"}) == "False")
        return one_line(string_at(condition, {"reason"}) + ": " +
                        string_at(condition, {"message"}));
  return "Pending";
}

Result<void> print_log(Session& session, const std::string& pod, bool follow,
                       std::optional<std::int64_t> tail_lines) {
  Follower follower(session, pod, tail_lines);
  return follow ? follower.follow() : follower.print_once();
}

Result<int> watch_build(Session& session, const std::string& name, const Goal& goal, bool follow) {
  std::set<std::string> shown;
  auto each = [&](const View& view, const Verdict& verdict) -> Result<void> {
    if (!follow || !view.build || view.build->pod.empty() || shown.count(view.build->pod) != 0)
      return {};
    if (view.observed_generation < goal.generation ||
        (!goal.token.empty() && view.build->token != goal.token))
      return {};
    // A build that ended between two looks is shown as well; one of an earlier spec is not.
    if (verdict.state != Verdict::State::Running && view.build->generation < goal.generation)
      return {};
    shown.insert(view.build->pod);
    if (verdict.state == Verdict::State::Running) return print_log(session, view.build->pod, true);
    if (auto printed = print_log(session, view.build->pod, false); !printed)
      session.console.note(printed.error().message + "\n");
    return {};
  };
  const Verdict verdict = TRY(wait_for_goal(session, name, goal, each));
  const View view = TRY(fetch_view(session, name));
  session.console.out(outcome_text(view, verdict, session.console.style));
  return verdict.state == Verdict::State::Succeeded ? kDone : kFailed;
}

Result<int> logs_command(Session& session, const LogsFlags& flags) {
  View view = TRY(fetch_view(session, flags.name));
  for (bool told = false; flags.follow && (!view.build || build_is_due(view)); told = true) {
    if (view.suspended && !view.build) break;
    if (!told) session.console.note("waiting for a build of " + arguments_of(view) + "\n");
    imagebuild::wait_for(session.poll, {});
    view = TRY(fetch_view(session, flags.name));
    const api::Condition* stalled = view.condition("Stalled");
    if (stalled != nullptr && stalled->status == "True" && !build_is_due(view)) break;
  }
  if (!view.build || view.build->pod.empty())
    return fail(ErrorKind::NotFound, "there has been no build of " + arguments_of(view) +
                                         " yet; why: kubectl imagebuild why " + arguments_of(view));
  const bool runs = view.build->result.empty();
  auto printed = print_log(session, view.build->pod, flags.follow && runs, flags.tail);
  if (printed.ok()) return kDone;
  const bool kept = view.build->failure && !view.build->failure->log_tail.empty();
  if (printed.error().kind != ErrorKind::NotFound || !kept) return std::move(printed).error();
  session.console.note("pod " + view.build->pod + " is gone; the status keeps its last output:\n");
  session.console.out(printable(view.build->failure->log_tail) + "\n");
  return kDone;
}

}  // namespace imagebuild::plugin
