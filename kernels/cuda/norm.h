// The mean and the scale of a run of values that a block of kNormThreads threads norms.
#pragma once

#include "kernels/cuda/read.h"
#include "kernels/cuda/reduce.h"

namespace hearth::cuda {

constexpr uint32_t kNormThreads = 256;

// What is taken from each value: their mean where they are centered, else 0. All threads must take part.
HEARTH_DEVICE float mean_of_run(Global<float> from, uint32_t count, bool centered) {
  if (!centered) return 0;
  float sum = 0;
  for (uint32_t i = thread_index(); i < count; i += kNormThreads) sum += from[i];
  return block_sum<kNormThreads>(sum) / static_cast<float>(count);
}

// What they are then multiplied by. All threads must take part.
HEARTH_DEVICE float scale_of_run(Global<float> from, uint32_t count, float mean, float eps) {
  float squares = 0;
  for (uint32_t i = thread_index(); i < count; i += kNormThreads) {
    const float value = from[i] - mean;
    squares = fma(value, value, squares);
  }
  return 1.0f / sqrt(block_sum<kNormThreads>(squares) / static_cast<float>(count) + eps);
}

}  // namespace hearth::cuda
