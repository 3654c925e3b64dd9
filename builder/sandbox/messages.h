// RunSpec, RunResult and PathInfo as JSON values: what crosses between builder and tree worker.
// from_json functions answer InvalidInput for anything that their to_json did not write.
#pragma once

#include "builder/sandbox/run_spec.h"
#include "builder/sandbox/tree_worker.h"
#include "common/base/json.h"
#include "common/base/result.h"

namespace imagebuild::sandbox {

Json to_json(const LowerList& lowers);
Json to_json(const RunSpec& spec);
Json to_json(const RunResult& result);
Json to_json(const PathInfo& info);

Result<LowerList> lowers_from_json(const Json& json);
Result<RunSpec> run_spec_from_json(const Json& json);
Result<RunResult> run_result_from_json(const Json& json);
Result<PathInfo> path_info_from_json(const Json& json);

}  // namespace imagebuild::sandbox
