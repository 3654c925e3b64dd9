#include "operator/runtime/reflector.h"

#include <algorithm>

#include "common/base/json.h"
#include "common/base/wait.h"
#include "operator/runtime/steady_clock.h"

namespace imagebuild::runtime {
namespace {

// A watch that ends sooner without a word is no watch: without a pause we would spin.
constexpr Duration kShortWatch{1'000};
constexpr int kListRestarts = 3;

ObjectKey key_of(const Json& object) {
  return {string_at(object, {"metadata", "namespace"}), string_at(object, {"metadata", "name"})};
}

// The connection broke or the server is busy, but our resourceVersion is as good as before.
// Everything else, an ERROR event of any code included, may mean that events were lost.
bool version_survives(const kube::ApiError& error) {
  return error.kind == ErrorKind::Canceled ||
         (error.kind == ErrorKind::Transient && (error.no_answer() || error.code == 429));
}

}  // namespace

Reflector::Reflector(kube::Client& client, ObjectStore& store, ReflectorOptions options,
                     Projection project, OnChange on_change)
    : client_(client),
      store_(store),
      options_(std::move(options)),
      project_(std::move(project)),
      on_change_(std::move(on_change)) {}

void Reflector::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (resource_version_.empty())
      list(stop);
    else
      watch(stop);
  }
}

void Reflector::list(const std::stop_token& stop) {
  for (int restarts = 0;; ++restarts) {
    auto listed = list_once(stop);
    if (listed.ok()) {
      synced_ = true;
      return;
    }
    if (listed.error().gone() && restarts < kListRestarts) continue;  // the continue token expired
    return back_off(listed.error(), stop);
  }
}

kube::ApiResult<void> Reflector::list_once(const std::stop_token& stop) {
  std::unordered_set<ObjectKey> seen;
  kube::ListOptions options{.label_selector = options_.label_selector, .limit = options_.page_size};
  std::string version;
  do {
    auto page = TRY(client_.list(options_.type, options_.name_space, options, {.stop = stop}));
    for (auto& item : page.items) {
      seen.insert(key_of(item));
      put(item);
      item = nullptr;  // the page shrinks while it is projected
    }
    options.continue_token = std::move(page.continue_token);
    version = std::move(page.resource_version);
  } while (!options.continue_token.empty());
  if (version.empty())
    return fail(ErrorKind::Transient,
                "list " + options_.type.plural + ": the answer has no resourceVersion");
  report(store_.erase_missing(options_.name_space, seen));
  resource_version_ = std::move(version);
  return {};
}

void Reflector::watch(const std::stop_token& stop) {
  auto spread = static_cast<double>((options_.max_watch - options_.min_watch).count());
  kube::WatchOptions options{
      .resource_version = resource_version_,
      .label_selector = options_.label_selector,
      .timeout = options_.min_watch + Duration(static_cast<Duration::rep>(spread * random_unit()))};
  TimePoint began = steady_clock().now();
  auto watched = client_.watch(options_.type, options_.name_space, options,
                               [this](const kube::WatchEvent& event) { return handle(event); },
                               {.stop = stop});
  if (steady_clock().now() - began >= kShortWatch) failures_ = 0;
  if (!watched.ok()) {
    if (!version_survives(watched.error())) resource_version_.clear();
    return back_off(watched.error(), stop);
  }
  if (steady_clock().now() - began < kShortWatch)
    back_off({{ErrorKind::Transient, "the watch ended at once"}}, stop);
}

Result<void> Reflector::handle(const kube::WatchEvent& event) {
  using Type = kube::WatchEvent::Type;
  if (event.type == Type::Added || event.type == Type::Modified) put(event.object);
  if (event.type == Type::Deleted)
    if (auto change = store_.erase(key_of(event.object))) report({*std::move(change)});
  if (auto version = event.resource_version(); !version.empty())
    resource_version_ = std::move(version);
  failures_ = 0;
  return {};
}

void Reflector::put(const Json& object) {
  ObjectKey key = key_of(object);
  ObjectStore::Entry entry{string_at(object, {"metadata", "uid"}),
                           string_at(object, {"metadata", "resourceVersion"}), nullptr};
  if (key.name.empty() || store_.holds(key, entry.uid, entry.resource_version)) return;
  entry.value = project_(object);
  report(store_.put(key, std::move(entry)));
}

void Reflector::report(const std::vector<ObjectStore::Change>& changes) {
  for (const auto& change : changes) on_change_(change, !synced_);
}

void Reflector::back_off(const kube::ApiError& error, const std::stop_token& stop) {
  if (stop.stop_requested()) return;
  Duration delay = options_.backoff.delay(failures_++, random_unit());
  if (error.retry_after) delay = std::max(delay, *error.retry_after);
  auto level = failures_ > 3 || !synced_ ? &Logger::warn
                                         : &Logger::debug;  // a cut now and then is daily life
  (options_.log.*level)("watch interrupted", {{"resource", options_.type.plural},
                                              {"namespace", options_.name_space},
                                              {"error", static_cast<const Error&>(error)},
                                              {"list_again", resource_version_.empty()},
                                              {"retry_ms", delay.count()}});
  (void)wait_for(delay, stop);
}

}  // namespace imagebuild::runtime
