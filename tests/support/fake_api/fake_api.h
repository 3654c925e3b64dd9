// FakeApi: an in-memory API server on port 0 that speaks the real protocol, so that the code under
// test is the shipped code, and that can do on purpose what a real one does only on bad days.
//
//   FakeApi api;
//   auto client = kube::Client::make(api.config());
//   api.put(kube::kImageBuilds, {{"metadata", {{"namespace", "default"}, {"name", "web"}}},
//   {"spec", …}}); api.inject({.matches = on("PATCH", "/status"), .action =
//   FakeApi::Action::Conflict, .times = 1});
//
// It knows any resource type: get, list (limit, continue), watch (bookmarks, 410), create, replace,
// merge patch, apply (without field ownership), delete (uid precondition, finalizers, owners'
// garbage collection), the status subresource (spec and status never change together; generation
// grows with spec only) and pods/log.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/kube/config.h"
#include "common/kube/resource.h"
#include "tests/support/fake_api/fake_objects.h"
#include "tests/support/test_server/test_server.h"

namespace imagebuild::testing {

class FakeApi {
 public:
  FakeApi();
  ~FakeApi();

  kube::ClientConfig config() const;
  std::string origin() const { return server_->origin(); }

  // The test's own hand on the objects: no faults, no rules. apiVersion and kind are filled in.
  json put(const kube::ResourceType& type, json object);
  /// Null when it does not exist.
  json get(const kube::ResourceType& type, const kube::ObjectKey& key) const;
  std::vector<json> all(const kube::ResourceType& type) const {
    return objects_.all(collection(type));
  }
  /// Merges `change` into the object (status, too), as the kubelet or a user would. False: no such
  /// object.
  bool change(const kube::ResourceType& type, const kube::ObjectKey& key, const json& change);
  bool erase(const kube::ResourceType& type, const kube::ObjectKey& key);
  void set_log(const kube::ObjectKey& pod, std::string text);
  /// A deleted pod stays with a deletionTimestamp until erase() (a kubelet that takes its time).
  void hold_deletion(bool hold) { objects_.set_hold_deletion(hold); }

  // Watches.
  void compact() {
    objects_.compact();
  }  ///< history is gone: a watch from an older version gets 410
  void cut_watches() {
    objects_.cut_watches();
  }  ///< those that have started, see watches_started()
  int watches_started() const { return watches_started_; }
  /// Watches that start from now on end in the middle of the chunked body instead of with its last
  /// chunk.
  void end_watches_abruptly(bool abruptly) { abrupt_ = abruptly; }
  void send_bookmarks() { objects_.send_bookmarks(); }

  // Faults.
  enum class Action {
    Conflict,           ///< 409 Conflict
    TooManyRequests,    ///< 429 with Retry-After: 0
    ServerError,        ///< 500
    Gone,               ///< 410 Expired
    Forbidden,          ///< 403
    ResetBeforeEffect,  ///< connection reset, nothing done
    ResetAfterEffect,   ///< done, but the answer never arrives
  };
  struct Fault {
    std::function<bool(const ServerRequest&)> matches;
    Action action = Action::ServerError;
    int times = 1;        ///< -1: until clear_faults()
    int retry_after = 0;  ///< seconds, for TooManyRequests
  };
  void inject(Fault fault);
  void clear_faults();
  /// How many injected faults have happened.
  int faults_happened() const;
  /// Called for every request before it is handled, from its connection's thread (virtual time,
  /// ordering).
  void on_request(std::function<void(const ServerRequest&)> hook);

  /// Every request so far, as "GET /api/v1/namespaces/a/pods?limit=500".
  std::vector<std::string> requests() const;
  int count_requests(const std::string& method, const std::string& part) const;
  void forget_requests();

  static std::string collection(const kube::ResourceType& type) {
    return type.api_version() + "/" + type.plural;
  }

 private:
  ServerResponse handle(const ServerRequest& request);
  ServerResponse serve(const ServerRequest& request);
  ServerResponse watch(const ServerRequest& request, const FakePath& path);
  ServerResponse log(const ServerRequest& request, const FakePath& path);
  std::optional<Fault> take_fault(const ServerRequest& request);

  FakeObjects objects_;
  std::atomic<bool> abrupt_{false};
  std::atomic<int> watches_started_{0};
  mutable std::mutex mutex_;  // guards the members up to server_
  std::vector<Fault> faults_;
  int faults_happened_ = 0;
  std::function<void(const ServerRequest&)> hook_;
  std::vector<std::string> requests_;
  std::map<kube::ObjectKey, std::string> logs_;
  std::unique_ptr<TestServer> server_;  // last: its threads use all of the above
};

/// Matches requests by method ("" any) and a part of path and query.
std::function<bool(const ServerRequest&)> on(std::string method, std::string part);

}  // namespace imagebuild::testing
