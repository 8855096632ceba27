// Small runs of shaders, whose results are compared with plain arithmetic.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "backends/vulkan/gpu.h"

namespace hearth::vulkan {

// Each trial says whether the device computed what it should; they throw DeviceError where it could not compute at all.
// The Gpu must outlive this.
class Trials {
 public:
  explicit Trials(Gpu& gpu);

  // product_trials.cpp; columns: of matmul 1, 4 or 8. Formats that nothing encodes are taken to be right.
  bool product(Format format, uint32_t columns);
  bool product_in_tiles(Format format);
  bool product_of_bytes(Format format);
  bool embedding(Format format);
  // row_trials.cpp
  bool norm(bool centered);
  bool attention(KvType cache, uint32_t head_size, uint32_t value_size);
  bool route();
  bool candidates();  // candidate_trials.cpp

 private:
  bool multiplies(Format format, const std::string& shader, std::vector<uint32_t> constants, uint32_t columns,
                  bool rounds);
  template <class T>
  Buffer put(const std::vector<T>& values);
  std::vector<float> floats_of(const Buffer& buffer);
  template <class Push>
  void run(std::string_view shader, std::span<const uint32_t> constants, const Push& push, Grid grid);

  Gpu& gpu_;
  Buffer tables_;  // DecodeTables
};

template <class T>
Buffer Trials::put(const std::vector<T>& values) {
  Buffer buffer(gpu_, values.size() * sizeof(T), Place::device, "checking the device");
  gpu_.upload(buffer, 0, std::as_bytes(std::span(values)));
  return buffer;
}

template <class Push>
void Trials::run(std::string_view shader, std::span<const uint32_t> constants, const Push& push, Grid grid) {
  const VkPipeline pipeline = gpu_.pipeline(shader, constants);
  gpu_.run_once([&](Commands& commands) { commands.dispatch(pipeline, push, grid); });
}

// Values between -1 and 1 that look random, and whole numbers from -127 to 127, of which every 32nd is 127: blocks of 8
// bits hold those exactly.
std::vector<float> uneven_values(size_t count, uint32_t seed);
std::vector<float> whole_values(size_t count, uint32_t seed);
// Whether each value is there and off by no more than the bound that goes with it.
bool are_near(std::span<const float> found, std::span<const double> expected, std::span<const double> bounds);

}  // namespace hearth::vulkan
