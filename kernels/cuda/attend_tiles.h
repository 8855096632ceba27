// attend_tiles: attention of many rows of a sequence with products of matrices. A block makes `tile_rows` rows of a
// sequence for `packed` heads that share a head of the cache: queries m = row * packed + head, 16 of them a warp.
// It goes over the positions that its rows see in tiles of kKeys, which are copied ahead; scores, softmax and the sums
// of values stay in registers. Queries, weights and what is decoded of a q8_0 cache are binary16 numbers.
#pragma once

#include "kernels/cuda/batch.h"
#include "kernels/cuda/cache.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::cuda {

// The rows of a block. Without rows where there is no such tile.
struct QueryTile {
  uint32_t sequence, first, rows;
};
// Tiles are counted from the last one of the last sequence on, so that those that see most begin first.
HEARTH_DEVICE QueryTile query_tile(const BatchWords& batch, uint32_t tile, uint32_t tile_rows) {
  QueryTile found{0, 0, 0};
  const uint32_t sequences = batch.word(Header::sequences);
  uint32_t tiles_before = 0;
  for (uint32_t s = 0; s < sequences && found.rows == 0; s += kWarp) {
    const bool is_there = s + lane() < sequences;
    const uint32_t own = is_there ? sequences - 1 - s - lane() : 0;
    const uint32_t begin = batch.at(Header::row_begin, own), end = batch.at(Header::row_begin, own + 1);
    const uint32_t tiles = is_there ? (end - begin + tile_rows - 1) / tile_rows : 0;
    uint32_t sum = tiles;  // with those of the lanes before
#pragma unroll
    for (uint32_t by = 1; by < kWarp; by *= 2) {
      const uint32_t others = shuffle_up(sum, by);
      sum += lane() < by ? 0 : others;
    }
    const uint32_t of_own = tile + tiles - sum - tiles_before;  // no tile of the lane's where it is tiles or more
    const uint32_t having = ballot(of_own < tiles);
    const uint32_t from = having == 0 ? 0 : trailing_zeros(having);
    const uint32_t first = shuffle(begin + (tiles - 1 - of_own) * tile_rows, from);
    const uint32_t sequence = shuffle(own, from), last = shuffle(end, from);
    if (having != 0) found = {sequence, first, min(tile_rows, last - first)};
    tiles_before += shuffle(sum, kWarp - 1);
  }
  return found;
}

// How a kernel does it: of heads of kSize values, a multiple of 16, of a q8_0 cache 64 or 128. Two tiles of kKeys are
// under way at a time.
template <uint32_t type, uint32_t size>
struct AttendShape {
  static constexpr uint32_t kType = type, kSize = size;
  static constexpr uint32_t kThreads = gpu::kAttendTilesThreads, kQueries = gpu::kAttendTilesQueries;
  static constexpr bool kDecodes = type == kKvQ8;
  static constexpr uint32_t kKeys = gpu::attend_tiles_keys(kDecodes, size), kStages = 2;
  // In words of 16 bytes. Rows are padded so that those that are loaded at once lie in banks of their own.
  static constexpr uint32_t kRow = size / 8 + 1, kTile = 2 * kKeys * kRow;
  // Of a q8_0 cache, as it is: 17 pieces of a row, of size / 16 bytes.
  static constexpr uint32_t kRawHalf = kKeys * 17 * size / 256, kRawTile = 2 * kRawHalf;
  static constexpr uint32_t kSharedBytes = 16 * (kDecodes ? kTile + kStages * kRawTile : kStages * kTile);
  static_assert(kKeys <= kThreads && kQueries * 2 == kThreads && size % 16 == 0 && size <= 128);
  static_assert(kSharedBytes == gpu::attend_tiles_shared(kDecodes, size));
};

constexpr uint32_t kNoCell = 0xffffffff;
constexpr float kLog2e = 1.44269504088896341f;
// Weights are multiplied by 2^kLift, which their sum takes out again: small ones are not lost as binary16 numbers.
constexpr float kLift = 14;
constexpr float kLeastScore = -1.0e37f;

// Begins copies of a head's part of kKeys rows of the cache.
template <class Shape>
HEARTH_DEVICE void copy_rows(Address from, uint64_t row_bytes, Shared<uint32_t> cells, Shared<Word4> to) {
  if constexpr (Shape::kDecodes) {
    constexpr uint32_t kPiece = Shape::kSize / 16, kPieces = 17;
    const Shared<Word2> twos = cast<Word2>(to);
    const Shared<uint32_t> ones = cast<uint32_t>(to);
#pragma unroll 4
    for (uint32_t i = thread_index(); i < Shape::kKeys * kPieces; i += Shape::kThreads) {
      const uint32_t cell = cells[i / kPieces];
      const Address at = from + (cell == kNoCell ? 0 : cell * row_bytes) + i % kPieces * kPiece;
      const uint32_t valid = cell == kNoCell ? 0 : kPiece;
      if constexpr (kPiece == 16) copy_async_16(to + i, global<const Word4>(at), valid);
      if constexpr (kPiece == 8) copy_async_8(twos + i, global<const Word2>(at), valid);
      if constexpr (kPiece == 4) copy_async_4(ones + i, global<const uint32_t>(at), valid);
    }
  } else {
    constexpr uint32_t kPieces = Shape::kSize / 8;
#pragma unroll
    for (uint32_t begin = 0; begin < Shape::kKeys * kPieces; begin += Shape::kThreads) {
      const uint32_t i = begin + thread_index(), key = i / kPieces, piece = i % kPieces;
      if (Shape::kKeys * kPieces % Shape::kThreads != 0 && key >= Shape::kKeys) break;
      const uint32_t cell = cells[key];
      const Address at = from + (cell == kNoCell ? 0 : cell * row_bytes) + piece * 16;
      copy_async_16(to + (key * Shape::kRow + piece), global<const Word4>(at), cell == kNoCell ? 0 : 16);
    }
  }
}

// Four bytes from `four` on as binary16 numbers times `scale`, a pair of the same. Numbers are exact before that.
HEARTH_DEVICE Word2 decode_four(uint32_t four, uint32_t scale) {
  const uint32_t shifted = four ^ 0x80808080u;  // + 128, and 0x6400 above it is + 1024
  const uint32_t low = add_halves(permute_bytes(shifted, 0x64646464u, 0x4140), 0xe480e480u);
  const uint32_t high = add_halves(permute_bytes(shifted, 0x64646464u, 0x4342), 0xe480e480u);
  return {multiply_halves(low, scale), multiply_halves(high, scale)};
}

// Two blocks, which follow one another in 17 words, become 64 numbers: a thread has them of one row.
template <class Shape>
HEARTH_DEVICE void decode_rows(Shared<Word4> raw, Shared<Word4> to) {
  constexpr uint32_t kPairs = Shape::kSize / 64;
  const Shared<uint32_t> words = cast<uint32_t>(raw);
#pragma unroll 1
  for (uint32_t i = thread_index(); i < Shape::kKeys * kPairs; i += Shape::kThreads) {
    const uint32_t key = i % Shape::kKeys, pair = i / Shape::kKeys;
    const Shared<uint32_t> from = words + (key * kPairs + pair) * 17;
    const Shared<Word4> made = to + (key * Shape::kRow + pair * 8);
    uint32_t last = from[0];
    const uint32_t first_scale = permute_bytes(last, 0, 0x1010);
#pragma unroll
    for (uint32_t eight = 0; eight < 4; ++eight) {
      const uint32_t next = from[2 * eight + 1], then = from[2 * eight + 2];
      const Word2 a = decode_four(shift_right(last, next, 16), first_scale);
      const Word2 b = decode_four(shift_right(next, then, 16), first_scale);
      made[eight] = Word4{a.x, a.y, b.x, b.y};
      last = then;
    }
    const uint32_t second_scale = permute_bytes(last, 0, 0x3232);
#pragma unroll
    for (uint32_t eight = 0; eight < 4; ++eight) {
      const uint32_t one = from[2 * eight + 9], other = from[2 * eight + 10];
      const Word2 a = decode_four(one, second_scale), b = decode_four(other, second_scale);
      made[4 + eight] = Word4{a.x, a.y, b.x, b.y};
    }
  }
}

// softcap * tanh(score / softcap), to some 1e-6 of softcap.
HEARTH_DEVICE float quick_softcap(float score, float softcap) {
  const float e = quick_exp2(score / softcap * (2 * kLog2e));
  return softcap - 2 * softcap * quick_reciprocal(1 + e);
}

template <class Shape>
HEARTH_DEVICE void attend_tile(const gpu::AttendParameters& p, const BatchWords& batch, const QueryTile& tile) {
  constexpr uint32_t kSize = Shape::kSize, kRow = Shape::kRow, kKeys = Shape::kKeys, kStages = Shape::kStages;
  HEARTH_DYNAMIC_SHARED(Word4, shared);
  HEARTH_SHARED(uint32_t, (kStages + 1) * kKeys, cells);
  const uint32_t group = p.heads / p.kv_heads, packs = (group + p.packed - 1) / p.packed;
  const uint32_t kv_head = block_index().x / packs, pack = block_index().x % packs;
  const uint32_t heads = min(p.packed, group - pack * p.packed), first_head = kv_head * group + pack * p.packed;

  // Row r of the tile sees positions up to its end.
  const uint32_t causal = p.causal != 0 ? 1 : 0;
  const uint32_t end_row = causal != 0 ? tile.first : batch.at(Header::row_begin, tile.sequence + 1) - 1;
  const uint32_t least_end = batch.at(Header::positions, end_row) + 1;
  const uint32_t most_end = least_end + causal * (tile.rows - 1);
  const auto begin_of = [&](uint32_t end) { return p.window != 0 && end > p.window ? end - p.window : 0; };
  const uint32_t least_begin = begin_of(least_end), most_begin = begin_of(most_end);
  const uint32_t tiles = (most_end - least_begin + kKeys - 1) / kKeys;

  const uint64_t key_bytes = kv_row_bytes(Shape::kType, p.key_width);
  const uint64_t value_bytes = kv_row_bytes(Shape::kType, p.value_width);
  const Address keys_at = p.keys + kv_row_bytes(Shape::kType, kv_head * kSize);
  const Address values_at = p.values + kv_row_bytes(Shape::kType, kv_head * kSize);
  const auto cell_of = [&](uint32_t t) {
    const uint32_t position = least_begin + t * kKeys + thread_index();
    const bool is_seen = thread_index() < kKeys && position < most_end;
    return is_seen ? static_cast<uint32_t>(batch.cell_of(tile.sequence, position, p.page_size)) : kNoCell;
  };
  const auto copy_tile = [&](uint32_t t) {
    if (t < tiles) {
      const Shared<uint32_t> from = cells + t % (kStages + 1) * kKeys;
      if constexpr (Shape::kDecodes) {
        const Shared<Word4> to = shared + (Shape::kTile + t % kStages * Shape::kRawTile);
        copy_rows<Shape>(keys_at, key_bytes, from, to);
        copy_rows<Shape>(values_at, value_bytes, from, to + Shape::kRawHalf);
      } else {
        const Shared<Word4> to = shared + t % kStages * Shape::kTile;
        copy_rows<Shape>(keys_at, key_bytes, from, to);
        copy_rows<Shape>(values_at, value_bytes, from, to + kKeys * kRow);
      }
    }
    commit_copies();
  };
#pragma unroll
  for (uint32_t t = 0; t < kStages; ++t) {
    const uint32_t cell = cell_of(t);
    if (thread_index() < kKeys) cells[t * kKeys + thread_index()] = cell;
  }

  // A lane has queries lane() / 4 and + 8 of its warp's 16.
  uint32_t end[2];
  Global<float> outs[2];
  float top[2], total[2];  // of the softmax so far
  uint32_t query[kSize / 16][4];
#pragma unroll
  for (uint32_t i = 0; i < 2; ++i) {
    const uint32_t m = warp() * 16 + i * 8 + lane() / 4, row = m / p.packed, head = m % p.packed;
    const bool is_there = row < tile.rows && head < heads;
    const uint64_t place = is_there ? static_cast<uint64_t>(tile.first + row) * p.heads + first_head + head : 0;
    end[i] = is_there ? least_end + causal * row : 0;
    outs[i] = floats_at(p.out, place * kSize);
    const bool has_sink = is_there && p.sinks != 0;
    top[i] = has_sink ? read<float>(p.sinks, first_head + head) : kLeastScore;
    total[i] = has_sink && lane() % 4 == 0 ? quick_exp2(kLift) : 0.0f;
    const Global<const Word2> q = global<const Word2>(p.q + place * kSize * 4);
#pragma unroll
    for (uint32_t s = 0; s < kSize / 8; ++s) {
      const Word2 two = q[s * 4 + lane() % 4];
      query[s / 2][s % 2 * 2 + i] = pack_halves(float_of(two.x) * p.scale, float_of(two.y) * p.scale);
    }
  }
  sync_block();
#pragma unroll
  for (uint32_t t = 0; t + 1 < kStages; ++t) copy_tile(t);

  float sums[kSize / 8][4];
#pragma unroll
  for (uint32_t n = 0; n < kSize / 8; ++n)
#pragma unroll
    for (uint32_t i = 0; i < 4; ++i) sums[n][i] = 0;
  const uint32_t key_lane = (lane() / 16 * 8 + lane() % 8) * kRow + lane() / 8 % 2;
  const uint32_t value_lane = (kKeys + lane() % 16) * kRow + lane() / 16;

#pragma unroll 1
  for (uint32_t t = 0; t < tiles; ++t) {
    wait_copies<kStages - 2>();
    sync_block();  // all have what was copied, and are done with the stage that is overwritten next
    copy_tile(t + kStages - 1);
    const uint32_t next_cell = cell_of(t + kStages);
    const Shared<Word4> stage = Shape::kDecodes ? shared : shared + t % kStages * Shape::kTile;
    if constexpr (Shape::kDecodes) {
      const Shared<Word4> raw = shared + (Shape::kTile + t % kStages * Shape::kRawTile);
      decode_rows<Shape>(raw, shared);
      decode_rows<Shape>(raw + Shape::kRawHalf, shared + kKeys * kRow);
      sync_block();
    }
    float scores[kKeys / 8][4];
#pragma unroll
    for (uint32_t n = 0; n < kKeys / 8; ++n)
#pragma unroll
      for (uint32_t i = 0; i < 4; ++i) scores[n][i] = 0;
#pragma unroll
    for (uint32_t s = 0; s < kSize / 16; ++s)
#pragma unroll
      for (uint32_t n = 0; n < kKeys / 16; ++n) {
        uint32_t b[4];
        ldmatrix_x4(b, stage + (key_lane + n * 16 * kRow + 2 * s));
        mma_m16n8k16_f16(scores[2 * n], query[s], {b[0], b[1]});
        mma_m16n8k16_f16(scores[2 * n + 1], query[s], {b[2], b[3]});
      }
    const uint32_t first = least_begin + t * kKeys;
    if (p.softcap != 0) {
#pragma unroll
      for (uint32_t n = 0; n < kKeys / 8; ++n)
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) scores[n][i] = quick_softcap(scores[n][i], p.softcap);
    }
    if (first < most_begin || first + kKeys > least_end) {
#pragma unroll
      for (uint32_t n = 0; n < kKeys / 8; ++n)
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) {
          const uint32_t position = first + n * 8 + lane() % 4 * 2 + i % 2, until = end[i / 2];
          if (position >= until || position < begin_of(until)) scores[n][i] = float_of(0xff800000);
        }
    }
#pragma unroll
    for (uint32_t i = 0; i < 2; ++i) {
      float now = top[i];
#pragma unroll
      for (uint32_t n = 0; n < kKeys / 8; ++n) now = max(now, max(scores[n][i * 2], scores[n][i * 2 + 1]));
      now = max(now, shuffle_xor(now, 1));
      now = max(now, shuffle_xor(now, 2));
      const float shrink = quick_exp2((top[i] - now) * kLog2e), less = fma(now, -kLog2e, kLift);
      top[i] = now;
      float sum = 0;
#pragma unroll
      for (uint32_t n = 0; n < kKeys / 8; ++n)
#pragma unroll
        for (uint32_t j = i * 2; j < i * 2 + 2; ++j) {
          const float weight = quick_exp2(fma(scores[n][j], kLog2e, less));
          scores[n][j] = weight;
          sum += weight;
        }
      total[i] = fma(total[i], shrink, sum);
#pragma unroll
      for (uint32_t n = 0; n < kSize / 8; ++n) {
        sums[n][i * 2] *= shrink;
        sums[n][i * 2 + 1] *= shrink;
      }
    }
#pragma unroll
    for (uint32_t k = 0; k < kKeys / 16; ++k) {
      uint32_t weights[4];
#pragma unroll
      for (uint32_t i = 0; i < 4; ++i) {
        const auto& four = scores[2 * k + i / 2];
        weights[i] = pack_halves(four[i % 2 * 2], four[i % 2 * 2 + 1]);
      }
#pragma unroll
      for (uint32_t n = 0; n < kSize / 16; ++n) {
        uint32_t b[4];
        ldmatrix_x4_transposed(b, stage + (value_lane + k * 16 * kRow + 2 * n));
        mma_m16n8k16_f16(sums[2 * n], weights, {b[0], b[1]});
        mma_m16n8k16_f16(sums[2 * n + 1], weights, {b[2], b[3]});
      }
    }
    if (thread_index() < kKeys) cells[(t + kStages) % (kStages + 1) * kKeys + thread_index()] = next_cell;
  }
  wait_copies<0>();
#pragma unroll
  for (uint32_t i = 0; i < 2; ++i) {
    if (end[i] == 0) total[i] = 1;
    float all = total[i];
    all += shuffle_xor(all, 1);
    all += shuffle_xor(all, 2);
    if (end[i] == 0) continue;
    const float part = 1.0f / all;
    const Global<Word2> to = cast<Word2>(outs[i]);
#pragma unroll
    for (uint32_t n = 0; n < kSize / 8; ++n)
      to[n * 4 + lane() % 4] = Word2{bits_of(sums[n][i * 2] * part), bits_of(sums[n][i * 2 + 1] * part)};
  }
}

// A batch of many sequences may have more tiles than there are blocks.
template <class Shape>
HEARTH_DEVICE void attend_tiles(const gpu::AttendParameters& p, const Constants&) {
  const BatchWords batch(p.batch);
  const uint32_t tile_rows = Shape::kQueries / p.packed;
  uint32_t t = block_index().y;
  QueryTile tile = query_tile(batch, t, tile_rows);
#pragma unroll 1
  while (tile.rows != 0) {
    attend_tile<Shape>(p, batch, tile);
    sync_block();
    t += grid_size().y;
    tile = query_tile(batch, t, tile_rows);
  }
}

}  // namespace hearth::cuda
