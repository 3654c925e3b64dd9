// What measure_usage is asked and answers, as JSON values between builder and tree worker.
#pragma once

#include "builder/layer/usage.h"
#include "common/base/json.h"
#include "common/base/result.h"

namespace imagebuild::sandbox {

Json to_json(const UsageOptions& options);
Json to_json(const ImageUsage& usage);

Result<UsageOptions> usage_options_from_json(const Json& json);
Result<ImageUsage> usage_from_json(const Json& json);

}  // namespace imagebuild::sandbox
