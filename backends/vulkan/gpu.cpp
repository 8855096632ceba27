// Starting a device, making its pipelines.
#include "backends/vulkan/gpu.h"

#include <algorithm>
#include <cstring>

#include "backends/backend.h"
#include "backends/vulkan/features.h"
#include "kernels/vulkan/shaders.h"

namespace hearth::vulkan {

Gpu::Gpu(std::string_view which, MessageSink sink) : instance_(std::move(sink)), about_(instance_.choose(which)) {
  const Functions& vk = functions();
  vk.vkGetPhysicalDeviceMemoryProperties(about_.handle, &memory_);
  Features features;
  features.require_all();
  if (about_.subgroup_sizes.most != 0) features.require_subgroup_sizes(about_.full_subgroups);
  if (about_.matrix_threads != 0) features.require_matrices();
  const float priority = 1;
  VkDeviceQueueCreateInfo queue{
      VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, nullptr, 0, about_.queue_family, 1, &priority};
  VkDeviceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  info.pNext = &features.base;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  if (about_.matrix_threads != 0) {
    info.enabledExtensionCount = 1;
    info.ppEnabledExtensionNames = &kMatrixExtension;
  }
  check(vk.vkCreateDevice(about_.handle, &info, nullptr, &device_), ("starting " + about_.name).c_str());
  try {
    vk.vkGetDeviceQueue(device_, about_.queue_family, 0, &queue_);
    const VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0, kPushBytes};
    VkPipelineLayoutCreateInfo layout{};
    layout.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO;
    layout.pushConstantRangeCount = 1;
    layout.pPushConstantRanges = &range;
    check(vk.vkCreatePipelineLayout(device_, &layout, nullptr, &layout_), "preparing pipelines");
    VkPipelineCacheCreateInfo cache{};
    cache.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO;
    check(vk.vkCreatePipelineCache(device_, &cache, nullptr, &cache_), "preparing pipelines");
    staging_ = Buffer(*this, kStagingBytes, Place::download, "copies to and from the device");
  } catch (...) {
    destroy();
    throw;
  }
}

Gpu::~Gpu() {
  staging_ = Buffer();
  destroy();
}

void Gpu::destroy() {
  const Functions& vk = functions();
  vk.vkDeviceWaitIdle(device_);
  for (const auto& [name, pipeline] : pipelines_) vk.vkDestroyPipeline(device_, pipeline, nullptr);
  vk.vkDestroyPipelineCache(device_, cache_, nullptr);
  vk.vkDestroyPipelineLayout(device_, layout_, nullptr);
  vk.vkDestroyDevice(device_, nullptr);
}

VkPipeline Gpu::pipeline(std::string_view shader, std::span<const uint32_t> constants) {
  std::string key(shader);
  for (const uint32_t one : constants) key += " " + std::to_string(one);
  const std::lock_guard lock(pipelines_mutex_);
  VkPipeline& result = pipelines_[key];
  if (result != nullptr) return result;
  const Shader* found = find_shader(shader);
  const auto replaced = replaced_.find(std::string(shader));
  if (found == nullptr && replaced == replaced_.end())
    throw DeviceError("vulkan: there is no shader " + std::string(shader));
  const Functions& vk = functions();
  const std::span<const uint32_t> source = replaced == replaced_.end() ? found->code : replaced->second;
  std::vector<uint32_t> words(source.begin(), source.end());
  if (about_.keeps_not_finite) words = keeping_not_finite(words);
  VkShaderModuleCreateInfo code{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, nullptr, 0,
                                words.size() * sizeof(uint32_t), words.data()};
  VkShaderModule module = nullptr;
  check(vk.vkCreateShaderModule(device_, &code, nullptr, &module), ("taking the shader " + key).c_str());
  std::vector<VkSpecializationMapEntry> entries;
  for (uint32_t i = 0; i < constants.size(); ++i) entries.push_back({i, i * 4, 4});
  const VkSpecializationInfo values{static_cast<uint32_t>(entries.size()), entries.data(), constants.size_bytes(),
                                    constants.data()};
  VkComputePipelineCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO;
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &values;
  info.layout = layout_;
  if (is_divisible(shader)) info.flags = VK_PIPELINE_CREATE_DISPATCH_BASE_BIT;
  // Drivers choose the size of subgroups for each pipeline, and with it the order of a sum, which must not depend on
  // the constants.
  const ShaderFacts facts = facts_of(source, constants);
  const uint32_t size = facts.multiplies ? facts.threads / gpu::kMatrixUnits
                        : facts.reduces  ? subgroup_size_for(facts.threads, about_.subgroup_sizes)
                                         : 0;
  VkPipelineShaderStageRequiredSubgroupSizeCreateInfo sized{};
  sized.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO;
  sized.requiredSubgroupSize = size;
  if (size != 0 && facts.threads / size <= about_.most_subgroups) {
    info.stage.pNext = &sized;
    if (about_.full_subgroups) info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
  }
  const VkResult made = vk.vkCreateComputePipelines(device_, cache_, 1, &info, nullptr, &result);
  vk.vkDestroyShaderModule(device_, module, nullptr);
  check(made, ("compiling the shader " + key).c_str());
  origins_[result] = {std::string(shader), {constants.begin(), constants.end()}};
  return result;
}

Gpu::GroupWork Gpu::work_of_group(VkPipeline pipeline, std::span<const std::byte> push) {
  const std::lock_guard lock(pipelines_mutex_);
  const Origin& origin = origins_.at(pipeline);
  return {vulkan::work_of_group(origin.shader, origin.constants, push), is_divisible(origin.shader)};
}

void Gpu::require_present() const {
  if (lost_) check(VK_ERROR_DEVICE_LOST, about_.name.c_str());
}

void Gpu::submit(std::span<const VkCommandBuffer> work, VkFence done) {
  const std::lock_guard lock(queue_mutex_);
  require_present();
  VkSubmitInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  info.commandBufferCount = static_cast<uint32_t>(work.size());
  info.pCommandBuffers = work.data();
  if (done != nullptr) check(functions().vkResetFences(device_, 1, &done), about_.name.c_str());
  const VkResult result = functions().vkQueueSubmit(queue_, 1, &info, done);
  if (result == VK_ERROR_DEVICE_LOST) lost_ = true;
  check(result, about_.name.c_str());
}

void Gpu::wait(VkFence done) {
  const VkResult result = functions().vkWaitForFences(device_, 1, &done, VK_TRUE, UINT64_MAX);
  if (result == VK_ERROR_DEVICE_LOST) lost_ = true;
  require_present();
  check(result, about_.name.c_str());
}

void Gpu::wait_until_idle() noexcept {
  const std::lock_guard lock(queue_mutex_);
  functions().vkDeviceWaitIdle(device_);
}

void Gpu::fill(const Buffer& to, uint64_t offset, uint64_t bytes, uint64_t unit,
               const std::function<void(uint64_t, std::span<std::byte>)>& make) {
  const std::lock_guard lock(staging_mutex_);
  const uint64_t step = kStagingBytes / unit * unit;
  for (uint64_t at = 0; at < bytes; at += step) {
    const uint64_t count = std::min(step, bytes - at);
    make(at, staging_.bytes().first(count));
    run_once([&](Commands& commands) { commands.copy(staging_, 0, to, offset + at, count); });
  }
}

void Gpu::upload(const Buffer& to, uint64_t offset, std::span<const std::byte> bytes) {
  fill(to, offset, bytes.size(), 1,
       [&](uint64_t at, std::span<std::byte> piece) { std::memcpy(piece.data(), bytes.data() + at, piece.size()); });
}

void Gpu::download(const Buffer& from, uint64_t offset, std::span<std::byte> bytes) {
  const std::lock_guard lock(staging_mutex_);
  for (size_t at = 0; at < bytes.size(); at += kStagingBytes) {
    const size_t count = std::min<size_t>(kStagingBytes, bytes.size() - at);
    run_once([&](Commands& commands) { commands.copy(from, offset + at, staging_, 0, count); });
    std::memcpy(bytes.data() + at, staging_.mapped(), count);
  }
}

}  // namespace hearth::vulkan
