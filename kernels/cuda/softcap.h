// The cap of logits.
#pragma once

#include <simt.h>

namespace hearth::cuda {

// cap * tanh(x / cap), where there is a cap.
HEARTH_DEVICE float softcapped(float x, float cap) { return cap != 0 ? cap * tanh(x / cap) : x; }

}  // namespace hearth::cuda
