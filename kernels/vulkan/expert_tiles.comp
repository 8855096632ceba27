// expert_tiles: lists the pairs of rows and their experts by expert, in tiles for matmul_tiles. One workgroup.
#version 460
#extension GL_GOOGLE_include_directive : require

#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/expert_tiles.glsl"

const uint kThreads = 256;
const uint kMostExperts = 2048;
layout(local_size_x = kThreads) in;
layout(push_constant, scalar) uniform Parameters {
  uint64_t route, batch, tiles;
  uint experts, used, rows_at;
} p;

shared uint places[kMostExperts];  // of each expert: its pairs, then where the next of them goes

uint expert_of(uint pair) { return uint(Floats(p.route).at[pair / p.used * 2 * p.used + pair % p.used]); }

void main() {
  const uint t = gl_LocalInvocationIndex, pairs = BatchWords(p.batch).word[p.rows_at] * p.used;
  ExpertTiles tiles = ExpertTiles(p.tiles);
  for (uint e = t; e < p.experts; e += kThreads) places[e] = 0;
  barrier();
  for (uint pair = t; pair < pairs; pair += kThreads) atomicAdd(places[expert_of(pair)], 1);
  barrier();
  if (t == 0) {
    uint begin = 0, count = 0;
    for (uint e = 0; e < p.experts; ++e) {
      const uint end = begin + places[e];
      places[e] = begin;
      for (; begin < end; begin += min(kTileColumns, end - begin)) {
        const uint tile = kExpertTiles + 3 * count++;
        tiles.word[tile] = e;
        tiles.word[tile + 1] = begin;
        tiles.word[tile + 2] = min(kTileColumns, end - begin);
      }
    }
    tiles.word[0] = count;
  }
  barrier();
  const uint list = kExpertTiles + 3 * most_tiles(pairs, p.experts);
  for (uint pair = t; pair < pairs; pair += kThreads) tiles.word[list + atomicAdd(places[expert_of(pair)], 1)] = pair;
}
