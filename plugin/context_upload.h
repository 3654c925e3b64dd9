// A context as an OCI artifact in the image's own repository: where the builder already has
// credentials, and where nobody has to run another service.
#pragma once

#include <string>

#include "common/oci/reference.h"
#include "plugin/commands.h"
#include "plugin/local_context.h"
#include "plugin/session.h"

namespace imagebuild::plugin {

/// Pushes with the user's own credentials under the tag "context-HASH12" and returns
/// "REPOSITORY@sha256:…", by the name that the cluster knows. A context that is there already is
/// not sent again.
Result<std::string> upload_context(Session& session, const RegistryFlags& flags,
                                   const LocalContext& context, const oci::Reference& image);

}  // namespace imagebuild::plugin
