// A GPU that is lost when a test says so.
#pragma once

#include <atomic>
#include <cstdint>

namespace hearth {

// A test that is linked with losing_gpu.cpp finds this in the place of the backend "cuda": a device that computes as
// the cpu does and has memory of its own. A loss is for all plans of a device, and for good; one that is made later
// works.
struct LosingGpu {
  // Each as it is when a test begins.
  std::atomic<int64_t> uses_left{-1};   // steps and copies until it is lost, once; negative: it is not
  std::atomic<bool> waits{false};       // a loss shows while a step is waited for, not where it is started
  std::atomic<int> refuses{0};          // so many times a device cannot be made
  std::atomic<int> breaks{0};           // so many times one is lost when a program is compiled
  std::atomic<int> devices{0};          // made so far
  std::atomic<int> plans{0};            // that there are
  std::atomic<bool> overlapped{false};  // a device was made while plans of a lost one were there

  // As when a test begins; no plans are there.
  void reset();
  void lose_after(int64_t uses) { uses_left = uses; }
};
LosingGpu& losing_gpu();

}  // namespace hearth
