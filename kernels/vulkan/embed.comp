// embed/FORMAT: out[row] = add[row] + scale * table[index] + bias, index being the row's token or position.
#version 460
#extension GL_GOOGLE_include_directive : require

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/formats/formats.glsl"

layout(local_size_x = 64) in;
layout(push_constant, scalar) uniform Parameters {
  uint64_t table, add, bias, out_, batch, decode_tables;
  uint width, table_rows, out_stride, index_at;
  float scale;
} p;

void main() {
  const uint row = gl_WorkGroupID.y, first = gl_GlobalInvocationID.x * 8;
  BatchWords batch = BatchWords(p.batch);
  if (row >= batch.word[kRows] || first >= p.width) return;
  const uint index = batch.word[batch.word[p.index_at] + row];

  const uint blocks = p.width / kBlockSize;
  open_matrix(p.table, p.table_rows * blocks, p.decode_tables);
  float values[8];
  decode8(index * blocks, first, p.width, p.width % 8 == 0, values);

  const uint64_t at = uint64_t(row) * p.out_stride + first;
  for (uint i = 0; i < min(8u, p.width - first); ++i) {
    precise float value = p.scale * values[i];
    if (p.add != 0) value += Floats(p.add + 4 * at).at[i];
    if (p.bias != 0) value += Floats(p.bias).at[first + i];
    Floats(p.out_ + 4 * at).at[i] = value;
  }
}
