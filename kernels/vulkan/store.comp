// Stores the keys and values of all rows in a layer's cache: a thread stores 32 neighbours of a Q8_0 cache, one value of
// others. The z of a workgroup is 0 for keys, 1 for values.
#version 460
#extension GL_GOOGLE_include_directive : require

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/cache.glsl"

const uint kThreads = 64;
layout(local_size_x = kThreads) in;

layout(push_constant, scalar) uniform Parameters {
  uint64_t k, v, keys, values, batch;
  uint key_width, value_width, page_size;
} p;

void store_block(Floats from, uint64_t block) {
  float largest = 0;
  for (uint i = 0; i < kKvBlock; ++i) largest = max(largest, abs(from.at[i]));
  const float scale = largest / 127.0, to_quanta = scale == 0 ? 0 : 1.0 / scale;
  Halves(block).at[0] = float_to_half(scale);
  for (uint i = 0; i < kKvBlock; ++i) {
    const float scaled = from.at[i] * to_quanta;
    const float whole = sign(scaled) * min(floor(abs(scaled) + 0.5), 127.0);
    Bytes(block + 2).at[i] = int8_t(int(whole));
  }
}

void main() {
  BatchWords batch = BatchWords(p.batch);
  const uint row = gl_WorkGroupID.y, index = gl_GlobalInvocationID.x;
  const bool is_value = gl_WorkGroupID.z != 0;
  const uint width = is_value ? p.value_width : p.key_width;
  if (row >= batch.word[kRows] || index >= (kKvType > kKvF16 ? width / kKvBlock : width)) return;
  const uint sequence = batch.word[batch.word[kSequenceOfRow] + row];
  const uint position = batch.word[batch.word[kPositions] + row];
  const uint64_t to =
      (is_value ? p.values : p.keys) + cell_of(batch, sequence, position, p.page_size) * kv_row_bytes(width);
  Floats from = Floats((is_value ? p.v : p.k) + 4 * uint64_t(row) * width);
  if (kKvType == kKvF32) {
    Floats(to).at[index] = from.at[index];
  } else if (kKvType == kKvF16) {
    Halves(to).at[index] = float_to_half(from.at[index]);
  } else {
    store_block(Floats((is_value ? p.v : p.k) + 4 * (uint64_t(row) * width + index * kKvBlock)),
                to + index * kKvBlockBytes);
  }
}
