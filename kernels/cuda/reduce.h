// Sums and maxima over a block of kThreads threads. All threads must take part, and all get the result.
#pragma once

#include <simt.h>

namespace hearth::cuda {

template <uint32_t kThreads>
HEARTH_DEVICE float block_sum(float value) {
  HEARTH_SHARED(float, kThreads / 32, warp_sums);
  const float sum = warp_sum(value);
  sync_block();  // the results of the call before were read
  if (lane() == 0) warp_sums[warp()] = sum;
  sync_block();
  float total = 0;
  for (uint32_t i = 0; i < kThreads / 32; ++i) total += warp_sums[i];
  return total;
}

// Of integers, with one barrier: turn is 0 and 1 by turns from call to call.
template <uint32_t kThreads>
HEARTH_DEVICE uint32_t block_count(uint32_t value, uint32_t turn) {
  HEARTH_SHARED(uint32_t, 2 * (kThreads / 32), warp_counts);
  const uint32_t sum = warp_sum(value), first = turn * (kThreads / 32);
  if (lane() == 0) warp_counts[first + warp()] = sum;
  sync_block();
  uint32_t total = 0;
  for (uint32_t i = 0; i < kThreads / 32; ++i) total += warp_counts[first + i];
  return total;
}

template <uint32_t kThreads>
HEARTH_DEVICE float block_max(float value) {
  HEARTH_SHARED(float, kThreads / 32, warp_maxima);
  const float largest = warp_max(value);
  sync_block();
  if (lane() == 0) warp_maxima[warp()] = largest;
  sync_block();
  float total = warp_maxima[0];
  for (uint32_t i = 1; i < kThreads / 32; ++i) total = max(total, warp_maxima[i]);
  return total;
}

}  // namespace hearth::cuda
