// Random weight blocks of any format, of moderate size.
#pragma once

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "quant/blocks.h"
#include "quant/half.h"

namespace hearth {

// `values` values whose blocks have random bytes and scales such that the values have a root mean square near `size`.
inline std::vector<std::byte> random_blocks(Format format, size_t values, std::mt19937& random, float size) {
  const FormatInfo& info = format_info(format);
  std::vector<std::byte> bytes(values / info.block_size * info.block_bytes);
  std::normal_distribution<float> normal(0, size);
  with_block(format, [&]<class Block>() {
    for (size_t at = 0; at < bytes.size(); at += sizeof(Block)) {
      Block block;
      if constexpr (requires(const float* x) { block.encode(x); }) {
        float values_of_block[Block::kSize];
        for (float& value : values_of_block) value = normal(random);
        block.encode(values_of_block);
      } else {
        auto* raw = reinterpret_cast<uint8_t*>(&block);
        for (size_t i = 0; i < sizeof block; ++i) raw[i] = static_cast<uint8_t>(random());
        if constexpr (IsCoded<Block>) {
          block.set_scale(1);
        } else if constexpr (requires { block.e; }) {
          block.e = 128;
        } else {
          block.d = f32_to_f16(1);
        }
        if constexpr (requires { block.m; }) block.m = f32_to_f16(1);
        float decoded[Block::kSize];
        block.decode(decoded);
        float squares = 1e-9f;
        for (const float value : decoded) squares += value * value;
        const float factor = size / std::sqrt(squares / Block::kSize);
        if constexpr (IsCoded<Block>) {
          block.set_scale(factor);
        } else if constexpr (requires { block.e; }) {
          block.e = static_cast<uint8_t>(128 + std::lround(std::log2(factor)));
        } else {
          block.d = f32_to_f16(random() % 2 == 0 ? factor : -factor);
        }
        if constexpr (requires { block.m; }) block.m = f32_to_f16(factor);
      }
      std::memcpy(bytes.data() + at, &block, sizeof block);
    }
  });
  return bytes;
}

}  // namespace hearth
