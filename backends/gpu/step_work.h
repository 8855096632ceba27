// What steps need, as profiles tell it.
#pragma once

#include "backends/gpu/steps.h"
#include "backends/profile.h"

namespace hearth::gpu {

// One launch of a step that `count` rows follow. Of kernels that copy and choose little, or prepare what others read,
// bytes are left at 0.
OpProfile work_of(const Step& step, uint32_t count, const Batch& batch);

}  // namespace hearth::gpu
