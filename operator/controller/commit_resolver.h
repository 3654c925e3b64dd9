// Asks a public git repository which commit a ref stands for, before the build. Where
// it cannot look (private, unreachable, link-local), it says so by an empty commit,
// and the builder resolves the ref.
#pragma once

#include <functional>
#include <stop_token>

#include "common/api/spec.h"
#include "common/git/ls_refs.h"
#include "operator/controller/decide.h"

namespace imagebuild::controller {

using CommitResolver =
    std::function<ResolvedCommit(const api::GitSource& source, const std::stop_token& stop)>;

/// `transport` has to outlive the resolver.
CommitResolver make_commit_resolver(http::Transport& transport);

/// Whether a host's addresses include a link-local one (169.254/16, fe80::/10):
/// the cloud's metadata service.
bool resolves_to_link_local(const std::string& host);

}  // namespace imagebuild::controller
