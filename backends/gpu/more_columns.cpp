// Products of more columns, where the machine has kernels for some formats: how they divide the work.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "backends/gpu/compiler.h"
#include "kernels/gpu/column_shapes.h"

namespace hearth::gpu {
namespace {

// The number of groups with which group_tiles makes as many columns of tiles soonest, where tiles(groups) says how many
// such a column has. A multiprocessor makes one tile at a time, all of them the tiles of a wave.
template <class F>
uint32_t groups_for(uint32_t multiprocessors, uint32_t columns, F&& tiles) {
  struct Cost {
    uint32_t groups, of_wave;  // in proportion to what was measured of width 4096, in microseconds on an H200
  };
  uint32_t best = 0;
  uint64_t least = UINT64_MAX;
  for (const Cost& one : {Cost{4, 82}, Cost{3, 76}, Cost{2, 61}}) {
    const uint64_t cost =
        uint64_t{pieces_of(uint64_t{columns} * tiles(one.groups), std::max(multiprocessors, 1u))} * one.of_wave;
    if (cost >= least) continue;
    least = cost;
    best = one.groups;
  }
  return best;
}

}  // namespace

void Compiler::add_groups(const Kernels& kernels, uint32_t matrices, uint32_t least) {
  const MatmulParameters& args = kernels.args_of_most;
  const auto tiles_of = [&](uint32_t groups) {
    const uint32_t rows = groups * kGroupRows / (args.weight_up == 0 ? 1 : 2);
    return pieces_of(args.rows, rows);
  };
  // Steps of columns up to a multiple of kGroupColumns, and one for all neighbours that take the same.
  for (uint32_t begin = least; begin <= limits_.rows;) {
    const auto groups_of = [&](uint32_t columns) {
      return groups_for(machine_.about().multiprocessors, matrices * pieces_of(columns, kGroupColumns), tiles_of);
    };
    const uint32_t groups = groups_of(begin);
    uint32_t end = begin;
    while (end < limits_.rows && groups_of(end + 1) == groups) ++end;
    Step& step = steps_.add(kernels.most, args, {});
    step.constants = {groups};
    step.least = begin;
    step.most = end == limits_.rows ? UINT32_MAX : end;
    for_rows(step, tiles_of(groups), matrices).y_over = kGroupColumns;
    begin = end + 1;
  }
}

bool Compiler::is_usual(const Weight& one) {
  constexpr std::array kFormats = {Format::q4_0, Format::q8_0, Format::q4_k, Format::q5_k, Format::q6_k};
  return std::find(kFormats.begin(), kFormats.end(), one.format) != kFormats.end();
}

bool Compiler::has_columns(const Weight& one) const {
  return machine_.about().has_columns && !limits_.deterministic && one.width % 64 == 0 && is_usual(one);
}

void Compiler::add_columns(const Product& product, const MatmulParameters& args) {
  const uint32_t weights = product.up == kNoWeight ? 1 : 2;
  const bool tall = uint64_t{args.rows} * product.matrices * weights >= kTallRows;
  const char* format = format_info(weight(product.weight).format).name;
  uint32_t least = kColumnsLeast;
  for (const uint32_t most : {8u, 16u, 32u, kColumnsMost}) {
    // Of 33 columns and more short matrices take two workgroups of 32 in the tall shape; of 16 there is one shape.
    const uint32_t columns = most == kColumnsMost && !tall ? 32 : most;
    const bool in_tall = most == kColumnsMost || (tall && most != 16);
    const ColumnsShape shape = columns_shape(columns, in_tall, is_wide(format));
    Step& step = steps_.add(std::string("byte_columns/") + format, args, {});
    step.constants = {columns, in_tall ? 1u : 0u, shape.threads(), shape.shared_bytes()};
    step.least = std::exchange(least, most + 1);
    step.most = most;
    for_rows(step, pieces_of(args.rows, shape.rows() / weights), product.matrices).y_over = columns;
  }
}

}  // namespace hearth::gpu
