// Estimating work by the names of shaders.
#include "backends/vulkan/work.h"

#include <algorithm>
#include <cstring>

#include "kernels/gpu/row_parameters.h"

namespace hearth::vulkan {
namespace {

constexpr uint64_t kTileSize = 64 * 32, kMatrixTileSize = uint64_t{gpu::kMatrixTile} * gpu::kMatrixTile;
// What is not known when work is recorded: how far back rows see, and how long a sequence's part of a batch is.
constexpr uint64_t kUsualPositions = 16384, kUsualRows = 512;
constexpr uint64_t kSmall = 1 << 14;  // of shaders without matrices

template <class Push>
Push read_as(std::span<const std::byte> push) {
  Push result{};
  std::memcpy(&result, push.data(), std::min(sizeof result, push.size()));
  return result;
}

bool is_product_in_tiles(std::string_view shader) {
  return shader.starts_with("matmul_tiles/") || shader.starts_with("byte_tiles/") ||
         shader.starts_with("matrix_tiles/");
}

}  // namespace

bool is_divisible(std::string_view shader) { return shader == "attend" || is_product_in_tiles(shader); }

uint64_t work_of_group(std::string_view shader, std::span<const uint32_t> constants, std::span<const std::byte> push) {
  const auto constant = [&](size_t i) { return uint64_t{i < constants.size() ? constants[i] : 1}; };
  const bool tiles = is_product_in_tiles(shader);
  if (tiles || shader.starts_with("matmul/") || shader.starts_with("byte_matmul/")) {
    const auto product = read_as<gpu::MatmulParameters>(push);
    const uint64_t weights = product.weight_up != 0 ? 2 : 1;
    // With few columns it is reading the weight that takes time.
    const uint64_t of_tile = shader.starts_with("matrix_tiles/") ? kMatrixTileSize : kTileSize;
    return weights * product.width * (tiles ? of_tile : std::max<uint64_t>(4, constant(0)) * constant(1));
  }
  if (shader == "attend") {
    const auto attend = read_as<gpu::AttendParameters>(push);
    const uint64_t positions = attend.parts == 0 ? kUsualPositions : gpu::part_size(kUsualPositions);
    return positions * constant(1) * (uint64_t{attend.head_size} + attend.value_size);
  }
  if (shader == "delta_rule") return kUsualRows * 3 * 64 * constant(0);
  if (shader == "convolve") return kUsualRows * 64 * (constant(0) + 1);
  if (shader == "candidates") return 32 * uint64_t{gpu::kCandidateChunk};  // logits are counted for each of their bits
  return kSmall;
}

}  // namespace hearth::vulkan
