// How workgroups of byte_columns/FORMAT divide their work (kernels/gpu/parameters.h).
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth::gpu {

inline constexpr uint32_t kColumnsLeast = 3;   // for which it is faster than byte_matmul
inline constexpr uint32_t kColumnsMost = 64;   // of one workgroup
inline constexpr uint32_t kTallRows = 16384;   // of all matrices, from which on workgroups had better be large
inline constexpr uint32_t kColumnsStages = 2;  // of the depth, of inputs in shared memory

struct ColumnsShape {
  uint32_t columns;
  uint32_t tiles;        // of 16 rows, of a warp
  uint32_t row_warps;    // below one another
  uint32_t depth_warps;  // that share the depth, each every so many chunks of 256 values

  constexpr uint32_t threads() const { return 32 * row_warps * depth_warps; }
  constexpr uint32_t rows() const { return 16 * tiles * row_warps; }  // of both weights, if there are two
  // That one launches with, at least what any format needs: inputs with their scales and sums, or what they become.
  constexpr uint32_t shared_bytes() const {
    const uint32_t inputs = kColumnsStages * columns * (depth_warps * (256 + 32 + 64) + 32);
    const uint32_t made = depth_warps * columns * (rows() + 4) * 4;
    return inputs > made ? inputs : made;
  }
};
// What every device that has the kernel lets a workgroup share: 99 KiB, of which some is its own.
inline constexpr uint32_t kColumnsMostShared = 98 << 10;

// Whether weights take many registers.
constexpr bool is_wide(std::string_view format) { return format == "Q6_K"; }
// For `columns`, 8, 16, 32 or 64, as measured on an H200: short matrices want many warps that share the depth, tall
// ones many rows for each input that is fetched. `wide`: of a format that is_wide().
constexpr ColumnsShape columns_shape(uint32_t columns, bool tall, bool wide) {
  if (columns == 8) return tall ? ColumnsShape{8, 2, 2, 4} : ColumnsShape{8, 2, 1, 8};
  if (columns == 16) return {16, 2, 1, 8};
  if (columns == 32 && !tall) return {32, 1, 2, 4};
  if (columns == 32) return wide ? ColumnsShape{32, 1, 4, 2} : ColumnsShape{32, 2, 2, 4};
  return wide ? ColumnsShape{64, 1, 4, 2} : ColumnsShape{64, 2, 4, 2};
}

}  // namespace hearth::gpu
