// Products of a few columns by matrix units, against products in tiles; and of several matrices in one launch, against
// those of one after the other.
#include <random>

#include "kernels/gpu/column_shapes.h"
#include "kernels/gpu/parameters.h"
#include "tests/simt/device.h"
#include "tests/simt/rounding.h"

namespace hearth::simt {
namespace {

using gpu::HeaderWord;

struct Case {
  std::string format;
  uint32_t block_size, width;
  std::vector<uint32_t> plane_bytes;  // of a block
};

// Blocks of random bits, whose halves are finite, of both signs.
std::vector<uint16_t> random_weight(const Case& one, uint32_t rows, std::mt19937& random) {
  size_t bytes = 0;
  for (const uint32_t plane : one.plane_bytes)
    bytes += (size_t{rows} * (one.width / one.block_size) * plane + 255) / 256 * 256;
  std::vector<uint16_t> bits(bytes / 2);
  for (uint16_t& two : bits) two = static_cast<uint16_t>(random() & 0x9fff);
  return bits;
}

double distance(const std::vector<float>& found, const std::vector<float>& expected) {
  double error = 0, all = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    error += (1.0 * found[i] - expected[i]) * (1.0 * found[i] - expected[i]);
    all += 1.0 * expected[i] * expected[i];
  }
  return error / all;
}

// Of two matrices below one another.
void expect_tiles(const Case& one, uint32_t shape_columns, bool tall, uint32_t rows, uint32_t columns, bool gated) {
  std::mt19937 random(rows + columns);
  const uint32_t matrices = 2, stride = gpu::rounded_words(one.width);
  Device device(columns);
  std::vector<uint32_t> header(gpu::kHeaderWords);
  header[HeaderWord::rows] = columns;
  std::vector<float> in(size_t{columns} * one.width);
  for (float& value : in) value = std::normal_distribution<float>()(random);
  const Address batch = device.put(header), rounded = device.put(std::vector<uint32_t>(size_t{columns} * stride));
  const gpu::RoundInputsParameters round = rounding_of(device.put(in), rounded, batch, one.width, HeaderWord::rows);
  expect_none(device.launch("round_inputs", {(one.width + 511) / 512, columns}, round));
  gpu::MatmulParameters p{};
  p.weight = device.put(random_weight(one, matrices * rows, random));
  if (gated) p.weight_up = device.put(random_weight(one, matrices * rows, random));
  p.in = rounded;
  p.batch = batch;
  p.width = one.width;
  p.rows = rows;
  p.in_stride = stride;
  p.out_stride = matrices * rows;
  p.out_matrix_stride = rows;
  p.kinds = gpu::matmul_kinds(matrices, 0, HeaderWord::rows);
  p.scale = 1;
  const std::vector<float> nothing(size_t{columns} * matrices * rows, -7e20f);
  p.out = device.put(nothing);
  expect_none(
      device.launch(("byte_tiles_" + one.format).c_str(), {(rows + 63) / 64, (columns + 31) / 32, matrices}, p));
  const std::vector<float> expected = device.get<float>(p.out, nothing.size());
  p.out = device.put(nothing);
  const gpu::ColumnsShape shape = gpu::columns_shape(shape_columns, tall, gpu::is_wide(one.format));
  const uint32_t rows_at_once = shape.rows() / (gated ? 2 : 1);
  const std::string name = "byte_columns_" + one.format + "_" + std::to_string(shape_columns) + (tall ? "_tall" : "");
  expect_none(device.launch(
      name.c_str(), {(rows + rows_at_once - 1) / rows_at_once, (columns + shape_columns - 1) / shape_columns, matrices},
      p, {}, shape.shared_bytes()));
  EXPECT_LT(distance(device.get<float>(p.out, nothing.size()), expected), 1e-11) << name << (gated ? " gated" : "");
}

const Case kCases[] = {{"Q4_0", 32, 2240, {2, 16}},
                       {"Q8_0", 32, 576, {2, 32}},
                       {"Q4_K", 256, 1280, {4, 12, 128}},
                       {"Q5_K", 256, 768, {4, 12, 32, 128}},
                       {"Q6_K", 256, 768, {128, 64, 16, 2}}};

// Of two or three matrices, none of whole workgroups of `rows_at_once` rows. `kernel`: behind "byte_" or "joined_".
void expect_joined(const Case& one, const std::string& kernel, uint32_t rows_at_once, uint32_t shared_bytes,
                   uint32_t columns, uint32_t columns_at_once, uint32_t matrices, cuda::Constants constants = {}) {
  std::mt19937 random(columns);
  Device device(columns);
  const uint32_t stride = gpu::rounded_words(one.width), groups = (columns + columns_at_once - 1) / columns_at_once;
  std::vector<uint32_t> header(gpu::kHeaderWords);
  header[HeaderWord::outputs] = columns;
  const auto values = [&](size_t count) {
    std::vector<float> result(count);
    for (float& value : result) value = std::normal_distribution<float>()(random);
    return result;
  };
  gpu::JoinedParameters p{};
  p.batch = device.put(header);
  p.in = device.put(std::vector<uint32_t>(size_t{columns} * stride));
  const gpu::RoundInputsParameters round =
      rounding_of(device.put(values(size_t{columns} * one.width)), p.in, p.batch, one.width, HeaderWord::outputs);
  expect_none(device.launch("round_inputs", {(one.width + 511) / 512, columns}, round));
  p.width = one.width;
  p.in_stride = stride;
  p.rows_at = HeaderWord::outputs;
  const uint32_t rows[] = {2 * rows_at_once + 5, rows_at_once / 2, rows_at_once + 1};
  std::vector<std::vector<uint32_t>> expected;
  uint32_t all = 0;
  const auto group_of = [&](uint32_t count) { return (count + rows_at_once - 1) / rows_at_once; };
  for (uint32_t i = 0; i < gpu::kMostJoined; ++i) {
    p.first_group[i] = i < matrices ? all : UINT32_MAX;
    if (i >= matrices) continue;
    const std::vector<float> nothing(size_t{columns} * rows[i], -7e20f);
    gpu::MatmulParameters single{};
    single.weight = p.weight[i] = device.put(random_weight(one, rows[i], random));
    single.bias = p.bias[i] = i == 1 ? 0 : device.put(values(rows[i]));
    single.in = p.in;
    single.batch = p.batch;
    single.width = one.width;
    single.rows = single.out_stride = p.rows[i] = rows[i];
    single.in_stride = stride;
    single.kinds = gpu::matmul_kinds(1, 0, HeaderWord::outputs);
    single.scale = 1;
    single.out = device.put(nothing);
    expect_none(
        device.launch(("byte_" + kernel).c_str(), {group_of(rows[i]), groups}, single, constants, shared_bytes));
    expected.push_back(device.get<uint32_t>(single.out, nothing.size()));
    p.out[i] = device.put(nothing);
    all += group_of(rows[i]);
  }
  expect_none(device.launch(("joined_" + kernel).c_str(), {all, groups}, p, constants, shared_bytes));
  for (uint32_t i = 0; i < matrices; ++i)
    EXPECT_EQ(device.get<uint32_t>(p.out[i], expected[i].size()), expected[i]) << kernel << i;
}

TEST(CudaKernels, JoinedMatricesAreWhatEachIs) {
  for (const Case& one : kCases) {
    for (const auto& [columns, count] : {std::pair(1u, 1u), {4u, 2u}, {4u, 3u}}) {
      const uint32_t splits = gpu::rounded_splits(one.width, 64);
      expect_joined(one, "matmul_" + one.format + "_" + std::to_string(columns),
                    gpu::rounded_rows(one.format, columns, splits, 1), 0, count, columns, columns == 1 ? 3 : count,
                    {{0, 0, 0, splits}});
    }
    for (const auto& [columns, tall, count] :
         {std::tuple(8u, false, 5u), {16u, false, 9u}, {32u, false, 20u}, {32u, true, 40u}}) {
      const gpu::ColumnsShape shape = gpu::columns_shape(columns, tall, gpu::is_wide(one.format));
      expect_joined(one, "columns_" + one.format + "_" + std::to_string(columns) + (tall ? "_tall" : ""), shape.rows(),
                    shape.shared_bytes(), count, columns, count == 9 ? 2 : 3);
    }
  }
}

TEST(CudaKernels, ColumnsAreWhatTilesAre) {
  for (const Case& one : kCases) {
    expect_tiles(one, 8, false, 40, 5, false);
    expect_tiles(one, 8, true, 72, 8, true);
    expect_tiles(one, 16, false, 21, 11, true);
    expect_tiles(one, 32, false, 40, 27, true);
    expect_tiles(one, 32, true, 70, 40, false);
    expect_tiles(one, 64, true, 130, 41, true);
  }
}

}  // namespace
}  // namespace hearth::simt
