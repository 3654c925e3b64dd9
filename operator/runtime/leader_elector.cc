#include "operator/runtime/leader_elector.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/base/json.h"
#include "common/base/unique_fd.h"
#include "common/base/wait.h"
#include "operator/runtime/steady_clock.h"

namespace imagebuild::runtime {
namespace {

const SystemClock kWallClock;

// metav1.MicroTime wants exactly six digits.
std::string format_micro_time(TimePoint time) {
  std::string text = format_rfc3339(time);
  std::string millis = std::to_string(time.time_since_epoch().count() % 1000 + 1000).substr(1);
  text.pop_back();
  return text + "." + millis + "000Z";
}

Error does_not_fit(std::string what) { return fail(ErrorKind::InvalidInput, std::move(what)); }

std::string seconds(Duration duration) {
  const auto count = duration.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + "s" : std::to_string(count) + "ms";
}

}  // namespace

Result<void> LeaderElectionTiming::check() const {
  // The lease says its duration in whole seconds, as an int32.
  if (lease_duration < std::chrono::seconds(1) || lease_duration > std::chrono::hours(24))
    return does_not_fit("the lease duration of " + seconds(lease_duration) +
                        " is not between 1s and 24h");
  if (retry_period < std::chrono::milliseconds(100))
    return does_not_fit("the retry period of " + seconds(retry_period) + " is below 100ms");
  if (renew_deadline >= lease_duration)
    return does_not_fit("the renew deadline of " + seconds(renew_deadline) +
                        " is not shorter than the lease duration of " + seconds(lease_duration) +
                        ": two replicas could write at once");
  if (static_cast<double>(renew_deadline.count()) <=
      jitter * static_cast<double>(retry_period.count()))
    return does_not_fit("the renew deadline of " + seconds(renew_deadline) +
                        " leaves no time to try again after a retry period of " +
                        seconds(retry_period) + " (it must be more than 1.2 of them)");
  return {};
}

std::string make_leader_identity() {
  std::array<char, 256> host{};
  (void)::gethostname(host.data(), host.size() - 1);
  auto uuid = read_file("/proc/sys/kernel/random/uuid");
  std::string unique = uuid.ok() ? uuid->substr(0, 36) : std::to_string(::getpid());
  return std::string(host.data()) + "_" + unique;
}

LeaderElector::LeaderElector(kube::Client& client, LeaderElectionOptions options,
                             Callbacks callbacks)
    : client_(client),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      wall_(options_.wall_clock ? *options_.wall_clock : kWallClock),
      steady_(options_.steady_clock ? *options_.steady_clock : steady_clock()) {}

LeaderElector::~LeaderElector() = default;

bool LeaderElector::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    auto pause = tick(stop);
    if (!pause) return false;
    (void)wait_for(*pause, stop);
  }
  release();
  return true;
}

bool LeaderElector::is_leader() const {
  std::lock_guard lock(mutex_);
  return leading_ && steady_.now() < writable_until_;
}

std::string LeaderElector::leader() const {
  std::lock_guard lock(mutex_);
  return observed_.holder;
}

std::optional<Duration> LeaderElector::tick(const std::stop_token& stop) {
  TimePoint began = steady_.now();
  if (deadline_passed())
    return lose(
        "the lease was not renewed in time");  // even if it could be renewed: work was dropped
  auto done = acquire_or_renew({.stop = stop, .timeout = request_timeout(), .retries = 0});
  if (std::string now = leader(); now != reported_leader_) {
    reported_leader_ = now;
    options_.log.info("leader changed", {{"lease", options_.name}, {"leader", now}});
    if (callbacks_.on_new_leader) callbacks_.on_new_leader(now);
  }
  return done.ok() ? succeeded(began) : failed(done.error());
}

bool LeaderElector::deadline_passed() const {
  std::lock_guard lock(mutex_);
  return leading_ && steady_.now() >= writable_until_;
}

// Whole seconds, because the transport keeps one set of connections for each time-out.
Duration LeaderElector::request_timeout() const {
  std::lock_guard lock(mutex_);
  Duration left = leading_ ? writable_until_ - steady_.now() : options_.timing.renew_deadline;
  auto seconds =
      std::chrono::floor<std::chrono::seconds>(std::min(left, options_.timing.renew_deadline / 2));
  return std::max(seconds, std::chrono::seconds(1));
}

// The deadline counts from before the request: the server may have written at its very beginning.
std::optional<Duration> LeaderElector::succeeded(TimePoint began) {
  bool started = false;
  {
    std::lock_guard lock(mutex_);
    started = !std::exchange(leading_, true);
    writable_until_ = began + options_.timing.renew_deadline;
  }
  if (started) {
    options_.log.info("leading", {{"lease", options_.name}, {"identity", options_.identity}});
    if (callbacks_.on_started) callbacks_.on_started();
  }
  return options_.timing.retry_period;
}

std::optional<Duration> LeaderElector::failed(const Error& error) {
  std::unique_lock lock(mutex_);
  if (!leading_) {
    lock.unlock();
    if (error.kind != ErrorKind::Conflict && error.kind != ErrorKind::Canceled)
      options_.log.warn("leader lease unreachable", {{"lease", options_.name}, {"error", error}});
    return Duration(
        static_cast<Duration::rep>(static_cast<double>(options_.timing.retry_period.count()) *
                                   (1 + options_.timing.jitter * random_unit())));
  }
  bool taken = !observed_.holder.empty() && observed_.holder != options_.identity;
  Duration left = writable_until_ - steady_.now();
  lock.unlock();
  if (error.kind == ErrorKind::Canceled) return Duration::zero();
  if (taken) return lose("another replica holds the lease");
  if (left <= Duration::zero())
    return lose("the lease was not renewed in time");  // the request took that long
  options_.log.warn("leader lease not renewed", {{"lease", options_.name}, {"error", error}});
  return std::min(left, options_.timing.retry_period);
}

std::optional<Duration> LeaderElector::lose(std::string_view why) {
  {
    std::lock_guard lock(mutex_);
    leading_ = false;
  }
  options_.log.error("leadership lost", {{"lease", options_.name}, {"reason", why}});
  if (callbacks_.on_stopped) callbacks_.on_stopped();
  return std::nullopt;
}

kube::ApiResult<void> LeaderElector::acquire_or_renew(const kube::Call& call) {
  if (lease_ && is_leader()) {  // renew what we know; a conflict means that we know it no longer
    auto taken = take(call);
    if (taken.ok() || !taken.error().conflict()) return taken;
  }
  auto lease = client_.get(kube::kLeases, {options_.name_space, options_.name}, call);
  if (!lease.ok() && lease.error().not_found()) return create(call);
  observe(TRY(std::move(lease)));
  {
    std::lock_guard lock(mutex_);
    bool ours = observed_.holder.empty() || observed_.holder == options_.identity;
    if (!ours && steady_.now() < observed_.since + observed_.duration)
      return fail(ErrorKind::Conflict,
                  "lease " + options_.name + " is held by " + observed_.holder);
  }
  return take(call);
}

kube::ApiResult<void> LeaderElector::create(const kube::Call& call) {
  Json lease = {{"apiVersion", kube::kLeases.api_version()},
                {"kind", kube::kLeases.kind},
                {"metadata", {{"namespace", options_.name_space}, {"name", options_.name}}},
                {"spec", Json::object()}};
  fill(lease["spec"], 0, true);
  observe(TRY(client_.create(kube::kLeases, lease, call)));
  return {};
}

// Writes us into the lease as last seen; its resourceVersion makes sure that nobody was faster.
kube::ApiResult<void> LeaderElector::take(const kube::Call& call) {
  Json lease = *lease_;
  Json& spec = lease["spec"];
  const Json* transitions = find_path(lease, {"spec", "leaseTransitions"});
  std::int64_t count =
      transitions && transitions->is_number_integer() ? transitions->get<std::int64_t>() : 0;
  bool acquired = string_at(lease, {"spec", "holderIdentity"}) != options_.identity;
  fill(spec, count + (acquired ? 1 : 0), acquired);
  observe(TRY(client_.replace(kube::kLeases, lease, call)));
  return {};
}

void LeaderElector::fill(Json& spec, std::int64_t transitions, bool acquired) const {
  std::string now = format_micro_time(wall_.now());
  spec["holderIdentity"] = options_.identity;
  spec["leaseDurationSeconds"] =
      std::chrono::ceil<std::chrono::seconds>(options_.timing.lease_duration).count();
  spec["leaseTransitions"] = transitions;
  spec["renewTime"] = now;
  if (acquired) spec["acquireTime"] = now;
}

void LeaderElector::observe(Json lease) {
  lease_ = std::make_unique<Json>(std::move(lease));
  const Json* spec = find_path(*lease_, {"spec"});
  std::string record = spec ? dump_json(*spec) : "";
  const Json* seconds = find_path(*lease_, {"spec", "leaseDurationSeconds"});
  std::lock_guard lock(mutex_);
  if (record == observed_.record) return;
  observed_.record = std::move(record);
  observed_.holder = string_at(*lease_, {"spec", "holderIdentity"});
  observed_.duration = seconds && seconds->is_number_integer()
                           ? Duration(std::chrono::seconds(seconds->get<int>()))
                           : options_.timing.lease_duration;
  observed_.since = steady_.now();
}

void LeaderElector::release() {
  {
    std::lock_guard lock(mutex_);
    if (!std::exchange(leading_, false) || !lease_ || observed_.holder != options_.identity) return;
  }
  Json lease = *lease_;
  lease["spec"]["holderIdentity"] = "";
  lease["spec"]["leaseDurationSeconds"] = 1;
  lease["spec"]["renewTime"] = format_micro_time(wall_.now());
  auto released =
      client_.replace(kube::kLeases, lease, {.timeout = std::chrono::seconds(2), .retries = 0});
  if (!released.ok()) {
    options_.log.warn(
        "lease not released, it will expire",
        {{"lease", options_.name}, {"error", static_cast<const Error&>(released.error())}});
    return;
  }
  observe(*std::move(released));
  options_.log.info("lease released", {{"lease", options_.name}});
}

}  // namespace imagebuild::runtime
