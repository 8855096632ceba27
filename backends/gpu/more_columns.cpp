// Products of more columns, and of several matrices at once, where the machine has kernels for some formats: how they
// divide the work.
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

template <class F>
void Compiler::add_columns(const char* format, bool tall, F&& add) {
  uint32_t least = kColumnsLeast;
  for (const uint32_t most : {8u, 16u, 32u, kColumnsMost}) {
    // Of 33 columns and more short matrices take two workgroups of 32 in the tall shape; of 16 there is one shape.
    const uint32_t columns = most == kColumnsMost && !tall ? 32 : most;
    const bool in_tall = most == kColumnsMost || (tall && most != 16);
    const ColumnsShape shape = columns_shape(columns, in_tall, is_wide(format));
    Step& step = add(shape.rows());
    step.constants = {columns, in_tall ? 1u : 0u, shape.threads(), shape.shared_bytes()};
    step.least = std::exchange(least, most + 1);
    step.most = most;
    step.y_over = columns;
  }
}

void Compiler::add_columns(const Product& product, const MatmulParameters& args) {
  const uint32_t weights = product.up == kNoWeight ? 1 : 2;
  const char* format = format_info(weight(product.weight).format).name;
  add_columns(format, uint64_t{args.rows} * product.matrices * weights >= kTallRows, [&](uint32_t rows) -> Step& {
    Step& step = steps_.add(std::string("byte_columns/") + format, args, {});
    return for_rows(step, pieces_of(args.rows, rows / weights), product.matrices);
  });
}

bool Compiler::joins(const Joined& joined) const {
  const Weight& first = weight(joined.ops.front().weight);
  // In kernels that give the bits that each would have by itself.
  const auto fits = [&](const Linear& op) {
    const uint64_t rows = weight(op.weight).rows;
    const auto splits = [&](uint64_t count) { return rounded_splits(width(op.in), static_cast<uint32_t>(count)); };
    return !is_changed(op.weight) && rows < kTallRows && splits(rows) == splits(first.rows);
  };
  return machine_.about().joins && ways_.joins && is_usual(first) && rounded_ == slot(joined.ops.front().in) &&
         std::all_of(joined.ops.begin(), joined.ops.end(), fits);
}

uint32_t Compiler::add_joined(const Joined& joined) {
  const Weight& first = weight(joined.ops.front().weight);
  const char* format = format_info(first.format).name;
  JoinedParameters args{};
  args.width = static_cast<uint32_t>(first.width);
  args.in_stride = rounded_words(args.width);
  args.in = rounded_rows_of(args.in_stride);
  args.batch = places_.batch;
  args.rows_at = rows_at();
  Uses uses{{rounded_, args.in}, {}};
  for (size_t i = 0; i < joined.ops.size(); ++i) {
    const Linear& op = joined.ops[i];
    args.weight[i] = weights_.matrix(weight(op.weight));
    args.bias[i] = floats(op.bias);
    args.out[i] = slot(op.out);
    args.rows[i] = width(op.out);
    uses.writes.push_back(args.out[i]);
  }
  const auto add = [&](const char* kernel, uint32_t rows) -> Step& {
    uint32_t groups = 0;
    for (size_t i = 0; i < kMostJoined; ++i) {
      args.first_group[i] = args.rows[i] == 0 ? UINT32_MAX : groups;
      groups += pieces_of(args.rows[i], rows);
    }
    // It waits for what the first is to wait for, which takes these.
    return for_rows(steps_.add(std::string(kernel) + format, args, std::exchange(uses, {})), groups);
  };
  const bool in_columns = has_columns(first);
  const uint32_t splits = rounded_splits(args.width, args.rows[0]);
  uint32_t least = 0;
  for (const uint32_t columns : {1u, 4u}) {
    const uint32_t most = in_columns ? std::min(columns, kColumnsLeast - 1) : columns;
    const uint32_t rows = rounded_rows(format, columns, splits, 1);
    Step& step = add("joined_matmul/", rows);
    step.constants = {columns, rows, 1, splits};
    step.least = std::exchange(least, most + 1);
    step.most = most;
    step.y_over = columns;
  }
  if (!in_columns) return least;
  add_columns(format, false, [&](uint32_t rows) -> Step& { return add("joined_columns/", rows); });
  return kColumnsMost + 1;
}

void Compiler::make(const Joined& joined) {
  const uint32_t least = joins(joined) ? add_joined(joined) : 0;
  for (const Linear& op : joined.ops) make(op, least);
}

}  // namespace hearth::gpu
