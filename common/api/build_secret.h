// spec.secrets: keys of Secrets that RUN --mount=type=secret sees, by id.
#pragma once

#include <string>
#include <vector>

#include "common/api/field_reader.h"
#include "common/base/json.h"

namespace imagebuild::api {

struct BuildSecret {
  std::string id;
  std::string name;  ///< of the Secret
  std::string key;
};

/// The field "secrets" of `spec`; errors go to its list.
std::vector<BuildSecret> read_secrets(FieldReader& spec);
/// {"id", "secretRef": {"name", "key"}}.
Json secret_to_json(const BuildSecret& secret);

}  // namespace imagebuild::api
