// What the shaders of few columns share: a workgroup makes some rows of some columns. Its threads share the sum over
// the width, in an order that does not depend on the number of columns. The includer declares their number.
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_arithmetic : require

#include "kernels/vulkan/matmul.glsl"

layout(constant_id = 0) const uint kColumns = 1;  // of a workgroup: 1, 2, 4 or 8; 1 where routed
layout(constant_id = 1) const uint kRowsAtOnce = 4;
const uint kSums = kColumns * kRowsAtOnce;

shared float partial_sums[gl_WorkGroupSize.x * kSums];

// Adds the thread's part of the products of the opened weight to sums [row of the workgroup's][column of it]; where
// the rows' blocks and the columns' inputs begin is given. Each shader has its own.
void add_products(uint row_blocks[kRowsAtOnce], uint64_t inputs[kColumns], inout float sums[kSums]);

// Of the opened weight: the sum of number gl_LocalInvocationIndex in the first kSums threads.
float product(uint first_row, uint first_column, uint last_column, uint matrix) {
  float sums[kSums];
  [[unroll]] for (uint i = 0; i < kSums; ++i) sums[i] = 0;
  uint row_blocks[kRowsAtOnce];
  [[unroll]] for (uint r = 0; r < kRowsAtOnce; ++r)
    row_blocks[r] = (matrix * p.rows + min(first_row + r, p.rows - 1)) * (p.width / kBlockSize);
  uint64_t inputs[kColumns];
  [[unroll]] for (uint c = 0; c < kColumns; ++c)
    inputs[c] = input_of(min(first_column + c, last_column), matrix);
  add_products(row_blocks, inputs, sums);

  barrier();  // threads went through the loop differently often: those of a subgroup must be together again
  [[unroll]] for (uint i = 0; i < kSums; ++i) {
    const float sum = subgroupAdd(sums[i]);
    if (subgroupElect()) partial_sums[gl_SubgroupID * kSums + i] = sum;
  }
  barrier();
  float total = 0;
  if (gl_LocalInvocationIndex < kSums)
    for (uint s = 0; s < gl_NumSubgroups; ++s) total += partial_sums[s * kSums + gl_LocalInvocationIndex];
  barrier();
  return total;
}

void main() {
  const uint first_row = gl_WorkGroupID.x * kRowsAtOnce, first_column = gl_WorkGroupID.y * kColumns;
  const uint count = columns();
  if (first_column >= count) return;
  const uint matrix = matrix_of(first_column);
  float sums[2] = float[](0.0, 0.0);
  for (uint i = 0; i < weights(); ++i) {
    open_weight(i);
    sums[i] = product(first_row, first_column, count - 1, matrix);
  }
  const uint row = first_row + gl_LocalInvocationIndex / kColumns;
  const uint column = first_column + gl_LocalInvocationIndex % kColumns;
  if (gl_LocalInvocationIndex < kSums && row < p.rows && column < count) finish(column, matrix, row, sums[0], sums[1]);
}
