// group_tiles/FORMAT: bfloat_tiles/FORMAT for devices of capability 9.0 and inputs that lie as their matrix units read
// them (RoundInputsParameters). A block makes kGroupColumns columns of 64 * kGroups rows, half of them of the other
// weight where there are two. Each group of four warps decodes its own 64 rows to registers; one more warp has inputs
// copied to shared memory, kGroupStages slices ahead at most.
//
// Products take values of the width in another order than they lie in, both sides the same: slices.h.
#pragma once

#include "kernels/cuda/hardware/groups.h"
#include "kernels/cuda/matmul.h"
#include "kernels/cuda/slices.h"

namespace hearth::cuda {

using gpu::kGroupColumns;
using gpu::kGroupStages;

// With kAhead a group decodes a slice while the one before is multiplied. Four groups have no registers for that, but
// one of them decodes while others multiply.
template <uint32_t kGroups, bool kAhead = (kGroups < 4)>
struct GroupTiles {
  static constexpr uint32_t kThreads = gpu::group_threads(kGroups), kRows = kGroups * gpu::kGroupRows;
  static constexpr uint32_t kStageBytes = kGroupColumns / 8 * kGroupPiece;
  static constexpr uint32_t kSumsStride = kRows + 4;  // of a column: what a warp writes at once is in banks of its own
  static constexpr uint32_t kSumsColumns = 64;        // that are finished at once
  // Registers of a thread that multiplies, and of one that copies; together no more than at the start.
  static constexpr uint32_t kRegisters = kGroups == 2 ? 240 : kGroups == 3 ? 160 : 112, kRegistersToCopy = 24;
  static_assert(kSumsColumns * kSumsStride * 4 <= kGroupStages * kStageBytes);
  static_assert(gpu::kGroupTilesShared == kGroupStages * kStageBytes + 2 * kGroupPiece);

  struct Shares {
    Shared<uint8_t> stages;
    Shared<PhaseBarrier> full, empty;
  };

  static HEARTH_DEVICE void copy_inputs(const Product& product, const Shares& shares, uint32_t first_column,
                                        uint32_t count) {
    constexpr uint32_t kPieces = kGroupColumns / 8;
    static_assert(kPieces <= kWarp);
    const uint32_t eight = min(first_column / 8 + lane(), (count - 1) / 8);
    Address from = product.p.in + 32 * (static_cast<uint64_t>(eight) * product.p.in_stride +
                                        block_index().z * product.p.in_matrix_stride);
    for (uint32_t slice = 0; slice < product.p.width / kSliceValues; ++slice, from += kGroupPiece) {
      const uint32_t stage = slice % kGroupStages;
      wait_phase(shares.empty + stage, (slice / kGroupStages + 1) % 2);
      if (lane() == 0) arrive_expecting(shares.full + stage, kStageBytes);
      sync_warp();
      if (lane() >= kPieces) continue;
      copy_bulk(shares.stages + (stage * kStageBytes + lane() * kGroupPiece), global<const uint8_t>(from), kGroupPiece,
                shares.full + stage);
    }
  }

  // The group's part of the products.
  template <class Blocks>
  class Multiplier {
   public:
    HEARTH_DEVICE Multiplier(const Product& product, const Shares& shares, uint32_t which, uint32_t row)
        : shares_(shares),
          width_(product.p.width),
          matrix_(product.open<Blocks>(which)),
          low_blocks_(product.blocks_of_row<Blocks>(row, block_index().z)),
          high_blocks_(product.blocks_of_row<Blocks>(row + 8, block_index().z)) {}

    HEARTH_DEVICE void run(float (&sums)[kGroupColumns / 8][4]) {
      load<0>(0);
      load<1>(0);
      if constexpr (kAhead) {
        decode<0>();
        load<2>(0);
      }
      for (uint32_t begin = 0; begin < width_; begin += 256) {
        step<0>(begin, sums);
        step<1>(begin, sums);
        step<2>(begin, sums);
        step<3>(begin, sums);
      }
    }

   private:
    template <uint32_t s>
    HEARTH_DEVICE void load(uint32_t begin) {
      low_.template load<s>(matrix_, low_blocks_, begin, lane() % 4);
      high_.template load<s>(matrix_, high_blocks_, begin, lane() % 4);
    }
    template <uint32_t s>
    HEARTH_DEVICE void decode() {
      uint32_t low[8], high[8];
      low_.template decode<s>(lane() % 4, low);
      high_.template decode<s>(lane() % 4, high);
#pragma unroll
      for (uint32_t i = 0; i < 4; ++i) {
        a_[kAhead ? s % 2 : 0][i][0] = low[2 * i];
        a_[kAhead ? s % 2 : 0][i][1] = high[2 * i];
        a_[kAhead ? s % 2 : 0][i][2] = low[2 * i + 1];
        a_[kAhead ? s % 2 : 0][i][3] = high[2 * i + 1];
      }
    }
    // Multiplies slice s. With kAhead the next is decoded meanwhile, and the third after it loaded; else s is decoded
    // before, and the second after it loaded (behind the end: the last 256 values once more).
    template <uint32_t s>
    HEARTH_DEVICE void step(uint32_t begin, float (&sums)[kGroupColumns / 8][4]) {
      if constexpr (!kAhead) decode<s>();
      wait_phase(shares_.full + stage_, phase_);
      const uint64_t inputs = group_matrix(shares_.stages + stage_ * kStageBytes);
      fence_group();
#pragma unroll
      for (uint32_t i = 0; i < 4; ++i) multiply_group(sums, a_[kAhead ? s % 2 : 0][i], step_of_group(inputs, i));
      commit_group();
      constexpr uint32_t kLoaded = s + (kAhead ? 3 : 2);
      if constexpr (kAhead) decode<(s + 1) % 4>();
      load<kLoaded % 4>(kLoaded < 4 ? begin : min(begin + 256, width_ - 256));
      wait_group();
      if (lane() == 0) arrive(shares_.empty + stage_);
      stage_ = stage_ + 1 == kGroupStages ? 0 : stage_ + 1;
      phase_ ^= stage_ == 0 ? 1 : 0;
    }

    Shares shares_;
    uint32_t width_, stage_ = 0, phase_ = 0;
    Matrix<Blocks> matrix_;
    uint32_t low_blocks_, high_blocks_;
    SlicedRow<Blocks> low_, high_;
    uint32_t a_[kAhead ? 2 : 1][4][4];
  };

  // Of threads that multiply: what becomes of their sums.
  static HEARTH_DEVICE void finish(const Product& product, const Shares& shares, uint32_t first_column, uint32_t count,
                                   uint32_t own_row, const float (&sums)[kGroupColumns / 8][4]) {
    const uint32_t rows = kRows / product.weights(), first_row = block_index().x * rows;
    const Shared<float> tile = cast<float>(shares.stages);
#pragma unroll
    for (uint32_t begin = 0; begin < kGroupColumns; begin += kSumsColumns) {
      sync_some(1, kGroups * 128);
#pragma unroll
      for (uint32_t n = 0; n < kSumsColumns / 8; ++n)
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i)
          tile[(n * 8 + lane() % 4 * 2 + i % 2) * kSumsStride + own_row + i / 2 * 8] = sums[begin / 8 + n][i];
      sync_some(1, kGroups * 128);
      for (uint32_t i = thread_index(); i < rows * kSumsColumns; i += kGroups * 128) {
        const uint32_t column = i / rows, row = i % rows;
        if (first_column + begin + column >= count || first_row + row >= product.p.rows) continue;
        const float sum = tile[column * kSumsStride + row];
        const float sum_up = tile[column * kSumsStride + row + kRows - rows];
        product.finish(first_column + begin + column, block_index().z, first_row + row, sum, sum_up);
      }
    }
  }

  template <class Blocks>
  static HEARTH_DEVICE void run(const gpu::MatmulParameters& p, const Constants&) {
    HEARTH_DYNAMIC_SHARED(uint8_t, memory);
    const Product product(p);
    const uint32_t count = product.columns(), first_column = block_index().y * kGroupColumns;
    if (first_column >= count) return;
    const Shared<uint8_t> aligned = align_shared<kGroupPiece>(memory);
    const Shares shares{aligned + kGroupPiece, cast<PhaseBarrier>(aligned), cast<PhaseBarrier>(aligned) + kGroupStages};
    if (thread_index() == 0) {
      for (uint32_t i = 0; i < kGroupStages; ++i) {
        init_barrier(shares.full + i, 1);
        init_barrier(shares.empty + i, kGroups * 4);
      }
    }
    sync_block();
    if (warp() >= kGroups * 4) {
      leave_registers<kRegistersToCopy>();
      if (warp() == kGroups * 4) copy_inputs(product, shares, first_column, count);
      return;
    }
    take_registers<kRegisters>();
    const uint32_t rows = kRows / product.weights();
    const uint32_t own_row = warp() * 16 + lane() / 4;  // behind the rows of one weight those of the other
    float sums[kGroupColumns / 8][4] = {};
    Multiplier<Blocks>(product, shares, own_row / rows, block_index().x * rows + own_row % rows).run(sums);
    finish(product, shares, first_column, count, own_row, sums);
  }
};

}  // namespace hearth::cuda
