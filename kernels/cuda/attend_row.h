// Attention of one row with a cache of halves: few heads for many positions, by tensor cores.
#pragma once

#include "kernels/cuda/cache.h"
#include "kernels/cuda/parts.h"

namespace hearth::cuda {

inline constexpr uint32_t kRowTile = 16;  // positions that a warp takes at once
inline constexpr uint32_t kRowHeads = 8;
// Weights are as large as 2^13, so that as halves the small ones keep their bits.
constexpr float kWeightRoom = 9.0109133f;  // log(2^13)
constexpr float kLog2OfE = 1.44269504f;

// The two halves that a float of usual size is the sum of, for pairs.
struct SplitPair {
  uint32_t high, low;
};
HEARTH_DEVICE SplitPair split_pair(float x, float y) {
  const uint32_t high = pack_halves(x, y);
  return {high, pack_halves(x - low_half(high), y - high_half(high))};
}

// What a warp has of a tile: of keys, lane 4g + t has of positions g and g + 8 the values 32s + 8t to 32s + 8t + 7; of
// values, of positions 2t, 2t + 1, 2t + 8 and 2t + 9 those of 64s + 8g to 64s + 8g + 7.
template <uint32_t kSize>
struct RowTile {
  Word4 keys[2][kSize / 32], values[4][kSize / 64];
};

inline constexpr uint32_t kRowWarps = gpu::kAttendRowThreads / kWarp;
inline constexpr uint32_t kRowStride = kRowWarps * kRowTile;  // from a warp's tile to its next, in any part
static_assert(gpu::kLeastPart % kRowStride == 0);

// Heads of kSize values, keys and values alike, a multiple of 64. A block makes the heads of a row that share a head of
// the cache, for one part of what the row sees or all parts. Warps take every so many tiles, with a softmax of their
// own for each part. Queries and weights are the sum of two halves each: queries in the two halves of the rows of a
// tensor core's matrix, so that nothing but a few units in the last place is lost.
template <uint32_t kSize>
HEARTH_DEVICE void attend_row(const gpu::AttendParameters& p, const Constants& c) {
  constexpr uint32_t kSteps = kSize / 32, kGroups = kSize / 64, kEach = kSize / kWarp;
  constexpr uint32_t kLine = kSize + 1;   // of sums: so that lanes write to different banks
  static_assert(kRowWarps == kRowHeads);  // in the end a warp has a head
  HEARTH_SHARED(float, kRowWarps* kRowHeads* kLine, sums);
  HEARTH_SHARED(float, kRowWarps* kRowHeads * 2, softmaxes);
  const BatchWords batch(p.batch);
  const uint32_t row = block_index().y;
  Seen seen{};
  if (row < batch.rows()) seen = seen_by(batch, row, p.causal, p.window, gpu::kMostPartsOfRow);
  const bool of_part = p.parts != 0;
  const uint32_t first_part = of_part ? block_index().z : 0, last_part = of_part ? first_part + 1 : seen.parts;
  if (first_part >= seen.parts) {
    wait_for_kernel_before(c);
    return;
  }
  const uint32_t group = p.heads / p.kv_heads, packs = (group + p.packed - 1) / p.packed;
  const uint32_t pack = block_index().x % packs, kv_head = block_index().x / packs;
  const uint32_t heads = min(p.packed, group - pack * p.packed);
  const uint64_t first_head = static_cast<uint64_t>(row) * p.heads + kv_head * group + pack * p.packed;
  const uint64_t key_bytes = 2ull * p.key_width, value_bytes = 2ull * p.value_width;
  const uint32_t g = lane() / 4, t = lane() % 4;
  const Address keys = p.keys + 2 * kv_head * kSize + 16 * t, values = p.values + 2 * kv_head * kSize + 16 * g;
  const uint32_t first_page = batch.at(Header::page_begin, seen.sequence);
  uint32_t begin = seen.begin + first_part * seen.part;
  const uint32_t last = min(seen.begin + last_part * seen.part, seen.end);

  // The cells of a tile that begins at `first`, one for each 2 lanes; behind the end the last is taken.
  const auto cell_at = [&](uint32_t first) {
    const uint32_t position = min(first + lane() % kRowTile, last - 1);
    return batch.at(Header::pages, first_page + position / p.page_size) * p.page_size + position % p.page_size;
  };
  RowTile<kSize> tile;
  const auto load = [](Address at, bool early) {
    const auto from = global<const Word4>(at);
    Word4 four;
    if (early)
      four = load_early(from);
    else
      four = *from;
    return four;
  };
  const auto load_keys = [&](uint32_t cell, bool early) {
#pragma unroll
    for (uint32_t i = 0; i < 2; ++i) {
      const Address at = keys + shuffle(cell, g + 8 * i) * key_bytes;
#pragma unroll
      for (uint32_t s = 0; s < kSteps; ++s) tile.keys[i][s] = load(at + 64 * s, early);
    }
  };
  const auto load_values = [&](uint32_t cell, bool early) {
#pragma unroll
    for (uint32_t i = 0; i < 4; ++i) {
      const Address at = values + shuffle(cell, 2 * t + i % 2 + i / 2 * 8) * value_bytes;
#pragma unroll
      for (uint32_t s = 0; s < kGroups; ++s) tile.values[i][s] = load(at + 128 * s, early);
    }
  };

  uint32_t first = begin + warp() * kRowTile, next = first + kRowStride, cell = 0;
  if (first < last) cell = cell_at(first);
  // Cells before the sequence's first row in the batch have been written by earlier steps: no kernel that may still run
  // writes them, see wait_for_kernel_before.
  const uint32_t new_from = batch.at(Header::positions, batch.at(Header::row_begin, seen.sequence));
  const bool loaded = first < last && min(first + kRowTile, last) <= new_from;
  if (loaded) {
    load_keys(cell, true);
    load_values(cell, true);
  }
  wait_for_kernel_before(c);
  if (first < last && !loaded) {
    load_keys(cell, false);
    load_values(cell, false);
  }
  if (next < last) cell = cell_at(next);

  uint32_t query[kSteps * 2][4];
  const float scale = g < heads ? p.scale : 0.0f;
#pragma unroll
  for (uint32_t s = 0; s < kSteps; ++s) {
#pragma unroll
    for (uint32_t i = 0; i < 2; ++i) {
      const Word4 x = read<Word4>(p.q + 4 * ((first_head + min(g, heads - 1)) * kSize + 32 * s + 8 * t + 4 * i));
      const SplitPair a = split_pair(float_of(x.x) * scale, float_of(x.y) * scale);
      const SplitPair b = split_pair(float_of(x.z) * scale, float_of(x.w) * scale);
      query[2 * s + i][0] = a.high, query[2 * s + i][1] = a.low;
      query[2 * s + i][2] = b.high, query[2 * s + i][3] = b.low;
    }
  }

  // Of the result: warps own a head each, lanes every so many values of it.
  const bool has_own = warp() < heads;
  Running all = begin_running(of_part || !has_own ? 0 : p.sinks, kv_head * group + pack * p.packed + warp());
  float made[kEach];
#pragma unroll
  for (uint32_t i = 0; i < kEach; ++i) made[i] = 0;

  for (uint32_t part = first_part;;) {
    const uint32_t end = min(begin + seen.part, last);
    float top = kNever, total = 0;  // of head g; the total is that of a lane's positions
    float sum[kGroups * 4][4];      // of values 64s + 8g + 2j and the next, heads 2t and 2t + 1, at [4s + j]
#pragma unroll
    for (uint32_t i = 0; i < kGroups * 4; ++i)
#pragma unroll
      for (uint32_t j = 0; j < 4; ++j) sum[i][j] = 0;
    while (first < end) {
      float score[2][4];
#pragma unroll
      for (uint32_t i = 0; i < 2; ++i) {
#pragma unroll
        for (uint32_t j = 0; j < 4; ++j) score[i][j] = 0;
#pragma unroll
        for (uint32_t s = 0; s < kSteps; ++s) {
          const Word4 x = tile.keys[i][s];
          const uint32_t low[2] = {x.x, x.y}, high[2] = {x.z, x.w};
          mma_m16n8k16_f16(score[i], query[2 * s], low);
          mma_m16n8k16_f16(score[i], query[2 * s + 1], high);
        }
      }
      // The next may be of the next part: loads go on while parts are joined.
      const bool more = next < last;
      if (more) load_keys(cell, false);
      const uint32_t cell_of_values = cell, after = next + kRowStride;
      if (after < last) cell = cell_at(after);

      float weight[4];  // of positions 2t, 2t + 1, 2t + 8, 2t + 9
#pragma unroll
      for (uint32_t i = 0; i < 4; ++i) {
        const float x = score[i / 2][i % 2] + score[i / 2][i % 2 + 2];
        weight[i] = p.softcap != 0 ? p.softcap * tanh(x / p.softcap) : x;
      }
      if (first + kRowTile > end) {
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i)
          if (first + 2 * t + i % 2 + i / 2 * 8 >= end) weight[i] = kNever;
      }
      const float largest = warp_max<4>(max(max(weight[0], weight[1]), max(weight[2], weight[3])));
      const float now = max(top, largest - kWeightRoom);
      if (any(now > top)) {
        const float shrink = quick_exp2((top - now) * kLog2OfE);
        top = now;
        total *= shrink;
        const float low = shuffle(shrink, 8 * t), high = shuffle(shrink, 8 * t + 4);
#pragma unroll
        for (uint32_t i = 0; i < kGroups * 4; ++i) {
          sum[i][0] *= low, sum[i][2] *= low;
          sum[i][1] *= high, sum[i][3] *= high;
        }
      }
#pragma unroll
      for (uint32_t i = 0; i < 4; ++i) weight[i] = quick_exp2((weight[i] - top) * kLog2OfE);
      total += (weight[0] + weight[1]) + (weight[2] + weight[3]);
      const SplitPair a = split_pair(weight[0], weight[1]), b = split_pair(weight[2], weight[3]);
      const uint32_t weights[2] = {a.high, b.high}, rest[2] = {a.low, b.low};
#pragma unroll
      for (uint32_t s = 0; s < kGroups; ++s) {
        uint32_t words[4][4];
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) {
          const Word4 x = tile.values[i][s];
          words[i][0] = x.x, words[i][1] = x.y, words[i][2] = x.z, words[i][3] = x.w;
        }
#pragma unroll
        for (uint32_t j = 0; j < 4; ++j) {
          const uint32_t of[4] = {
              permute_bytes(words[0][j], words[1][j], 0x5410), permute_bytes(words[0][j], words[1][j], 0x7632),
              permute_bytes(words[2][j], words[3][j], 0x5410), permute_bytes(words[2][j], words[3][j], 0x7632)};
          mma_m16n8k16_f16(sum[4 * s + j], of, weights);
          mma_m16n8k16_f16(sum[4 * s + j], of, rest);
        }
      }
      if (more) load_values(cell_of_values, false);
      first = next;
      next = after;
    }

    total = warp_sum<4>(total);
    if (t == 0) {
      softmaxes[2 * (warp() * kRowHeads + g)] = top;
      softmaxes[2 * (warp() * kRowHeads + g) + 1] = total;
    }
#pragma unroll
    for (uint32_t i = 0; i < kGroups * 4; ++i)
#pragma unroll
      for (uint32_t j = 0; j < 4; ++j) {
        const uint32_t head = 2 * t + j % 2, value = i / 4 * 64 + 8 * g + i % 4 * 2 + j / 2;
        sums[(warp() * kRowHeads + head) * kLine + value] = sum[i][j];
      }
    sync_block();
    if (has_own) {
      Running of = {kNever, 0};
#pragma unroll
      for (uint32_t w = 0; w < kRowWarps; ++w) {
        const float other = softmaxes[2 * (w * kRowHeads + warp())];
        of.top = max(of.top, other);
      }
      float x[kEach];
#pragma unroll
      for (uint32_t i = 0; i < kEach; ++i) x[i] = 0;
#pragma unroll
      for (uint32_t w = 0; w < kRowWarps; ++w) {
        const uint32_t its = w * kRowHeads + warp();
        const float other = softmaxes[2 * its], weights = softmaxes[2 * its + 1];
        const float by = quick_exp2((other - of.top) * kLog2OfE);
        of.total = fma(weights, by, of.total);
#pragma unroll
        for (uint32_t i = 0; i < kEach; ++i) {
          const float y = sums[its * kLine + lane() + kWarp * i];
          x[i] = fma(y, by, x[i]);
        }
      }
      const Factors factors = join(all, of);
#pragma unroll
      for (uint32_t i = 0; i < kEach; ++i) made[i] = joined(made[i], factors, x[i]);
    }
    if (++part == last_part) break;
    begin += seen.part;
    sync_block();
  }

  if (!has_own) return;
  if (of_part) {
    const auto left = place_of_part(p.parts, first_head + warp(), p.most_parts, first_part, kSize);
    if (lane() == 0) {
      left[0] = all.top;
      left[1] = all.total;
    }
#pragma unroll
    for (uint32_t i = 0; i < kEach; ++i) left[2 + lane() + kWarp * i] = made[i];
  } else {
    const ResultRow result(p, row);
    const uint32_t head = kv_head * group + pack * p.packed + warp();
#pragma unroll
    for (uint32_t i = 0; i < kEach; ++i) result.write_32(head * kSize + kWarp * i, made[i] / all.total, true);
  }
}

}  // namespace hearth::cuda
