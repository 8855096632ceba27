// The mean and the scale of a run of values that a workgroup norms.
#include "kernels/vulkan/reduce.glsl"

layout(constant_id = 0) const bool kCentered = false;

// What is taken from each value: their mean where they are centered, else 0. All threads must take part.
float mean_of_run(Floats from, uint count) {
  float mean = 0;
  if (kCentered) {
    float sum = 0;
    for (uint i = gl_LocalInvocationIndex; i < count; i += kThreads) sum += from.at[i];
    mean = workgroup_sum(sum) / float(count);
  }
  return mean;
}

// What they are then multiplied by. All threads must take part.
float scale_of_run(Floats from, uint count, float mean, float eps) {
  float squares = 0;
  for (uint i = gl_LocalInvocationIndex; i < count; i += kThreads) {
    const float value = from.at[i] - mean;
    squares = fma(value, value, squares);
  }
  return 1.0 / sqrt(workgroup_sum(squares) / float(count) + eps);
}
