// Memory of a device, or of the machine where the device reaches it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "backends/vulkan/functions.h"
#include "backends/vulkan/memory.h"

namespace hearth::vulkan {

class Gpu;

// Owns its memory; the Gpu must outlive it. Moves; an empty one has no size.
class Buffer {
 public:
  Buffer() = default;
  // Throws DeviceError naming `what` where memory is short. The content is undefined.
  Buffer(const Gpu& gpu, uint64_t bytes, Place place, const char* what);
  ~Buffer() { release(); }
  Buffer(Buffer&& other) noexcept { *this = static_cast<Buffer&&>(other); }
  Buffer& operator=(Buffer&& other) noexcept;

  uint64_t size() const { return size_; }
  VkBuffer handle() const { return buffer_; }
  uint64_t address() const { return address_; }  // as kernels see it, a multiple of 256; 0 without a size
  std::byte* mapped() const { return mapped_; }  // null where it is the device's
  std::span<std::byte> bytes() const { return {mapped_, size_}; }

 private:
  void release();

  const Gpu* gpu_ = nullptr;
  VkBuffer buffer_ = nullptr;
  VkDeviceMemory memory_ = nullptr;
  uint64_t size_ = 0, address_ = 0;
  std::byte* mapped_ = nullptr;
};

}  // namespace hearth::vulkan
