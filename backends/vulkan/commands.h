// Work for a device, recorded to be run once or many times.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backends/vulkan/buffer.h"
#include "kernels/gpu/parameters.h"

namespace hearth::vulkan {

inline constexpr uint32_t kPushBytes = gpu::kArgsBytes;

// How many workgroups there are.
struct Grid {
  uint32_t x, y = 1, z = 1;
};

// The Gpu, and the buffers that are named, must outlive it. Work recorded after other work may run beside it unless a
// barrier lies between. Much work is cut into several submissions, in order: see Gpu::limit_submissions().
class Commands {
 public:
  explicit Commands(Gpu& gpu);
  ~Commands();
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  // Asked before anything is recorded: has the times of up to `most` dispatches taken. Throws DeviceError where the
  // queue has no clock.
  void time_dispatches(size_t most);
  // Throws DeviceError where the device runs no such grid.
  template <class Push>
  void dispatch(VkPipeline pipeline, const Push& push, Grid grid) {
    static_assert(sizeof(Push) <= kPushBytes && sizeof(Push) % 4 == 0);
    dispatch(pipeline, std::as_bytes(std::span(&push, 1)), grid);
  }
  void dispatch(VkPipeline pipeline, std::span<const std::byte> push, Grid grid);
  void copy(const Buffer& from, uint64_t from_offset, const Buffer& to, uint64_t to_offset, uint64_t bytes);
  void zero(const Buffer& buffer);  // whose size is a multiple of 4
  // What follows sees all that was written before it.
  void barrier();
  // Ends recording; what was written is then seen by the host, too.
  void end();

  size_t submissions() const { return buffers_.size(); }
  void run();    // and waits
  void start();  // has it run; wait() must follow before the next
  void wait();
  // Of those that were waited for last, when each dispatch began and when it ended, in seconds since the first began.
  std::vector<double> times() const;

 private:
  void begin_buffer();
  void take_time();               // where times are taken
  void make_room(uint64_t work);  // by another buffer, where this one has too much already
  // What follows, and these stages besides, see all that was written before, by their access besides.
  void wait_for_writes(VkPipelineStageFlags more_stages, VkAccessFlags more_access);

  Gpu& gpu_;
  VkCommandPool pool_ = nullptr;
  std::vector<VkCommandBuffer> buffers_;  // one for each submission; the last is being recorded
  uint64_t work_ = 0;                     // in the last
  VkFence done_ = nullptr;
  VkQueryPool clock_ = nullptr;  // the times before and after each dispatch
  uint32_t times_ = 0;           // that are taken
};

}  // namespace hearth::vulkan
