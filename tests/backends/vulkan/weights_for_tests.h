// Weights on the device, as the shaders that know formats are given them in tests.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "quant/decode_tables.h"
#include "quant/planes.h"
#include "tests/backends/vulkan/gpu_for_tests.h"
#include "tests/kernels/random_blocks.h"

namespace hearth::vulkan {

// A matrix of random blocks.
struct TestWeight {
  Format format;
  uint32_t rows, width;
  std::vector<float> values;  // [rows x width]
  std::vector<std::byte> planes;

  TestWeight(Format of, uint32_t height, uint32_t across, uint32_t seed, float size = 1)
      : format(of), rows(height), width(across), values(size_t{height} * across) {
    const FormatInfo& info = format_info(format);
    std::mt19937 random(seed);
    const auto blocks = random_blocks(format, values.size(), random, size);
    info.decode(blocks.data(), values.data(), values.size());
    const uint64_t count = values.size() / info.block_size;
    const Planes layout = planes_of(format, count);
    planes.resize(layout.bytes);
    for (uint32_t p = 0; p < layout.count; ++p)
      fill_plane(format, blocks.data(), count, p, planes.data() + layout.begin[p]);
  }
};

class WithWeights : public WithGpu {
 protected:
  static const Buffer& tables() {
    static const Buffer* buffer = new Buffer(buffer_of(std::vector<DecodeTables>{decode_tables()}));
    return *buffer;
  }
  static std::vector<float> normal_values(size_t count, uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, 1);
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    return values;
  }
};

inline std::string format_name(const testing::TestParamInfo<FormatInfo>& info) { return info.param.name; }

}  // namespace hearth::vulkan
