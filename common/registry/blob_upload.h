// BlobUpload: one blob into one repository. Small blobs go in one PUT; larger ones are streamed
// with PATCH, and after a failure go on at the offset the registry says it has.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/registry/client.h"
#include "common/registry/session.h"

namespace imagebuild::registry {

class BlobUpload {
 public:
  BlobUpload(Session& session, const Carrier& carrier, const Endpoint& endpoint,
             const oci::Reference& to, const oci::Digest& digest, const BlobSource& source,
             std::uint64_t monolithic_limit);

  /// `location`: of an upload that is already started, by a mount that was not possible.
  Result<void> run(std::optional<std::string> location);

 private:
  Result<void> attempt();
  Result<void> start();
  Result<void> locate();
  Result<void> send_piece();
  Result<void> accept_piece(const Answer& answer, std::uint64_t end);
  Result<void> commit();
  Result<void> recover_commit(const http::Response& refusal);
  Result<std::string> small_body() const;
  http::BodySource make_source(std::uint64_t end) const;
  void restart();

  Session& session_;
  const Carrier& carrier_;
  const Endpoint& endpoint_;
  const oci::Reference& to_;
  const oci::Digest& digest_;
  const BlobSource& source_;
  const Access access_;
  const bool is_small_;

  std::string location_;       // of the upload, raw as the registry gave it; "" before the start
  std::uint64_t offset_ = 0;   // what the registry has
  std::uint64_t piece_limit_;  // bytes of one PATCH
  bool interrupted_ = false;   // offset_ is a guess
  bool can_go_on_ = false;     // the last failure is one that another attempt may get over
  std::optional<Duration> retry_after_;
};

}  // namespace imagebuild::registry
