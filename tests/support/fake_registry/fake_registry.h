// FakeRegistry: the distribution protocol in memory, on 127.0.0.1 and a free port, with the
// misbehaviour of real ones on demand: token challenges, redirects to a blob host that refuses
// credentials, lies about digests, cuts, resets, 429. What it holds and what it was asked is open
// to the test.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/oci/manifest.h"
#include "tests/support/test_server/test_server.h"

namespace imagebuild::testing {

struct FakeRegistryOptions {
  enum class Auth { None, Basic, Token };
  Auth auth = Auth::None;
  std::string username = "robot";
  std::string password = "s3cret";
  std::string identity_token;   ///< accepted by POST to the token server
  bool anonymous_pull = false;  ///< tokens for pulls without credentials
  bool redirect_blobs =
      false;  ///< GET of blobs: 307 to a second host, which fails if Authorization arrives
  bool absolute_locations = false;  ///< of uploads
  bool range_requests = true;       ///< otherwise every GET of a blob sends all of it
  bool mount_allowed = true;
  bool head_of_blobs = true;    ///< otherwise 405
  std::size_t patch_limit = 0;  ///< bytes of one PATCH; more is 413; 0 is no limit
  int token_seconds = 300;
};

/// One request as it arrived. `authorization` is kept so that tests can see where credentials went.
struct RecordedRequest {
  std::string method, path, query, authorization;
};

class FakeRegistry {
 public:
  explicit FakeRegistry(FakeRegistryOptions options = {});
  ~FakeRegistry();

  std::string host() const { return server_->host(); }  ///< "127.0.0.1:41234"
  std::string origin() const { return server_->origin(); }
  std::string blob_host() const { return blob_server_->host(); }

  // --- content
  oci::Digest put_blob(const std::string& repository, const std::string& bytes);
  /// Stores under its digest, and the tag unless it is empty.
  oci::Digest put_manifest(const std::string& repository, const std::string& tag,
                           const std::string& bytes, const std::string& media_type);
  std::optional<std::string> blob(const std::string& repository, const oci::Digest& digest) const;
  std::optional<std::string> manifest(const std::string& repository,
                                      const std::string& tag_or_digest) const;

  // --- misbehaviour
  using Intercept = std::function<std::optional<ServerResponse>(const ServerRequest&)>;
  /// Asked first, on every request to the registry, the token server and the blob host; nullopt: go
  /// on as usual.
  void intercept(Intercept intercept);
  /// The next `times` requests with this method and a path that contains `part` get this response.
  /// With ResetBeforeResponse the request is carried out first, if `after_handling`.
  void fail_next(std::string method, std::string part, ServerResponse response, int times = 1,
                 bool after_handling = false);
  /// Every token issued so far is refused from now on.
  void revoke_tokens();

  // --- what happened
  std::vector<RecordedRequest> requests() const;
  int count(const std::string& method, const std::string& part) const;
  /// Authorization headers that reached the blob host.
  int leaked_credentials() const;

 private:
  struct Repository {
    std::map<std::string, std::string> blobs;  // digest → bytes
    std::map<std::string, std::pair<std::string, std::string>>
        manifests;                            // digest → media type, bytes
    std::map<std::string, std::string> tags;  // tag → digest
  };
  struct Failure {
    std::string method, part;
    ServerResponse response;
    int times;
    bool after_handling;
  };

  ServerResponse handle(const ServerRequest& request, bool at_blob_host);
  ServerResponse route(const ServerRequest& request);
  ServerResponse token(const ServerRequest& request);
  std::optional<ServerResponse> refuse(const ServerRequest& request, const std::string& repository,
                                       bool is_write);
  ServerResponse manifests(const ServerRequest& request, Repository& repository,
                           const std::string& name, const std::string& id);
  ServerResponse blobs(const ServerRequest& request, Repository& repository,
                       const std::string& name, const std::string& digest);
  ServerResponse start_upload(const ServerRequest& request, Repository& repository,
                              const std::string& name);
  ServerResponse upload(const ServerRequest& request, Repository& repository,
                        const std::string& name, const std::string& id);
  ServerResponse upload_status(const std::string& name, const std::string& id, int status);
  ServerResponse blob_bytes(const ServerRequest& request, const std::string& bytes) const;

  const FakeRegistryOptions options_;

  mutable std::mutex mutex_;  // guards everything below; the servers' threads take it in handle()
  std::map<std::string, Repository> repositories_;
  std::map<std::string, std::string> uploads_;           // id → bytes so far
  std::map<std::string, std::set<std::string>> tokens_;  // token → scopes
  std::vector<RecordedRequest> requests_;
  std::vector<Failure> failures_;
  Intercept intercept_;
  int leaked_ = 0;
  int next_id_ = 0;

  std::unique_ptr<TestServer> blob_server_;
  std::unique_ptr<TestServer> server_;  // last: stops first
};

}  // namespace imagebuild::testing
