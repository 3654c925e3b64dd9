// Whether another build is due, and everything that has to be so before its pod is created. Pure.
#pragma once

#include "operator/controller/visit.h"

namespace imagebuild::controller {

/// Decides what follows from the outcome of the last build and the judgement of the image: nothing,
/// a wait, a first try, a retry. Writes the decision's pod, the situation and what more is needed.
void plan_next_build(Visit& visit);

}  // namespace imagebuild::controller
