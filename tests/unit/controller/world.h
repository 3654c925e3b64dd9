// The controller without a cluster: a world of one object and its pods, in which decisions are
// carried out and the rules that hold after every step are checked.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "operator/controller/decide.h"
#include "tests/support/catch.h"
#include "tests/unit/controller/builders.h"

namespace imagebuild::controller::testing {

struct World {
  Json object = inline_object();
  std::vector<PodView> pods;
  int now = 0;
  SlotAnswer slot = SlotAnswer::Granted;
  std::string conflict, log;
  ResolvedCommit commit{std::string(40, 'c'), "main@sha1:cccc"};
  PodSettings pod_settings = settings();
  std::vector<std::string> events;
  Decision last;

  World() = default;
  explicit World(Json from) : object(std::move(from)) {}

  Snapshot snapshot() const {
    return {.object = api::imagebuild_from_json(object), .pods = pods, .now = at(now)};
  }

  /// Decides until nothing more has to be known, then carries it out.
  Decision step() {
    Snapshot known = snapshot();
    last = decide(known, pod_settings);
    for (int i = 0; last.needs.any(); ++i) {
      REQUIRE(i < 10);
      if (last.needs.fresh) known.fresh = true;
      if (last.needs.slot) known.slot = slot;
      if (last.needs.commit) known.commit = commit;
      if (last.needs.conflict) known.conflict = conflict;
      if (!last.needs.log_of_pod.empty()) known.log_tail = log;
      last = decide(known, pod_settings);
    }
    object["status"] = api::status_to_json(last.status);
    if (last.create_pod) {
      PodView pod = pod_view_from_json(*last.create_pod);
      pod.uid = "pod-" + std::to_string(pods.size()) + pod.name;
      pod.created_at = format_rfc3339(at(now));
      pod.phase = "Pending";
      for (const PodView& other : pods)
        REQUIRE(other.name != pod.name);  // at most one pod per (object, hash, attempt)
      pods.push_back(pod);
    }
    for (const PodToDelete& gone : last.delete_pods)
      std::erase_if(pods, [&](const PodView& pod) { return pod.uid == gone.uid; });
    for (const EventNote& event : last.events) events.push_back(event.reason);
    check_invariants();
    return last;
  }

  void check_invariants() const {
    auto condition = [&](const char* type) { return last.status.find_condition(type); };
    REQUIRE(condition("Ready") != nullptr);
    CHECK(last.status.observed_generation == object["metadata"]["generation"]);
    for (const auto& each : last.status.conditions)
      CHECK(each.observed_generation == last.status.observed_generation);
    CHECK_FALSE((condition("Reconciling") && condition("Stalled")));
  }

  PodView& pod() { return pods.back(); }
  void run() {
    pod().phase = "Running";
    pod().started_at = format_rfc3339(at(now));
  }
  void end(const contract::BuildReport& report) {
    bool good = report.result == contract::BuildResult::Success;
    pod().phase = good ? "Succeeded" : "Failed";
    pod().terminated = true;
    pod().exit_code = good ? 0 : 1;
    pod().finished_at = format_rfc3339(at(now));
    pod().termination_message = contract::termination_message(report);
    log.clear();
    for (const std::string& line : contract::report_lines(report)) log += line + "\n";
  }
  void build_well(std::uint64_t size = 1000) {
    step();
    run();
    step();
    now += 10;
    end(success_report(size));
    step();
  }
  void edit(const Json& change) {
    object["spec"].merge_patch(change);
    object["metadata"]["generation"] = object["metadata"]["generation"].get<int>() + 1;
  }
  std::string condition(const char* type) const {
    const api::Condition* found = last.status.find_condition(type);
    return found == nullptr ? "-" : found->status + "/" + found->reason;
  }
};

}  // namespace imagebuild::controller::testing
