// Fills a table of kernels from the generic algorithms and one vocabulary.
#pragma once

#include "kernels/cpu/generic/attention.h"
#include "kernels/cpu/generic/dot.h"
#include "kernels/cpu/generic/float_matmul.h"
#include "kernels/cpu/generic/matmul.h"
#include "kernels/cpu/generic/recurrent.h"
#include "kernels/cpu/generic/roofs.h"
#include "kernels/cpu/generic/vector_math.h"

namespace hearth::cpu {
namespace {

template <class I, class Block>
constexpr FormatKernels kernels_of() {
  if constexpr (Block::kSize == 1) {
    return {float_matmul<I, Block>, float_matmul<I, Block>};
  } else {
    FormatKernels kernels{many_columns<I, Block>, many_columns<I, Block>};
    if constexpr (I::kFewColumns != 0) kernels.few = few_columns<I, Block>;
    if constexpr (kRequantises<I, Unpack<I, Block>>) kernels.rescaled = multiply_panels<I, Block, Requantised>;
    if constexpr (kMakesPairs<I, Unpack<I, Block>>)
      kernels.rescaled = multiply_panels<I, Block, InPairs<Unpack<I, Block>>>;
    return kernels;
  }
}

template <class I>
constexpr KernelTable table_of() {
  KernelTable table{};
  table.name = I::kName;
  table.few_columns = I::kFewColumns;
  table.lane_columns = I::kSeveralColumns;
  table.lane_rows = I::kTileLanes;
  table.tile_rows = kTileRows<I>;
  [&]<class... Block>(std::type_identity<std::tuple<Block...>>) {
    ((table.formats[static_cast<uint32_t>(Block::kFormat)] = kernels_of<I, Block>()), ...);
  }(std::type_identity<BlockList>{});
  [&]<class... Block>(std::type_identity<std::tuple<Block...>>) {
    ((table.formats[static_cast<uint32_t>(Block::kFormat)] = kernels_of<I, ExpandedUnit>()), ...);
  }(std::type_identity<CodedBlocks>{});
  table.quantise = quantise<I>;
  table.rms_norm = rms_norm<I>;
  table.layer_norm = layer_norm<I>;
  table.silu_multiply = silu_multiply<I>;
  table.gelu_multiply = gelu_multiply<I>;
  table.clamped_multiply = clamped_multiply<I>;
  table.sigmoid_multiply = sigmoid_multiply<I>;
  table.silu = silu<I>;
  table.gelu = gelu<I>;
  table.sigmoid = sigmoid<I>;
  table.softcap = softcap<I>;
  table.scale = scale<I>;
  table.add = add<I>;
  table.add_scaled = add_scaled<I>;
  table.rope_halves = rope_halves<I>;
  table.rope_adjacent = rope_adjacent<I>;
  table.store_f16 = store_f16<I>;
  table.attend = attend<I>;
  table.attend_row = attend_row<I>;
  table.merge_parts = merge_parts<I>;
  table.convolve = convolve<I>;
  table.delta_rule = delta_rule<I>;
  table.read_all = read_all<I>;
  table.multiply_bytes = multiply_bytes<I>;
  return table;
}

}  // namespace
}  // namespace hearth::cpu
