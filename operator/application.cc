#include "operator/application.h"

#include <unistd.h>

#include <future>
#include <map>

#include "operator/object_sample.h"
#include "operator/page/page.h"

#ifndef IMAGEBUILD_REVISION
#define IMAGEBUILD_REVISION "unknown"
#endif

namespace imagebuild {
namespace {

using runtime::Priority;

constexpr const char* kLeaseName = "imagebuild-operator";

std::shared_ptr<const api::ImageBuild> project_build(const nlohmann::json& object) {
  return std::make_shared<const api::ImageBuild>(api::imagebuild_from_json(object));
}
std::shared_ptr<const controller::PodView> project_pod(const nlohmann::json& object) {
  auto view = controller::pod_view_from_json(object);
  if (view.owner_uid.empty()) return nullptr;  // the label alone proves nothing
  return std::make_shared<const controller::PodView>(std::move(view));
}

runtime::InformerOptions informer_options(const OperatorOptions& options, kube::ResourceType type,
                                          std::string selector, const Logger& log) {
  runtime::InformerOptions result{.type = std::move(type),
                                  .namespaces = options.namespaces,
                                  .label_selector = std::move(selector),
                                  .reflector = {}};
  result.reflector.log = log;
  return result;
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "imagebuild-operator";
}

std::vector<telemetry::NamespaceCount> to_counts(const std::map<std::string, int>& counts) {
  std::vector<telemetry::NamespaceCount> result;
  for (const auto& [name_space, count] : counts) result.push_back({name_space, count});
  return result;
}

}  // namespace

Result<std::unique_ptr<Application>> Application::make(const OperatorOptions& options, Logger log,
                                                       std::string version) {
  kube::ClientConfig config = TRY(kube::load_config(options.kubeconfig, options.context));
  auto application = std::unique_ptr<Application>(
      new Application(options, std::move(log), std::move(version), std::move(config)));
  TRY_CONTEXT(application->client_->get_text("/version"), "ask the API server");
  if (auto served = application->serve(); !served) return served.error();
  return application;
}

Application::Application(const OperatorOptions& options, Logger log, std::string version,
                         kube::ClientConfig config)
    : options_(options),
      log_(std::move(log)),
      metrics_(std::move(version), IMAGEBUILD_REVISION),
      queue_hooks_(metrics_),
      controller_hooks_(metrics_),
      client_(kube::Client::make(std::move(config), {.user_agent = "imagebuild-operator",
                                                     .on_response =
                                                         [this](std::string_view method, int code) {
                                                           metrics_.api_response(method, code);
                                                         }})),
      git_transport_(http::make_transport()),
      queue_({.clock = nullptr, .observer = &queue_hooks_}),
      slots_(options.limits, clock_,
             [this](const kube::ObjectKey& key) { queue_.add(key, Priority::User); }),
      events_(*client_, clock_, log_, host_name()),
      builds_(*client_, informer_options(options_, kube::kImageBuilds, "", log_), project_build),
      pods_(*client_, informer_options(options_, kube::kPods, controller::kUidLabel, log_),
            project_pod) {
  connect_handlers();
  set_metric_sources();
}

Application::~Application() {
  page_server_.reset();
  server_.reset();
  builds_.request_stop();
  pods_.request_stop();
}

void Application::connect_handlers() {
  builds_.on_change([this](const auto& change) {
    tag_index_.change(change.before, change.after);
    const bool claims_changed =
        !change.before || !change.after || change.before->generation != change.after->generation;
    if (claims_changed)
      for (const auto& object : {change.before, change.after})
        if (object)
          for (const auto& key : tag_index_.sharers(*object)) queue_.add(key, Priority::Background);
    const bool asked = !change.before || !change.after ||
                       change.before->generation != change.after->generation ||
                       change.before->rebuild_token != change.after->rebuild_token;
    queue_.add(change.key, asked && !change.initial ? Priority::User : Priority::Background);
  });
  pods_.on_change([this](const auto& change) {
    pod_index_.change(change.before, change.after);
    const auto& pod = change.after ? change.after : change.before;
    queue_.add({pod->name_space, pod->owner_name},
               change.initial ? Priority::Background : Priority::User);
  });
}

void Application::set_metric_sources() {
  telemetry::Sources sources;
  sources.objects = [this](const std::function<void(const telemetry::ObjectSample&)>& visit) {
    for (const auto& [key, object] : builds_.all())
      visit(sample_of(*object, options_.metrics_layers));
  };
  // Every namespace with ImageBuilds has a value, so that 0 is 0 and not absent.
  auto with_zeroes = [this](std::map<std::string, int> counts) {
    for (const auto& [key, object] : builds_.all()) counts.try_emplace(key.name_space, 0);
    return to_counts(counts);
  };
  sources.running = [this, with_zeroes] {
    std::map<std::string, int> counts;
    for (const auto& pod : pod_index_.unfinished()) ++counts[pod->name_space];
    return with_zeroes(std::move(counts));
  };
  sources.queued = [this, with_zeroes] { return with_zeroes(slots_.waiting_by_namespace()); };
  metrics_.set_sources(std::move(sources));
}

Result<void> Application::serve() {
  telemetry::Probes probes{.healthy = [this] { return health(); },
                           .ready = [this] { return readiness(); }};
  server_ =
      TRY_CONTEXT(http::Server::listen(options_.metrics_address,
                                       telemetry::make_endpoints(metrics_, std::move(probes))),
                  "--metrics-address");
  return options_.page ? serve_page() : Result<void>();
}

Result<void> Application::serve_page() {
  page::Sources sources{.synced = [this] { return builds_.has_synced(); },
                        .each =
                            [this](const auto& visit) {
                              for (const auto& [key, object] : builds_.all()) visit(*object);
                            },
                        .find =
                            [this](const std::string& name_space, const std::string& name) {
                              return builds_.find({name_space, name});
                            }};
  page::AllowedHosts hosts(options_.page_address, options_.page_hosts);
  page_server_ = TRY_CONTEXT(
      http::Server::listen(options_.page_address,
                           page::make_page(std::move(sources), std::move(hosts), clock_)),
      "--page-address");
  return {};
}

std::optional<int> Application::page_port() const {
  return page_server_ ? std::optional(page_server_->port()) : std::nullopt;
}

std::string Application::readiness() const {
  return builds_.has_synced() && pods_.has_synced() ? "" : "the caches are not filled yet";
}

// Every request of a reconcile has a time-out, so one that takes this long will not end.
std::string Application::health() const {
  constexpr Duration kStalled = std::chrono::minutes(3);
  std::lock_guard lock(workers_mutex_);
  const Duration stalled = workers_ ? workers_->stalled_for() : Duration(0);
  if (stalled < kStalled) return "";
  return "no reconcile has ended for " + std::to_string(stalled.count() / 1000) + " s";
}

void Application::watch_health_of(const runtime::Controller* workers) {
  std::lock_guard lock(workers_mutex_);
  workers_ = workers;
}

/// userns from 1.33 on; an older server that is newer than it says is
/// caught when it drops hostUsers.
Result<controller::PodShape> Application::choose_shape(const std::stop_token& stop) {
  if (options_.pod_shape == PodShapeChoice::UserNamespace)
    return controller::PodShape::UserNamespace;
  if (options_.pod_shape == PodShapeChoice::NewUidMap) return controller::PodShape::NewUidMap;
  Json version = TRY(parse_json(TRY(client_->get_text("/version", {.stop = stop}))));
  const int major = std::atoi(string_at(version, {"major"}).c_str());
  const int minor = std::atoi(string_at(version, {"minor"}).c_str());  // "33+" as well
  const bool userns = major > 1 || (major == 1 && minor >= 33);
  return userns ? controller::PodShape::UserNamespace : controller::PodShape::NewUidMap;
}

void Application::hold_slots_of_running_pods() {
  for (const auto& pod : pod_index_.unfinished()) slots_.hold({pod->name_space, pod->owner_name});
}

/// Reconciles until `stop`. False: could not start.
bool Application::work(const std::stop_token& stop) {
  auto shape = choose_shape(stop);
  if (!shape) {
    if (!stop.stop_requested())
      log_.error("cannot choose the pods' shape", {{"error", shape.error()}});
    return stop.stop_requested();
  }
  if (!builds_.wait_synced(stop) || !pods_.wait_synced(stop)) {
    if (!stop.stop_requested()) log_.error("the caches were not filled in time");
    return stop.stop_requested();
  }
  hold_slots_of_running_pods();
  controller::PodSettings settings = options_.pod;
  settings.shape = *shape;
  auto may_write = [this] { return elector_ ? elector_->is_leader() : writing_.load(); };
  controller::Reconciler reconciler(
      {.client = *client_,
       .find_object = [this](const kube::ObjectKey& key) { return builds_.find(key); },
       .pods = pod_index_,
       .tags = tag_index_,
       .slots = slots_,
       .resolve_commit = controller::make_commit_resolver(*git_transport_),
       .events = events_,
       .metrics = metrics_,
       .clock = clock_,
       .log = log_,
       .may_write = may_write},
      std::move(settings));
  runtime::Controller workers(queue_,
                              [&](const kube::ObjectKey& key, const std::stop_token& working) {
                                return reconciler.reconcile(key, working);
                              },
                              {.name = "imagebuild",
                               .workers = options_.workers,
                               .log = log_,
                               .observer = &controller_hooks_});
  // What was queued while we stood by is stale or done; everything that exists is looked at once.
  for (const auto& [key, object] : builds_.all()) queue_.add(key, Priority::Background);
  log_.info("working", {{"podShape", controller::to_string(*shape)},
                        {"imagebuilds", builds_.size()},
                        {"maxConcurrentBuilds", options_.limits.total},
                        {"maxConcurrentBuildsPerNamespace", options_.limits.per_namespace}});
  watch_health_of(&workers);
  workers.start();
  std::promise<void> stopped;
  std::stop_callback on_stop(stop, [&] { stopped.set_value(); });
  stopped.get_future().wait();
  watch_health_of(nullptr);
  workers.stop();
  return true;
}

int Application::run(const std::stop_token& stop) {
  builds_.start();
  pods_.start();
  if (!options_.leader_elect) {
    writing_ = true;
    metrics_.leading(true);
    return work(stop) ? 0 : 1;
  }
  std::stop_source working;
  std::promise<void> elected;
  runtime::LeaderElectionOptions election{.name_space = options_.leader_election_namespace.empty()
                                                            ? client_->config().name_space
                                                            : options_.leader_election_namespace,
                                          .name = kLeaseName};
  election.timing = options_.leader_election_timing;
  election.log = log_;
  elector_ = std::make_unique<runtime::LeaderElector>(
      *client_, std::move(election),
      runtime::LeaderElector::Callbacks{.on_started =
                                            [&] {
                                              metrics_.leading(true);
                                              elected.set_value();
                                            },
                                        .on_stopped =
                                            [&] {
                                              metrics_.leading(false);
                                              working.request_stop();
                                            },
                                        .on_new_leader =
                                            [this](const std::string& identity) {
                                              log_.info("leader", {{"identity", identity}});
                                            }});
  // The lease is renewed until the workers have stopped:
  // nobody else writes while one of ours still does.
  std::stop_source electing;
  std::promise<bool> election_over;
  std::jthread election_thread([&] {
    const bool kept = elector_->run(electing.get_token());
    working.request_stop();
    election_over.set_value(kept);
  });
  std::jthread worker([&] {
    auto leading = elected.get_future();
    while (leading.wait_for(Duration(200)) != std::future_status::ready)
      if (working.stop_requested()) return;
    if (!work(working.get_token())) electing.request_stop();
  });
  std::stop_callback on_stop(stop, [&] { working.request_stop(); });
  worker.join();
  electing.request_stop();
  const bool kept = election_over.get_future().get();
  if (!kept) log_.error("leadership lost");
  return kept && stop.stop_requested() ? 0 : 1;
}

}  // namespace imagebuild
