// BlobDownload: one blob streamed into a sink, whatever it takes: after a cut it goes
// on with a Range request, at the same registry or at the next. Never hands on more
// bytes than the descriptor says.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/sha256.h"
#include "common/registry/client.h"
#include "common/registry/session.h"

namespace imagebuild::registry {

class BlobDownload {
 public:
  BlobDownload(Session& session, const Carrier& carrier, const oci::Reference& repository,
               const oci::Descriptor& blob, const BlobSink& sink)
      : session_(session), carrier_(carrier), repository_(repository), blob_(blob), sink_(sink) {}

  /// Fetches what is missing from this endpoint, and verifies the whole.
  Result<void> run(const Endpoint& endpoint);
  /// The sink failed or has bytes that are wrong: no other endpoint can help.
  bool is_over() const { return fatal_.has_value(); }
  Error last_error() const { return *fatal_; }

 private:
  Result<void> attempt(const Endpoint& endpoint);
  Result<void> take(const http::Response& head, std::string_view bytes);
  Result<void> begin_body(const http::Response& head);
  Result<void> verify();

  Session& session_;
  const Carrier& carrier_;
  const oci::Reference& repository_;
  const oci::Descriptor& blob_;
  const BlobSink& sink_;

  Sha256 hash_;
  std::uint64_t received_ = 0;  // handed to the sink and hashed
  bool body_began_ = false;     // in this attempt
  std::uint64_t skip_ = 0;      // of this attempt's body: a registry without Range sends all again
  std::optional<Error> fatal_;
};

}  // namespace imagebuild::registry
