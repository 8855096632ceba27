// matmul/FORMAT for few columns, in 32-bit floats.
#version 460
#extension GL_GOOGLE_include_directive : require

layout(constant_id = 2) const bool kWhole = false;
const uint kThreads = 64;
layout(local_size_x = kThreads) in;

#include "kernels/vulkan/few_columns.glsl"

void add_products(uint row_blocks[kRowsAtOnce], uint64_t inputs[kColumns], inout float sums[kSums]) {
  for (uint first = gl_LocalInvocationIndex * 8; first < p.width; first += kThreads * 8) {
    float w[kRowsAtOnce][8], scale[kRowsAtOnce], less[kRowsAtOnce];
    [[unroll]] for (uint r = 0; r < kRowsAtOnce; ++r)
      split8(row_blocks[r], first, p.width, kWhole, w[r], scale[r], less[r]);
    [[unroll]] for (uint c = 0; c < kColumns; ++c) {
      float x[8];
      load8(inputs[c], first, x);
      precise float all = ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]));
      [[unroll]] for (uint r = 0; r < kRowsAtOnce; ++r) {
        precise float dot = w[r][0] * x[0];
        [[unroll]] for (uint i = 1; i < 8; ++i) dot = fma(w[r][i], x[i], dot);
        precise float sum = fma(scale[r], dot, sums[r * kColumns + c]);
        if (kHasLess) sum = fma(-less[r], all, sum);
        sums[r * kColumns + c] = sum;
      }
    }
  }
}
