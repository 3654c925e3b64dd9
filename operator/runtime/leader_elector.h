// LeaderElector: at most one replica writes, by a Lease of coordination.k8s.io/v1.
//
// No fencing exists: a leader that was paused cannot be stopped by the lease. So is_leader() itself
// looks at the steady clock and turns false at the renew deadline, before anybody else may take
// the lease, however blocked the renewing thread is; then on_stopped is called, and the
// program exits. Other replicas' clocks are never compared with ours: a lease has expired when its
// record did not change for its duration by our clock.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>

#include "common/base/log.h"
#include "common/kube/client.h"

namespace imagebuild::runtime {

/// "host_uuid": unique to this process, readable in `kubectl get lease`.
std::string make_leader_identity();

/// The defaults are those of Kubernetes' own components.
struct LeaderElectionTiming {
  Duration lease_duration{15'000};  ///< others leave a lease alone for so long after a renewal
  Duration renew_deadline{10'000};  ///< a leader that has not renewed for so long stops writing
  Duration retry_period{2'000};     ///< between two renewals
  double jitter = 1.2;  ///< a standby waits retry_period × (1 … 1 + jitter) between looks

  /// Whether at most one replica can write, and a leader has time to try a renewal again.
  /// InvalidInput: which of them does not fit which other.
  Result<void> check() const;
};

struct LeaderElectionOptions {
  std::string name_space;
  std::string name;
  std::string identity = make_leader_identity();
  LeaderElectionTiming timing = {};
  const Clock* wall_clock = nullptr;    ///< for the times in the lease; nullptr: the system's
  const Clock* steady_clock = nullptr;  ///< for deadlines; nullptr: steady time
  Logger log = {};
};

class LeaderElector {
 public:
  struct Callbacks {
    std::function<void()> on_started = {};  ///< we lead now
    std::function<void()> on_stopped = {};  ///< we led and lost it: exit the process
    std::function<void(const std::string& identity)> on_new_leader =
        {};  ///< somebody, perhaps we, leads now
  };

  LeaderElector(kube::Client& client, LeaderElectionOptions options, Callbacks callbacks);
  ~LeaderElector();

  /// Looks, acquires, renews until `stop` or until leadership is lost; releases the lease if it
  /// still holds it when stopped (so stop the writers first). Callbacks come from this thread and
  /// must return soon: nothing is renewed meanwhile. True: stopped. False: lost.
  bool run(const std::stop_token& stop);
  /// May we write now? Thread-safe, cheap, and false from the renew deadline on.
  bool is_leader() const;
  /// Who holds the lease as far as we know; "" for nobody.
  std::string leader() const;

  /// One look at the lease; the pause before the next, or nullopt when leadership was lost. run()
  /// is a loop over it.
  std::optional<Duration> tick(const std::stop_token& stop = {});
  /// Gives the lease up, so that another replica need not wait for it to expire.
  void release();

 private:
  struct Observed {
    std::string holder;
    std::string record;  // the whole spec: tells a renewed lease from an unchanged one
    Duration duration{};
    TimePoint since{};  // steady: when we saw it change
  };

  kube::ApiResult<void> acquire_or_renew(const kube::Call& call);
  kube::ApiResult<void> create(const kube::Call& call);
  kube::ApiResult<void> take(const kube::Call& call);
  void observe(nlohmann::json lease);
  void fill(nlohmann::json& spec, std::int64_t transitions, bool acquired) const;
  std::optional<Duration> succeeded(TimePoint began);
  std::optional<Duration> failed(const Error& error);
  std::optional<Duration> lose(std::string_view why);
  bool deadline_passed() const;
  Duration request_timeout() const;

  kube::Client& client_;
  const LeaderElectionOptions options_;
  const Callbacks callbacks_;
  const Clock& wall_;
  const Clock& steady_;

  // Used by the run() thread only.
  std::string reported_leader_;
  std::unique_ptr<nlohmann::json> lease_;  // as last seen, with its resourceVersion

  mutable std::mutex mutex_;  // guards the three below
  Observed observed_;
  bool leading_ = false;
  TimePoint writable_until_{};
};

}  // namespace imagebuild::runtime
