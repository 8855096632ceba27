// Recording.
#include "backends/vulkan/commands.h"

#include "backends/backend.h"
#include "backends/vulkan/gpu.h"

namespace hearth::vulkan {

Commands::Commands(Gpu& gpu) : gpu_(gpu) {
  const Functions& vk = gpu_.functions();
  VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, nullptr, 0, gpu_.about().queue_family};
  check(vk.vkCreateCommandPool(gpu_.handle(), &pool, nullptr, &pool_), "preparing work");
  try {
    VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, nullptr, pool_,
                                     VK_COMMAND_BUFFER_LEVEL_PRIMARY, 1};
    check(vk.vkAllocateCommandBuffers(gpu_.handle(), &info, &buffer_), "preparing work");
    VkFenceCreateInfo fence{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr, 0};
    check(vk.vkCreateFence(gpu_.handle(), &fence, nullptr, &done_), "preparing work");
    VkCommandBufferBeginInfo begin{};
    begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
    check(vk.vkBeginCommandBuffer(buffer_, &begin), "recording work");
  } catch (...) {
    vk.vkDestroyFence(gpu_.handle(), done_, nullptr);
    vk.vkDestroyCommandPool(gpu_.handle(), pool_, nullptr);
    throw;
  }
}

Commands::~Commands() {
  const Functions& vk = gpu_.functions();
  vk.vkDestroyFence(gpu_.handle(), done_, nullptr);
  vk.vkDestroyCommandPool(gpu_.handle(), pool_, nullptr);
}

void Commands::dispatch(VkPipeline pipeline, std::span<const std::byte> push, Grid grid) {
  const uint32_t* most = gpu_.about().limits.maxComputeWorkGroupCount;
  if (grid.x > most[0] || grid.y > most[1] || grid.z > most[2])
    throw DeviceError("vulkan: " + gpu_.about().name + " runs too few workgroups at once for a matrix of this size");
  const Functions& vk = gpu_.functions();
  vk.vkCmdBindPipeline(buffer_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  vk.vkCmdPushConstants(buffer_, gpu_.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0, static_cast<uint32_t>(push.size()),
                        push.data());
  vk.vkCmdDispatch(buffer_, grid.x, grid.y, grid.z);
}

void Commands::copy(const Buffer& from, uint64_t from_offset, const Buffer& to, uint64_t to_offset, uint64_t bytes) {
  const VkBufferCopy region{from_offset, to_offset, bytes};
  if (bytes > 0) gpu_.functions().vkCmdCopyBuffer(buffer_, from.handle(), to.handle(), 1, &region);
}

void Commands::zero(const Buffer& buffer) {
  if (buffer.size() > 0) gpu_.functions().vkCmdFillBuffer(buffer_, buffer.handle(), 0, VK_WHOLE_SIZE, 0);
}

void Commands::barrier() { wait_for_writes(0, 0); }

void Commands::wait_for_writes(VkPipelineStageFlags more_stages, VkAccessFlags more_access) {
  constexpr VkPipelineStageFlags kStages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
  VkMemoryBarrier memory{};
  memory.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  memory.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  memory.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                         VK_ACCESS_TRANSFER_WRITE_BIT | more_access;
  gpu_.functions().vkCmdPipelineBarrier(buffer_, kStages, kStages | more_stages, 0, 1, &memory, 0, nullptr, 0, nullptr);
}

void Commands::end() {
  wait_for_writes(VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  check(gpu_.functions().vkEndCommandBuffer(buffer_), "recording work");
}

void Commands::start() { gpu_.submit({&buffer_, 1}, done_); }

void Commands::start_after(const Commands& before) {
  const VkCommandBuffer both[] = {before.buffer_, buffer_};
  gpu_.submit(both, done_);
}

void Commands::wait() { gpu_.wait(done_); }

void Commands::run() {
  start();
  wait();
}

}  // namespace hearth::vulkan
