// matrix_tiles/FORMAT: what matmul/FORMAT makes, for many columns of which halve_inputs has made halves, by units that
// multiply matrices of halves and sum in floats.
//
// A tile has 64 rows and 64 columns, of which each of the four units makes a quarter. Its weights become halves, too,
// times a power of two for the largest that was met so far; where a larger one comes, the sums made before follow.
#version 460
#extension GL_GOOGLE_include_directive : require

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const uint kThreads = 128;
layout(constant_id = 1) const bool kWhole = false;

const uint kTileRows = 64;
const uint kTileColumns = 64;
const uint kTileDepth = 32;

#include "kernels/vulkan/matmul.glsl"
#include "kernels/vulkan/matrix_units.glsl"
#include "kernels/vulkan/powers.glsl"

const uint kAcross = 2, kSums = 4;                           // matrices of a unit, in either direction and in all
const uint kPieces = kTileRows * kTileDepth / 8 / kThreads;  // of 8 weights, and of 8 inputs, that a thread loads
const uint kPiecesOfRow = kTileDepth / 8;

shared uint largest;  // bits of the largest magnitude of the tile's weights so far; below infinity

uint64_t input_of_tile(uint column, uint matrix) { return input_of(min(column, rows_of_batch() - 1), matrix); }

// The row and column, in the tile, of a unit's matrix.
uint row_of(uint i) { return (unit() / 2 * kAcross + i / kAcross) * kSide; }
uint column_of(uint i) { return (unit() % 2 * kAcross + i % kAcross) * kSide; }

// The products of the opened weight times 2^shift, and times the powers of the inputs.
void product(uint first_row, uint first_column, uint matrix, out Sums sums[kSums], out int shift) {
  [[unroll]] for (uint i = 0; i < kSums; ++i) sums[i] = no_sums();
  shift = shift_of(0);
  if (gl_LocalInvocationIndex == 0) largest = 0;
  barrier();
  for (uint depth = 0; depth < p.width; depth += kTileDepth) {
    float w[kPieces][8];
    uvec4 x[kPieces];
    uint most = 0;
    [[unroll]] for (uint i = 0; i < kPieces; ++i) {
      const uint piece = i * kThreads + gl_LocalInvocationIndex;
      const uint line = piece / kPiecesOfRow, first = depth + piece % kPiecesOfRow * 8;
      x[i] = Fours(input_of_tile(first_column + line, matrix) + 2 * first).at;
      const uint row = min(first_row + line, p.rows - 1);
      for (uint j = 0; j < 8; ++j) w[i][j] = 0;
      if (first < p.width) decode8((matrix * p.rows + row) * (p.width / kBlockSize), first, p.width, kWhole, w[i]);
      for (uint j = 0; j < 8; ++j) {
        const uint magnitude = floatBitsToUint(w[i][j]) & 0x7fffffffu;
        if (magnitude < 0x7f800000u) most = max(most, magnitude);
      }
    }
    most = subgroupMax(most);
    if (subgroupElect()) atomicMax(largest, most);
    barrier();  // the largest is known, and the tiles before were multiplied
    const int before = shift;
    shift = shift_of(largest);
    if (shift != before) {
      [[unroll]] for (uint i = 0; i < kSums; ++i) sums[i] = times(sums[i], power(max(shift - before, -126)));
    }
    const float factor = power(shift);
    [[unroll]] for (uint i = 0; i < kPieces; ++i) {
      const uint piece = i * kThreads + gl_LocalInvocationIndex;
      const uint at = piece / kPiecesOfRow * kStride + piece % kPiecesOfRow * 4;
      [[unroll]] for (uint j = 0; j < 4; ++j) {
        weight_tile[at + j] = pair_of(w[i][2 * j] * factor, w[i][2 * j + 1] * factor);
        input_tile[at + j] = pair_of(x[i][j]);
      }
    }
    barrier();
    [[unroll]] for (uint k = 0; k < kTileDepth; k += kSide) {
      InputMatrix inputs[kAcross];
      [[unroll]] for (uint i = 0; i < kAcross; ++i) inputs[i] = inputs_at(column_of(i), k);
      [[unroll]] for (uint r = 0; r < kSums; r += kAcross) {
        const WeightMatrix weights = weights_at(row_of(r), k);
        [[unroll]] for (uint i = 0; i < kAcross; ++i) sums[r + i] = multiply_add(weights, inputs[i], sums[r + i]);
      }
    }
  }
}

void main() {
  const uint first_row = gl_WorkGroupID.x * kTileRows, first_column = gl_WorkGroupID.y * kTileColumns;
  const uint matrix = gl_WorkGroupID.z, count = rows_of_batch();
  if (first_column >= count) return;
  const bool both = weights() == 2;
  Sums sums[kSums], sums_before[kSums];  // before: of the first weight, where there are two
  int shift, shift_before = 0;
  for (uint i = 0; i < weights(); ++i) {
    if (i == 1) {
      sums_before = sums;
      shift_before = shift;
    }
    open_weight(i);
    product(first_row, first_column, matrix, sums, shift);
  }
  const uint of_unit = unit() * kValues, of_first = (kUnits + unit()) * kValues;
  [[dont_unroll]] for (uint i = 0; i < kSums; ++i) {
    // One is chosen at a time, so that they may stay in registers.
    Sums last = sums[0], first = sums_before[0];
    [[unroll]] for (uint j = 1; j < kSums; ++j)
      if (i == j) {
        last = sums[j];
        first = sums_before[j];
      }
    store(last, of_unit);
    if (both) store(first, of_first);
    barrier();
    [[dont_unroll]] for (uint value = lane(); value < kValues; value += kUnitThreads) {
      const uint row = first_row + row_of(i) + value % kSide, column = first_column + column_of(i) + value / kSide;
      if (row >= p.rows || column >= count) continue;
      const int of_column = int(Words(input_of(column, matrix) + 2 * ((p.width + 31) / 32 * 32)).at);
      const float sum = shifted(sum_tile[of_unit + value], -(shift + of_column));
      finish(column, matrix, row, both ? shifted(sum_tile[of_first + value], -(shift_before + of_column)) : sum, sum);
    }
    barrier();
  }
}
