#include "operator/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "operator/telemetry/object_gauges.h"

namespace imagebuild::telemetry {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using Labels = std::map<std::string, std::string>;

const Histogram::BucketBoundaries kReconcileSeconds = {
    0.005, 0.01, 0.025, 0.05, 0.1,  0.15, 0.2,  0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6,
    0.7,   0.8,  0.9,   1,    1.25, 1.5,  1.75, 2,    2.5, 3,    3.5, 4,    4.5, 5,
    6,     7,    8,     9,    10,   15,   20,   25,   30,  40,   50,  60};
const Histogram::BucketBoundaries kQueueSeconds = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3,
                                                   1e-2, 0.1,  1,    10,   100,  1000};
const Histogram::BucketBoundaries kBuildSeconds = {1,   2,   5,   10,   20,   30,   60,
                                                   120, 300, 600, 1200, 1800, 3600, 7200};

const char* const kResults[] = {"Success", "Unchanged", "OverBudget",
                                "Failure", "Canceled",  "Superseded"};
const char* const kTriggers[] = {"Spec", "Manual", "Retry"};
const char* const kPhases[] = {"pull", "context", "run", "push", "total"};
const char* const kReconcileResults[] = {"success", "requeue_after", "error", "terminal"};
const Labels kController = {{"controller", "imagebuild"}};
const Labels kQueue = {{"name", "imagebuild"}, {"controller", "imagebuild"}};

template <std::size_t N>
std::string known(const char* const (&names)[N], std::string_view text) {
  auto it = std::find(std::begin(names), std::end(names), text);
  return it == std::end(names) ? "other" : std::string(*it);
}

}  // namespace

// prometheus-cpp throws on bad names and on a family registered twice:
// everything is registered in the constructor.
struct Metrics::State {
  State(const std::string& version, const std::string& revision)
      : builds(counter("imagebuild_builds_total", "Builds that ended, by result and trigger.")),
        failures(
            counter("imagebuild_build_failures_total", "Builds that failed, by class and reason.")),
        durations(
            histogram("imagebuild_build_duration_seconds", "Seconds a build spent in a phase.")),
        queue_wait(
            histogram("imagebuild_build_queue_wait_seconds", "Seconds a build waited for a slot.")
                .Add({}, kBuildSeconds)),
        pushed(counter("imagebuild_push_bytes_total", "Bytes of layers that were pushed.").Add({})),
        skipped(
            counter("imagebuild_push_skipped_bytes_total", "Bytes of layers that the registry had.")
                .Add({})),
        hits(counter("imagebuild_cache_hits_total", "Steps taken from the cache.").Add({})),
        misses(counter("imagebuild_cache_misses_total", "Steps that had to run.").Add({})),
        reconciles(counter("controller_runtime_reconcile_total", "Reconciliations per result.")),
        reconcile_errors(
            counter("controller_runtime_reconcile_errors_total", "Reconciliations that failed.")
                .Add(kController)),
        reconcile_time(
            histogram("controller_runtime_reconcile_time_seconds", "Seconds a reconciliation took.")
                .Add(kController, kReconcileSeconds)),
        active_workers(gauge("controller_runtime_active_workers", "Workers that are reconciling.")
                           .Add(kController)),
        depth(gauge("workqueue_depth", "Keys that wait for a worker.").Add(kQueue)),
        adds(counter("workqueue_adds_total", "Keys that were queued.").Add(kQueue)),
        queue_seconds(histogram("workqueue_queue_duration_seconds", "Seconds a key waited.")
                          .Add(kQueue, kQueueSeconds)),
        work_seconds(histogram("workqueue_work_duration_seconds", "Seconds a key was worked on.")
                         .Add(kQueue, kQueueSeconds)),
        retries(
            counter("workqueue_retries_total", "Keys queued again after an error.").Add(kQueue)),
        requests(counter("rest_client_requests_total",
                         "Requests to the API server, by method and code.")),
        leader(gauge("leader_election_master_status", "1 when this replica leads.")
                   .Add({{"name", "imagebuild-operator"}})) {
    gauge("imagebuild_build_info", "1; what is running.")
        .Add({{"version", version}, {"revision", revision}})
        .Set(1);
    for (const char* phase : kPhases) durations.Add({{"phase", phase}}, kBuildSeconds);
    for (const char* result : kReconcileResults)
      reconciles.Add({{"controller", "imagebuild"}, {"result", result}});
    for (const char* method : {"GET", "POST", "PATCH", "PUT", "DELETE"})
      requests.Add({{"method", method}, {"code", "200"}});
  }

  Family<Counter>& counter(const char* name, const char* help) {
    return BuildCounter().Name(name).Help(help).Register(registry);
  }
  Family<Gauge>& gauge(const char* name, const char* help) {
    return BuildGauge().Name(name).Help(help).Register(registry);
  }
  Family<Histogram>& histogram(const char* name, const char* help) {
    return BuildHistogram().Name(name).Help(help).Register(registry);
  }

  /// Counters of a namespace start at 0 when its first ImageBuild is seen, so that the first
  /// increase is one.
  void create_namespace(const std::string& name_space) {
    {
      std::lock_guard lock(mutex);
      if (!namespaces.insert(name_space).second) return;
    }
    for (const char* result : kResults)
      for (const char* trigger : kTriggers)
        builds.Add({{"namespace", name_space}, {"result", result}, {"trigger", trigger}});
    for (std::string_view reason : api::failure_reasons())
      failures.Add({{"namespace", name_space},
                    {"class", std::string(api::to_string(natural_class(reason)))},
                    {"reason", std::string(reason)}});
  }

  prometheus::Registry registry;
  Family<Counter>& builds;
  Family<Counter>& failures;
  Family<Histogram>& durations;
  Histogram& queue_wait;
  Counter &pushed, &skipped, &hits, &misses;
  Family<Counter>& reconciles;
  Counter& reconcile_errors;
  Histogram& reconcile_time;
  Gauge &active_workers, &depth;
  Counter& adds;
  Histogram &queue_seconds, &work_seconds;
  Counter& retries;
  Family<Counter>& requests;
  Gauge& leader;

  std::mutex mutex;  // guards the two below
  std::set<std::string> namespaces;
  Sources sources;
};

Metrics::Metrics(std::string version, std::string revision)
    : state_(std::make_unique<State>(version, revision)) {}
Metrics::~Metrics() = default;

void Metrics::set_sources(Sources sources) {
  std::lock_guard lock(state_->mutex);
  state_->sources = std::move(sources);
}

void Metrics::build_finished(const BuildOutcome& outcome) {
  state_->create_namespace(outcome.name_space);
  state_->builds
      .Add({{"namespace", outcome.name_space},
            {"result", known(kResults, outcome.result)},
            {"trigger", known(kTriggers, outcome.trigger)}})
      .Increment();
  if (outcome.failure)
    state_->failures
        .Add({{"namespace", outcome.name_space},
              {"class", std::string(api::to_string(outcome.failure->failure_class))},
              {"reason", std::string(api::known_reason(outcome.failure->reason))}})
        .Increment();
  if (!outcome.measured) return;
  const std::pair<const char*, double> phases[] = {{"pull", outcome.pull_seconds},
                                                   {"context", outcome.context_seconds},
                                                   {"run", outcome.run_seconds},
                                                   {"push", outcome.push_seconds},
                                                   {"total", outcome.total_seconds}};
  for (const auto& [phase, seconds] : phases)
    state_->durations.Add({{"phase", phase}}, kBuildSeconds).Observe(seconds);
  state_->pushed.Increment(static_cast<double>(outcome.pushed_bytes));
  state_->skipped.Increment(static_cast<double>(outcome.skipped_bytes));
  state_->hits.Increment(static_cast<double>(outcome.cache_hits));
  state_->misses.Increment(static_cast<double>(outcome.cache_misses));
}

void Metrics::build_waited(double seconds) { state_->queue_wait.Observe(seconds); }

void Metrics::reconciled(std::string_view result, double seconds) {
  state_->reconciles
      .Add({{"controller", "imagebuild"}, {"result", known(kReconcileResults, result)}})
      .Increment();
  if (result == "error") state_->reconcile_errors.Increment();
  state_->reconcile_time.Observe(seconds);
}
void Metrics::workers_active(int count) { state_->active_workers.Set(count); }
void Metrics::queue_added(std::size_t depth) {
  state_->depth.Set(static_cast<double>(depth));
  state_->adds.Increment();
}
void Metrics::queue_started(std::size_t depth, double waited_seconds) {
  state_->depth.Set(static_cast<double>(depth));
  state_->queue_seconds.Observe(waited_seconds);
}
void Metrics::queue_finished(double worked_seconds) {
  state_->work_seconds.Observe(worked_seconds);
}
void Metrics::queue_retried() { state_->retries.Increment(); }

void Metrics::api_response(std::string_view method, int code) {
  static const char* const kMethods[] = {"GET", "POST", "PATCH", "PUT", "DELETE"};
  const std::string status = code >= 100 && code < 600 ? std::to_string(code) : "<error>";
  state_->requests.Add({{"method", known(kMethods, method)}, {"code", status}}).Increment();
}
void Metrics::leading(bool leader) { state_->leader.Set(leader ? 1 : 0); }

std::string Metrics::scrape() const {
  Sources sources;
  {
    std::lock_guard lock(state_->mutex);
    sources = state_->sources;
  }
  ObjectGauges gauges;
  if (sources.objects)
    sources.objects([&](const ObjectSample& sample) {
      state_->create_namespace(sample.name_space);
      gauges.add(sample);
    });
  if (sources.running)
    gauges.add_counts("imagebuild_builds_running", "Builds whose pod has not ended.",
                      sources.running());
  if (sources.queued)
    gauges.add_counts("imagebuild_builds_queued", "Builds that wait for a slot.", sources.queued());
  std::string text = prometheus::TextSerializer().Serialize(state_->registry.Collect());
  gauges.append_to(text);
  return text;
}

}  // namespace imagebuild::telemetry
