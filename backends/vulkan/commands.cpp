// Recording.
#include "backends/vulkan/commands.h"

#include <algorithm>
#include <string>

#include "backends/backend.h"
#include "backends/vulkan/gpu.h"

namespace hearth::vulkan {
namespace {

std::string in_words(uint32_t x, uint32_t y, uint32_t z) {
  return std::to_string(x) + " x " + std::to_string(y) + " x " + std::to_string(z);
}

}  // namespace

Commands::Commands(Gpu& gpu) : gpu_(gpu) {
  const Functions& vk = gpu_.functions();
  VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, nullptr, 0, gpu_.about().queue_family};
  check(vk.vkCreateCommandPool(gpu_.handle(), &pool, nullptr, &pool_), "preparing work");
  try {
    VkFenceCreateInfo fence{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr, 0};
    check(vk.vkCreateFence(gpu_.handle(), &fence, nullptr, &done_), "preparing work");
    begin_buffer();
  } catch (...) {
    vk.vkDestroyFence(gpu_.handle(), done_, nullptr);
    vk.vkDestroyCommandPool(gpu_.handle(), pool_, nullptr);
    throw;
  }
}

Commands::~Commands() {
  const Functions& vk = gpu_.functions();
  vk.vkDestroyQueryPool(gpu_.handle(), clock_, nullptr);
  vk.vkDestroyFence(gpu_.handle(), done_, nullptr);
  vk.vkDestroyCommandPool(gpu_.handle(), pool_, nullptr);
}

void Commands::begin_buffer() {
  const Functions& vk = gpu_.functions();
  VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, nullptr, pool_,
                                   VK_COMMAND_BUFFER_LEVEL_PRIMARY, 1};
  VkCommandBuffer buffer = nullptr;
  check(vk.vkAllocateCommandBuffers(gpu_.handle(), &info, &buffer), "preparing work");
  buffers_.push_back(buffer);
  work_ = 0;
  VkCommandBufferBeginInfo begin{};
  begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  check(vk.vkBeginCommandBuffer(buffer, &begin), "recording work");
}

void Commands::time_dispatches(size_t most) {
  if (gpu_.about().timestamp_bits == 0)
    throw DeviceError("vulkan: the queue of " + gpu_.about().name + " has no clock, so that work cannot be timed");
  VkQueryPoolCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO;
  info.queryType = VK_QUERY_TYPE_TIMESTAMP;
  info.queryCount = static_cast<uint32_t>(std::max<size_t>(1, 2 * most));
  check(gpu_.functions().vkCreateQueryPool(gpu_.handle(), &info, nullptr, &clock_), "preparing work");
  gpu_.functions().vkCmdResetQueryPool(buffers_.back(), clock_, 0, info.queryCount);
}

void Commands::take_time() {
  if (clock_ != nullptr)
    gpu_.functions().vkCmdWriteTimestamp(buffers_.back(), VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, clock_, times_++);
}

std::vector<double> Commands::times() const {
  std::vector<uint64_t> ticks(times_);
  std::vector<double> seconds;
  if (times_ == 0) return seconds;
  const VkResult result =
      gpu_.functions().vkGetQueryPoolResults(gpu_.handle(), clock_, 0, times_, ticks.size() * sizeof(uint64_t),
                                             ticks.data(), sizeof(uint64_t), VK_QUERY_RESULT_64_BIT);
  check(result, "timing work");
  if (result == VK_NOT_READY) throw DeviceError("vulkan: " + gpu_.about().name + " did not time its work");
  const uint64_t valid = UINT64_MAX >> (64 - gpu_.about().timestamp_bits);
  for (const uint64_t tick : ticks)
    seconds.push_back(static_cast<double>((tick - ticks.front()) & valid) * gpu_.about().limits.timestampPeriod / 1e9);
  return seconds;
}

void Commands::dispatch(VkPipeline pipeline, std::span<const std::byte> push, Grid grid) {
  const uint32_t* limits = gpu_.about().limits.maxComputeWorkGroupCount;
  if (grid.x > limits[0] || grid.y > limits[1] || grid.z > limits[2])
    throw DeviceError("vulkan: a step of " + in_words(grid.x, grid.y, grid.z) + " workgroups, but " +
                      gpu_.about().name + " runs at most " + in_words(limits[0], limits[1], limits[2]) + " at once");
  const Functions& vk = gpu_.functions();
  const auto [work_of_group, divisible] = gpu_.work_of_group(pipeline, push);
  const uint64_t work_of_row = uint64_t{grid.x} * grid.z * work_of_group;
  const uint64_t rows_at_once = kSubmissionsOfStep * gpu_.work_of_submission() / std::max<uint64_t>(1, work_of_row);
  const auto most =
      static_cast<uint32_t>(divisible ? std::max<uint64_t>(1, std::min<uint64_t>(rows_at_once, grid.y)) : grid.y);
  take_time();
  for (uint32_t y = 0; y < grid.y; y += most) {
    const uint32_t count = std::min(most, grid.y - y);
    make_room(count * work_of_row);
    vk.vkCmdBindPipeline(buffers_.back(), VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    vk.vkCmdPushConstants(buffers_.back(), gpu_.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                          static_cast<uint32_t>(push.size()), push.data());
    if (count == grid.y)
      vk.vkCmdDispatch(buffers_.back(), grid.x, grid.y, grid.z);
    else
      vk.vkCmdDispatchBase(buffers_.back(), 0, y, 0, grid.x, count, grid.z);
  }
  take_time();
}

void Commands::make_room(uint64_t work) {
  if (work_ > 0 && work_ + work > gpu_.work_of_submission()) {
    // Barriers in the next buffer wait for what is in this one, too.
    check(gpu_.functions().vkEndCommandBuffer(buffers_.back()), "recording work");
    begin_buffer();
  }
  work_ += work;
}

void Commands::copy(const Buffer& from, uint64_t from_offset, const Buffer& to, uint64_t to_offset, uint64_t bytes) {
  const VkBufferCopy region{from_offset, to_offset, bytes};
  if (bytes > 0) gpu_.functions().vkCmdCopyBuffer(buffers_.back(), from.handle(), to.handle(), 1, &region);
}

void Commands::zero(const Buffer& buffer) {
  if (buffer.size() > 0) gpu_.functions().vkCmdFillBuffer(buffers_.back(), buffer.handle(), 0, VK_WHOLE_SIZE, 0);
}

void Commands::barrier() { wait_for_writes(0, 0); }

void Commands::wait_for_writes(VkPipelineStageFlags more_stages, VkAccessFlags more_access) {
  constexpr VkPipelineStageFlags kStages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
  VkMemoryBarrier memory{};
  memory.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  memory.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  memory.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                         VK_ACCESS_TRANSFER_WRITE_BIT | more_access;
  gpu_.functions().vkCmdPipelineBarrier(buffers_.back(), kStages, kStages | more_stages, 0, 1, &memory, 0, nullptr, 0,
                                        nullptr);
}

void Commands::end() {
  wait_for_writes(VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  check(gpu_.functions().vkEndCommandBuffer(buffers_.back()), "recording work");
}

void Commands::start() {
  try {
    for (size_t i = 0; i < buffers_.size(); ++i)
      gpu_.submit({&buffers_[i], 1}, i + 1 == buffers_.size() ? done_ : nullptr);
  } catch (...) {
    gpu_.wait_until_idle();  // for the part that runs
    throw;
  }
}

void Commands::wait() { gpu_.wait(done_); }

void Commands::run() {
  start();
  wait();
}

}  // namespace hearth::vulkan
