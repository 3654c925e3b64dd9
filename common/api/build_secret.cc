#include "common/api/build_secret.h"

#include "common/api/names.h"

namespace imagebuild::api {

std::vector<BuildSecret> read_secrets(FieldReader& spec) {
  std::vector<BuildSecret> result;
  spec.objects("secrets", [&](FieldReader& item) {
    BuildSecret secret{.id = item.required_text("id"), .name = "", .key = ""};
    if (!secret.id.empty() && !is_key(secret.id))
      item.fail("id", "letters, digits, ., _ and - only");
    for (const BuildSecret& other : result)
      if (other.id == secret.id) item.fail("id", "\"" + secret.id + "\" is given twice");
    if (!item.object("secretRef", [&](FieldReader& ref) {
          secret.name = ref.required_text("name");
          secret.key = ref.required_text("key");
          if (!secret.name.empty() && !is_object_name(secret.name))
            ref.fail("name", "not a valid object name");
          if (!secret.key.empty() && !is_key(secret.key)) ref.fail("key", "not a valid key");
          ref.finish();
        }))
      item.fail("secretRef", "is required");
    item.finish();
    result.push_back(std::move(secret));
  });
  if (result.size() > 16) spec.fail("secrets", "more than 16");
  return result;
}

Json secret_to_json(const BuildSecret& secret) {
  return {{"id", secret.id}, {"secretRef", {{"name", secret.name}, {"key", secret.key}}}};
}

}  // namespace imagebuild::api
