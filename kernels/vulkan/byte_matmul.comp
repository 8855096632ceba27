// byte_matmul/FORMAT: matmul/FORMAT of inputs that round_inputs has rounded, with dot products of bytes. A thread
// multiplies a unit of each row at a time, all of which it loads before it takes them apart.
#version 460
#extension GL_GOOGLE_include_directive : require

const bool kWhole = true;
layout(local_size_x_id = 3) in;  // as rounded_threads() has it
layout(local_size_x = 128) in;

#include "kernels/vulkan/byte_dot.glsl"
#include "kernels/vulkan/few_columns.glsl"

int run_dot(uvec4 weights, uvec4 inputs) {
  int sum = 0;
  [[unroll]] for (uint i = 0; i < 4; ++i) sum += byte_dot(int(weights[i]), int(inputs[i]), kFourBytes);
  return sum;
}

int run_sum(uvec4 inputs) {
  return (byte_sum(inputs.x) + byte_sum(inputs.y)) + (byte_sum(inputs.z) + byte_sum(inputs.w));
}

void add_products(uint row_blocks[kRowsAtOnce], uint64_t inputs[kColumns], inout float sums[kSums]) {
  for (uint unit = gl_LocalInvocationIndex; unit < p.width / 32; unit += gl_WorkGroupSize.x) {
    Loaded loaded[kRowsAtOnce];
    [[unroll]] for (uint r = 0; r < kRowsAtOnce; ++r) loaded[r] = load_unit(row_blocks[r], unit);
    Unit units[kRowsAtOnce];
    [[unroll]] for (uint r = 0; r < kRowsAtOnce; ++r) units[r] = unit_of(loaded[r], unit);
    const uint first = unit_offset(unit), second = first + kApart;
    [[unroll]] for (uint c = 0; c < kColumns; ++c) {
      const uvec4 x = Fours(inputs[c] + first).at, y = Fours(inputs[c] + second).at;
      Floats scales = Floats(inputs[c] + p.width);
      const vec2 scale = vec2(scales.at[first / 32], scales.at[second / 32]);
      const ivec2 all = ivec2(run_sum(x), run_sum(y));  // of some formats
      precise vec2 scaled = scale * vec2(all);
      [[unroll]] for (uint r = 0; r < kRowsAtOnce; ++r) {
        const ivec2 dots = ivec2(run_dot(units[r].first, x), run_dot(units[r].second, y)) - kShift * all;
        precise vec2 factors = units[r].scale * scale;
        precise float sum = sums[r * kColumns + c];
        if (kOneScale) {
          sum = fma(factors.x, float(dots.x + dots.y), sum);
        } else {
          sum = fma(factors.y, float(dots.y), fma(factors.x, float(dots.x), sum));
        }
        if (kHasLess) sum = fma(-units[r].less.y, scaled.y, fma(-units[r].less.x, scaled.x, sum));
        sums[r * kColumns + c] = sum;
      }
    }
  }
}
