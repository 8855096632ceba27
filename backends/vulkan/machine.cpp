// Memory and recorded work of Vulkan for plans.
#include "backends/vulkan/machine.h"

#include <utility>

namespace hearth::vulkan {
namespace {

vulkan::Place place_of(gpu::Place place) {
  switch (place) {
    case gpu::Place::device:
      return vulkan::Place::device;
    case gpu::Place::upload:
      return vulkan::Place::upload;
    case gpu::Place::download:
      break;
  }
  return vulkan::Place::download;
}

struct VulkanMemory final : gpu::Memory {
  explicit VulkanMemory(Buffer made)
      : gpu::Memory(made.size(), made.address(), made.mapped()), buffer(std::move(made)) {}
  const Buffer buffer;
};

const Buffer& buffer_of(const gpu::Buffer& buffer) { return static_cast<const VulkanMemory&>(buffer.memory()).buffer; }

class VulkanWork final : public gpu::Work {
 public:
  explicit VulkanWork(Gpu& gpu) : gpu_(gpu), commands_(gpu) {}

  void time_launches(size_t most) override { commands_.time_dispatches(most); }
  void launch(const gpu::Launch& launch) override {
    commands_.dispatch(gpu_.pipeline(launch.kernel, launch.constants), launch.args,
                       {launch.grid.x, launch.grid.y, launch.grid.z});
  }
  void copy(const gpu::Buffer& from, uint64_t from_offset, const gpu::Buffer& to, uint64_t to_offset,
            uint64_t bytes) override {
    if (bytes > 0) commands_.copy(buffer_of(from), from_offset, buffer_of(to), to_offset, bytes);
  }
  void zero(const gpu::Buffer& buffer) override {
    if (buffer.size() > 0) commands_.zero(buffer_of(buffer));
  }
  void barrier() override { commands_.barrier(); }
  void end() override { commands_.end(); }
  void start() override { commands_.start(); }
  void wait() override { commands_.wait(); }
  std::vector<gpu::Span> times() const override {
    std::vector<gpu::Span> spans;
    const std::vector<double> times = commands_.times();
    for (size_t i = 0; i < times.size(); i += 2) spans.push_back({times[i], times[i + 1]});
    return spans;
  }

 private:
  Gpu& gpu_;
  Commands commands_;
};

class VulkanMachine final : public gpu::Machine {
 public:
  explicit VulkanMachine(std::shared_ptr<Gpu> gpu)
      : gpu_(std::move(gpu)),
        about_{.backend = "vulkan",
               .name = gpu_->about().name,
               .memory = gpu_->about().memory,
               .shared_bytes = gpu_->about().limits.maxComputeSharedMemorySize,
               .rounds_few = true,
               .matrix_threads = gpu_->matrix_threads()} {}

  const About& about() const override { return about_; }
  uint64_t free_memory() const override { return gpu_->free_memory(); }
  gpu::Buffer take(uint64_t bytes, gpu::Place place, const char* what) override {
    if (bytes == 0) return {};
    return gpu::Buffer(std::make_unique<VulkanMemory>(Buffer(*gpu_, bytes, place_of(place), what)));
  }
  void prepare(std::string_view kernel, std::span<const uint32_t> constants) override {
    gpu_->pipeline(kernel, constants);
  }
  std::unique_ptr<gpu::Work> record() override { return std::make_unique<VulkanWork>(*gpu_); }
  void fill(const gpu::Buffer& to, uint64_t offset, uint64_t bytes, uint64_t unit,
            const std::function<void(uint64_t, std::span<std::byte>)>& make) override {
    if (bytes > 0) gpu_->fill(buffer_of(to), offset, bytes, unit, make);
  }
  void upload(const gpu::Buffer& to, uint64_t offset, std::span<const std::byte> bytes) override {
    if (!bytes.empty()) gpu_->upload(buffer_of(to), offset, bytes);
  }
  void download(const gpu::Buffer& from, uint64_t offset, std::span<std::byte> bytes) override {
    if (!bytes.empty()) gpu_->download(buffer_of(from), offset, bytes);
  }

 private:
  const std::shared_ptr<Gpu> gpu_;
  const About about_;
};

}  // namespace

std::shared_ptr<gpu::Machine> make_machine(std::shared_ptr<Gpu> gpu) {
  return std::make_shared<VulkanMachine>(std::move(gpu));
}

}  // namespace hearth::vulkan
