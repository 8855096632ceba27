// What the products of a matrix share: their parameters, where a column is, and what becomes of a sum.
#include "kernels/vulkan/activation.glsl"
#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/formats/formats.glsl"

// As MatmulParameters and ExpertsParameters in parameters.h.
layout(push_constant, scalar) uniform Parameters {
  uint64_t weight, weight_up, in_, out_, batch, bias, bias_up, add, times, decode_tables, scales, scales_up;
  uint width, rows, in_stride, out_stride, in_matrix_stride, out_matrix_stride, kinds;
  float scale;
} p;

// Columns are rows of the batch and workgroups' z is the matrix; or, routed, columns are pairs of a row and a place of
// its route, which says the matrix.
bool routed() { return (p.kinds >> 24 & 1u) != 0; }
uint matrices() { return p.kinds & 0xffffu; }
uint activation() { return p.kinds >> 16 & 15u; }
uint rows_of_batch() { return BatchWords(p.batch).word[p.kinds >> 20 & 15u]; }
bool has_bias_of_column() { return (p.kinds >> 25 & 1u) != 0; }
uint used() { return p.in_matrix_stride; }
uint columns() { return routed() ? rows_of_batch() * used() : rows_of_batch(); }

uint matrix_of(uint column) {
  if (!routed()) return gl_WorkGroupID.z;
  return uint(Floats(p.times).at[column / used() * 2 * used() + column % used()]);
}

// Where the input of a column begins.
uint64_t input_of(uint column, uint matrix) {
  if (routed()) return p.in_ + 4 * uint64_t(p.out_matrix_stride != 0 ? column : column / used()) * p.in_stride;
  return p.in_ + 4 * (uint64_t(column) * p.in_stride + matrix * p.in_matrix_stride);
}

// The 8 values from `first` of `width` on; those behind the end are 0. kWhole: the width is a multiple of 8, and all
// inputs begin at multiples of 16 bytes. It is a constant, since some devices go through both sides of a branch.
void load8(uint64_t place, uint first, out float x[8]) {
  if (kWhole) {
    const vec4 begin = uintBitsToFloat(Fours(place + 4 * first).at);
    const vec4 end = uintBitsToFloat(Fours(place + 4 * first + 16).at);
    for (uint i = 0; i < 4; ++i) {
      x[i] = begin[i];
      x[4 + i] = end[i];
    }
  } else {
    for (uint i = 0; i < 8; ++i) x[i] = first + i < p.width ? Floats(place + 4 * first).at[i] : 0.0;
  }
}

// Weights there are, one or two, and their opening.
uint weights() { return p.weight_up != 0 ? 2 : 1; }
void open_weight(uint i) {
  open_matrix(i == 0 ? p.weight : p.weight_up, p.rows * matrices() * (p.width / kBlockSize), p.decode_tables);
}

// out[column][row] from the sums of the weight's row and of the other weight's, if there is one.
void finish(uint column, uint matrix, uint row, float sum, float sum_up) {
  const uint bias_at = (has_bias_of_column() ? column : matrix) * p.rows + row;
  precise float value = sum;
  if (p.scales != 0) value *= Floats(p.scales).at[matrix];
  if (p.bias != 0) value += Floats(p.bias).at[bias_at];
  if (p.weight_up != 0) {
    precise float up = sum_up;
    if (p.scales_up != 0) up *= Floats(p.scales_up).at[matrix];
    if (p.bias_up != 0) up += Floats(p.bias_up).at[bias_at];
    value = gated(activation(), value, up);
  } else {
    value = activate(activation(), value);
  }
  uint64_t at = uint64_t(column) * p.out_stride + row;
  if (!routed()) {
    at += matrix * p.out_matrix_stride;
    value *= p.scale;
    if (p.times != 0) value *= Floats(p.times).at[column];
    if (p.add != 0) value += Floats(p.add + 4 * at).at[0];
  }
  Floats(p.out_ + 4 * at).at[0] = value;
}
