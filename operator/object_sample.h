// An ImageBuild as the gauges see it. Pure.
#pragma once

#include "common/api/status.h"
#include "operator/telemetry/metrics.h"

namespace imagebuild {

/// `layers`: with the sizes of the ten largest layers.
telemetry::ObjectSample sample_of(const api::ImageBuild& object, bool layers);

}  // namespace imagebuild
