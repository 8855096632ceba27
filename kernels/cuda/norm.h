// Runs of values that a block of kNormThreads threads norms: their mean and their scale. A thread has 8 neighbours of
// each 8 * kNormThreads, the first ones in registers.
#pragma once

#include "kernels/cuda/read.h"
#include "kernels/cuda/reduce.h"

namespace hearth::cuda {

constexpr uint32_t kNormThreads = 256, kNormStep = 8 * kNormThreads;

// early: its values may be read before wait_for_kernel_before().
template <bool early>
class Run {
 public:
  // Reads `count` values from `place` on. All threads must take part in what follows, too.
  HEARTH_DEVICE Run(Address place, uint32_t count)
      : place_(place), count_(count), whole_(count % 8 == 0 && place % 16 == 0) {
    for (uint32_t h = 0; h < kHeld; ++h)
      load8<early>(place, h * kNormStep + thread_index() * 8, count, whole_, held_[h]);
  }

  // f(h, first, x): the 8 values from `first` on, those behind the end being 0; for all that the thread has. What was
  // passed may be overwritten then.
  template <class Function>
  HEARTH_DEVICE void each(Function&& f) const {
#pragma unroll
    for (uint32_t h = 0; h < kHeld; ++h)
      if (h * kNormStep < count_) f(h, h * kNormStep + thread_index() * 8, held_[h]);
    for (uint32_t begin = kHeld * kNormStep; begin < count_; begin += kNormStep) {
      float x[8];
      load8<early>(place_, begin + thread_index() * 8, count_, whole_, x);
      f(kHeld, begin + thread_index() * 8, x);
    }
  }
  // The values of a run as long as that which passes h and first to this.
  HEARTH_DEVICE void get(uint32_t h, uint32_t first, float x[8]) const {
    if (h == kHeld) {
      load8<early>(place_, first, count_, whole_, x);
    } else {
      for (uint32_t i = 0; i < 8; ++i) x[i] = held_[h][i];
    }
  }
  // What is taken from each value: their mean where they are centered, else 0.
  HEARTH_DEVICE float mean(bool centered) const {
    if (!centered) return 0;
    float sum = 0;
    each([&](uint32_t, uint32_t, const float x[8]) {
      for (uint32_t i = 0; i < 8; ++i) sum += x[i];
    });
    return block_sum<kNormThreads>(sum) / static_cast<float>(count_);
  }
  // What they are then multiplied by.
  HEARTH_DEVICE float scale(float mean, float eps) const {
    float squares = 0;
    each([&](uint32_t, uint32_t first, const float x[8]) {
      for (uint32_t i = 0; i < 8; ++i) {
        const float value = first + i < count_ ? x[i] - mean : 0.0f;
        squares = fma(value, value, squares);
      }
    });
    return 1.0f / sqrt(block_sum<kNormThreads>(squares) / static_cast<float>(count_) + eps);
  }

 private:
  static constexpr uint32_t kHeld = 2;

  const Address place_;
  const uint32_t count_;
  const bool whole_;
  float held_[kHeld][8];
};

// y[i] = (x[i] - mean) * scale * gain[i], with the others where there are some (whose address is not 0).
struct NormLine {
  float mean, scale;
  Address bias, add;
  uint32_t count;

  HEARTH_DEVICE void apply(const Run<true>& gain, uint32_t h, uint32_t first, const float x[8], float y[8]) const {
    float other[8];
    gain.get(h, first, other);
    for (uint32_t i = 0; i < 8; ++i) y[i] = (x[i] - mean) * scale * other[i];
    for (const Address more : {bias, add}) {
      if (more == 0) continue;
      load8(more, first, count, count % 8 == 0 && more % 16 == 0, other);
      for (uint32_t i = 0; i < 8; ++i) y[i] += other[i];
    }
  }
};

}  // namespace hearth::cuda
