// Taking memory.
#include "backends/vulkan/buffer.h"

#include <string>
#include <utility>

#include "backends/backend.h"
#include "backends/vulkan/gpu.h"

namespace hearth::vulkan {
namespace {

std::string size_in_words(uint64_t bytes) {
  if (bytes < 1 << 20) return std::to_string(bytes) + " bytes";
  return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

}  // namespace

Buffer::Buffer(const Gpu& gpu, uint64_t bytes, Place place, const char* what) {
  if (bytes == 0) return;
  const auto fail = [&](const std::string& why) {
    release();
    throw DeviceError("vulkan: no memory for " + std::string(what) + ", " + size_in_words(bytes) + ": " + why);
  };
  const Candidate& about = gpu.about();
  if (bytes > about.largest_buffer)
    fail(about.name + " makes no buffer of more than " + size_in_words(about.largest_buffer));
  if (place == Place::device && bytes > about.memory)
    fail(about.name + " has " + size_in_words(about.memory) + " in all");
  gpu_ = &gpu;
  size_ = bytes;
  const Functions& vk = gpu.functions();
  VkBufferCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  info.size = bytes;
  info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT |
               VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  try {
    check(vk.vkCreateBuffer(gpu.handle(), &info, nullptr, &buffer_), "making a buffer");
    VkMemoryRequirements needs{};
    vk.vkGetBufferMemoryRequirements(gpu.handle(), buffer_, &needs);
    VkMemoryAllocateFlagsInfo flags{};
    flags.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO;
    flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
    VkMemoryAllocateInfo memory{};
    memory.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
    memory.pNext = &flags;
    memory.allocationSize = needs.size;
    memory.memoryTypeIndex = choose_memory_type(place, gpu.memory(), about.heap, needs.memoryTypeBits);
    check(vk.vkAllocateMemory(gpu.handle(), &memory, nullptr, &memory_), "taking memory");
    check(vk.vkBindBufferMemory(gpu.handle(), buffer_, memory_, 0), "using memory");
    if (place != Place::device) {
      void* mapped = nullptr;
      check(vk.vkMapMemory(gpu.handle(), memory_, 0, VK_WHOLE_SIZE, 0, &mapped), "reaching memory");
      mapped_ = static_cast<std::byte*>(mapped);
    }
  } catch (const DeviceError& error) {
    fail(error.what());
  }
  VkBufferDeviceAddressInfo of{VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, nullptr, buffer_};
  address_ = vk.vkGetBufferDeviceAddress(gpu.handle(), &of);
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this == &other) return *this;
  release();
  gpu_ = std::exchange(other.gpu_, nullptr);
  buffer_ = std::exchange(other.buffer_, nullptr);
  memory_ = std::exchange(other.memory_, nullptr);
  size_ = std::exchange(other.size_, 0);
  address_ = std::exchange(other.address_, 0);
  mapped_ = std::exchange(other.mapped_, nullptr);
  return *this;
}

void Buffer::release() {
  if (gpu_ == nullptr) return;
  const Functions& vk = gpu_->functions();
  vk.vkDestroyBuffer(gpu_->handle(), buffer_, nullptr);
  vk.vkFreeMemory(gpu_->handle(), memory_, nullptr);
  gpu_ = nullptr;
  buffer_ = nullptr;
  memory_ = nullptr;
}

}  // namespace hearth::vulkan
