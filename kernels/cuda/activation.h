// The activations of backends/program.h, by their numbers there.
#pragma once

#include <simt.h>

namespace hearth::cuda {

constexpr uint32_t kSilu = 1, kGelu = 2, kSigmoid = 3, kClamped = 4;

HEARTH_DEVICE float sigmoid(float x) { return 1.0f / (1.0f + exp(-x)); }

HEARTH_DEVICE float activate(uint32_t act, float x) {
  switch (act) {
    case kSilu:
      return x * sigmoid(x);
    case kGelu:
      return x * sigmoid(1.5957691216057308f * (x + 0.044715f * x * x * x));
    case kSigmoid:
      return sigmoid(x);
    default:
      return x;
  }
}

// act(gate) * up, or what `clamped` makes of them.
HEARTH_DEVICE float gated(uint32_t act, float gate, float up) {
  if (act != kClamped) return activate(act, gate) * up;
  const float g = min(gate, 7.0f);
  return g * sigmoid(1.702f * g) * (max(min(up, 7.0f), -7.0f) + 1.0f);
}

}  // namespace hearth::cuda
