// Which commit does a branch, a tag or a repository's default branch point to? Asked over smart
// HTTP (protocol v2, v0/v1 as fall-back) on http::Transport: a few kilobytes, no git binary.
// Nothing is fetched.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/git/credentials.h"
#include "common/http/transport.h"

namespace imagebuild::git {

/// At most one is set; a commit wins and is answered without the network. None: HEAD.
struct RefSelector {
  std::string branch;
  std::string tag;
  std::string commit;
};

struct RemoteRef {
  std::string commit;  ///< 40 or 64 hex characters; tags are peeled
  std::string name;    ///< "refs/heads/main", "refs/tags/v1"; "" for a commit
  /// "main@sha1:1a2b…": the revision as status shows it.
  std::string revision() const;
};

/// Denied: 401, 403. NotFound: no such repository or ref. Transient: network, 5xx, 429.
/// InvalidInput: the URL, or an answer that is no git protocol or larger than 32 MiB. Redirects are
/// followed (5), credentials only on the same host.
Result<RemoteRef> resolve(http::Transport& transport, std::string_view url,
                          const RefSelector& selector,
                          const std::optional<Credentials>& credentials = std::nullopt,
                          std::stop_token stop = {});

/// A full object name: 40 (SHA-1) or 64 (SHA-256) lower-case hex characters.
bool is_object_name(std::string_view text);

}  // namespace imagebuild::git
