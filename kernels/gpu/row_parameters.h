// What the kernels that read no weights are told, and how they are dispatched: workgroups along x, y and z. Sizes are
// in values, booleans 0 or 1. rows_at is the header's word that has the number of rows.
#pragma once

#include "kernels/gpu/parameters.h"

namespace hearth::gpu {

// norm: [ceil(width / run), rows]. Constant 0: centered.
struct NormParameters {
  Address in, out, gain, bias, add, batch;
  uint32_t width, run, gain_rows, rows_at;
  float eps;
};
static_assert(sizeof(NormParameters) == 72);

// norm_round: [1, rows]. norm of whole rows, and their rounding as that of round_inputs, [rows x rounded_stride] words;
// the width is a multiple of 32. Without `out` they are only rounded. Constants: 0 centered, 1 as round_inputs' 0.
struct NormRoundParameters {
  Address in, out, rounded, gain, bias, add, batch;
  uint32_t width, rounded_stride, rows_at;
  float eps;
};
static_assert(sizeof(NormRoundParameters) == 72);

// rope: [q_heads + k_heads, rows]
struct RopeParameters {
  Address q, k, batch;
  uint32_t q_heads, k_heads, head_size, first, pairs;
  uint32_t row_pairs, first_pair;  // of all tables, of which this one's begin there
  uint32_t adjacent;
  float temperature;
  uint32_t temperature_span;
};
static_assert(sizeof(RopeParameters) == 64);

// store: [ceil(units / 64), rows, 1 or with values 2]; units of the wider are values, or blocks of 32. Constant 0: the
// KvType.
struct StoreParameters {
  Address k, v, keys, values, batch;
  uint32_t key_width, value_width, page_size;
  uint32_t unused = 0;
};
static_assert(sizeof(StoreParameters) == 56);

// rope_store: rope and store at once, of heads that can_rope_store(): [ceil((q + key + value width) / 8 /
// kRopeStoreThreads), rows]. Constant 0: the KvType. Only some machines have it.
struct RopeStoreParameters {
  Address q, k, v, keys, values, batch;  // v: 0 where there are no values
  uint32_t q_heads, head_size, key_width, value_width, page_size;
  uint32_t row_pairs, first_pair;
  uint32_t adjacent;
  float temperature;
  uint32_t temperature_span;
};
static_assert(sizeof(RopeStoreParameters) == 88);
inline constexpr uint32_t kRopeStoreThreads = 128;
// Whether all values of heads turn, by whole blocks of the cache.
constexpr bool can_rope_store(uint32_t head_size, uint32_t pairs, uint32_t value_width) {
  return head_size % 64 == 0 && 2 * pairs == head_size && value_width % 32 == 0;
}

// attend: a workgroup makes `packed` heads that share a head of the cache, kAttendValues values of each, for one row.
// [kv_heads x packs of heads x slices of values, rows, 1], each over all positions that the row sees; or where there
// are `parts`, [the same, rows, any number], each over one of part_count() parts, which leaves the largest score, the
// sum of the weights and the weighted values at parts [rows x heads x most_parts x (2 + value_size)] for attend_join.
// Both give the same bits. Constants: 0 the KvType, 1 packed, 2 head_room(), 3 is 1 where is_whole_cache().
struct AttendParameters {
  Address q, out, keys, values, sinks, batch, parts;
  uint32_t heads, kv_heads, head_size, value_size, key_width, value_width, page_size, window, causal;
  float scale, softcap;
  uint32_t packed, most_parts;
  uint32_t unused = 0;
  Address rounded = 0;  // of attend_row alone
};
static_assert(sizeof(AttendParameters) == 120);
inline constexpr uint32_t kAttendThreads = 128;  // and positions whose scores are made at once
inline constexpr uint32_t kMostPacked = 8, kAttendValues = 512;
// Whether every 8 neighbours of a head's keys and every 4 of its values lie so that they can be read at once.
constexpr bool is_whole_cache(uint32_t head_size, uint32_t value_size, uint32_t key_width, uint32_t value_width) {
  return head_size % 8 == 0 && key_width % 8 == 0 && value_size % 4 == 0 && value_width % 4 == 0;
}
// The values that queries have room for: of few sizes, so that few kernels are compiled.
constexpr uint32_t head_room(uint32_t head_size) { return (head_size + 63) / 64 * 64; }
// Bytes that a workgroup shares, of heads of `room` values: some kernels make a power of two of heads.
constexpr uint64_t attend_shared(uint32_t packed, uint32_t room) {
  uint32_t heads = 1;
  while (heads < packed) heads *= 2;
  return kAttendThreads * (4 * heads + 28) + 4 * uint64_t{heads} * (4 + room);
}
// Of a group of heads, how many a workgroup makes where so many bytes may be shared: packs are as even as can be.
constexpr uint32_t packed_heads(uint32_t group, uint32_t room, uint64_t shared_bytes) {
  uint32_t most = kMostPacked;
  while (most > 1 && attend_shared(most, room) > shared_bytes) most /= 2;
  const uint32_t packs = (group + most - 1) / most;
  return (group + packs - 1) / packs;
}

// attend_row: attend over a cache of halves, of heads that has_attend_row(): at most kMostPacked of them packed, and at
// most kMostPartsOfRow parts. Where there is `rounded`, rows of the result, of heads * value_size values, are also
// rounded to bytes as round_inputs rounds them, [rows x rounded_words()]; without `out` they are only rounded.
// Constants: 0 the KvType, 1 head_size. Only some machines have it.
inline constexpr uint32_t kAttendRowThreads = 256, kMostPartsOfRow = 16;
constexpr bool has_attend_row(uint32_t head_size, uint32_t value_size, uint32_t key_width, uint32_t value_width) {
  return (head_size == 64 || head_size == 128) && value_size == head_size && key_width % 8 == 0 && value_width % 8 == 0;
}

// attend_join: [heads, rows]. Joins what attend left of the parts; behind attend_row, also to `rounded`. Constant 0:
// the most parts that it cut into; 0: kMostParts.
struct AttendJoinParameters {
  Address parts, out, sinks, batch;
  uint32_t heads, value_size, most_parts, window, causal;
  uint32_t unused = 0;
  Address rounded = 0;
};
static_assert(sizeof(AttendJoinParameters) == 64);

// The positions that a row sees are cut into parts of as many kLeastPart as it takes for at most kMostParts of them (or
// as the kernel says): where the cuts lie depends on their number alone. So parts of many positions are nearly as many
// as they may be.
inline constexpr uint32_t kLeastPart = 128, kMostParts = 64;
inline constexpr uint32_t kPartsToCut = 4;  // that workgroups share; to join fewer takes longer than it saves
constexpr uint32_t part_size(uint32_t positions, uint32_t most = kMostParts) {
  const uint32_t least = (positions + kLeastPart - 1) / kLeastPart;
  return (least < most ? 1 : (least + most - 1) / most) * kLeastPart;
}
constexpr uint32_t part_count(uint32_t positions, uint32_t most = kMostParts) {
  const uint32_t size = part_size(positions, most);
  return (positions + size - 1) / size;
}
// Of so many positions or fewer.
constexpr uint32_t most_parts(uint32_t positions, uint32_t most = kMostParts) {
  const uint32_t count = (positions + kLeastPart - 1) / kLeastPart;
  return count < most ? count : most;
}

// attend_tiles: attend for many rows, of heads that has_attend_tiles(), at most kAttendTilesQueries of them packed. A
// workgroup makes kAttendTilesQueries / packed rows of a sequence at a time: [kv_heads x packs of heads, any number,
// best as many as there are such tiles of rows]. Sums are made in another order than attend makes them, of queries and
// weights rounded to binary16. Constants: 0 the KvType, 1 the head size. Only some machines have it.
inline constexpr uint32_t kAttendTilesQueries = 128, kAttendTilesThreads = 256;
// Rows from which on it is faster, where a sequence has kRowsOfSequence of them in the mean.
inline constexpr uint32_t kRowsForTiles = 32, kRowsOfSequence = 4;
// Whether heads are of a size that it knows, and lie in a row of a cache of f16 or q8_0 so that they can be copied.
constexpr bool has_attend_tiles(uint32_t head_size, uint32_t value_size, uint32_t key_width, uint32_t value_width) {
  return (head_size == 64 || head_size == 128) && value_size == head_size && key_width % head_size == 0 &&
         value_width % head_size == 0;
}
constexpr uint32_t attend_tiles_packed(uint32_t group) {
  const uint32_t packs = (group + kAttendTilesQueries - 1) / kAttendTilesQueries;
  return (group + packs - 1) / packs;
}
// The keys that a block takes at a time.
constexpr uint32_t attend_tiles_keys(bool is_q8_0, uint32_t head_size) {
  return !is_q8_0 && head_size <= 64 ? 128 : 64;
}
// Bytes that a block shares: keys and values twice, in padded rows; or of Q8_0 once, and twice as they lie in the
// cache.
constexpr uint32_t attend_tiles_shared(bool is_q8_0, uint32_t head_size) {
  const uint32_t rows = 2 * attend_tiles_keys(is_q8_0, head_size), halves = rows * (head_size * 2 + 16);
  return is_q8_0 ? halves + 2 * rows * (head_size / 32 * 34) : 2 * halves;
}

// read_words: [any number]. Reads `count` times 16 bytes, and leaves the sum of what each workgroup has read, as 32-bit
// integers, at out.
struct ReadWordsParameters {
  Address from, out;
  uint64_t count;
};
static_assert(sizeof(ReadWordsParameters) == 24);

// states: [ceil(width / 256)]
struct StatesParameters {
  Address states, batch;
  uint32_t width;
  uint32_t unused = 0;
};
static_assert(sizeof(StatesParameters) == 24);

// convolve: [ceil(channels / 64), any number]. Constant 0: taps - 1.
struct ConvolveParameters {
  Address in, out, kernel, states, batch;
  uint32_t channels, act;
};
static_assert(sizeof(ConvolveParameters) == 48);

// delta_rule: [ceil(value_size / 64), any number, heads]. Constant 0: key_size or more.
struct DeltaRuleParameters {
  Address in, decay, beta, out, rate, decay_bias, states, batch;
  uint32_t key_heads, heads, key_size, value_size, cyclic;
  float eps;
};
static_assert(sizeof(DeltaRuleParameters) == 88);
inline constexpr uint32_t kDeltaRuleShared = 64 * 4;  // bytes beside q and k

// gate: [ceil(width / 64), rows]
struct GateParameters {
  Address gate, in, out, batch;
  uint32_t width, rows_at, act;
  uint32_t unused = 0;
};
static_assert(sizeof(GateParameters) == 48);

// copy_heads: [ceil(count / 64), rows, heads]. Constant 0: rows of the source are those that outputs name.
struct CopyHeadsParameters {
  Address in, out, batch;
  uint32_t in_width, in_stride, out_width, out_stride, count, rows_at;
};
static_assert(sizeof(CopyHeadsParameters) == 48);

// logits: [ceil(width / 256), rows that are wanted whole], which follow one another in out.
struct LogitsParameters {
  Address in, out, batch;
  uint32_t width;
  float softcap;
};
static_assert(sizeof(LogitsParameters) == 32);

// candidates: [ceil(width / kCandidateChunk), rows of which candidates are wanted]. Writes as many of each chunk of a
// row, in any order: to pairs [row's candidates before it x chunks + chunk x its own] of an ordered_float, 0 where
// there is no candidate, and a token.
struct CandidatesParameters {
  Address in, pairs, batch;
  uint32_t width;
  float softcap;
};
static_assert(sizeof(CandidatesParameters) == 32);
inline constexpr uint32_t kCandidateChunk = 4096;
inline constexpr uint32_t kMostChosen = 256;  // candidates of a row; each is ranked by a thread of its own
constexpr uint32_t candidate_chunks(uint32_t width) { return (width + kCandidateChunk - 1) / kCandidateChunk; }

// best_candidates: [1, rows of which candidates are wanted]. Writes the best of all chunks, the best first: pairs of a
// float and a token, which is -1 where there is no candidate.
struct BestCandidatesParameters {
  Address pairs, out, batch;
  uint32_t chunks;
  uint32_t unused = 0;
};
static_assert(sizeof(BestCandidatesParameters) == 32);

// combine: [ceil(width / 64), rows]
struct CombineParameters {
  Address made, route, add, out, batch;
  uint32_t width, used, rows_at;
  uint32_t unused = 0;
};
static_assert(sizeof(CombineParameters) == 56);

// route: [1, rows]. scores: scratch, [rows x (count + groups)].
struct RouteParameters {
  Address products, scores, selection_bias, out, batch;
  uint32_t count, used, groups, groups_used, softmax, normalised, rows_at;
  float scale;
};
static_assert(sizeof(RouteParameters) == 72);

// adapter_down: [rank, rows * used]
struct AdapterDownParameters {
  Address in, down, low, route, batch;
  uint32_t width, rank, used, in_of_place, rows_at, sequences_at, adapters, adapter;
};
static_assert(sizeof(AdapterDownParameters) == 72);

// adapter_up: [ceil(count / 64), rows * used]
struct AdapterUpParameters {
  Address low, up, bias, out, route, batch;
  uint32_t count, rank, used, goes_on, rows_at, sequences_at, adapters, adapter;
  float factor;
  uint32_t unused = 0;
};
static_assert(sizeof(AdapterUpParameters) == 88);

// adapter_embed: [ceil(width / 64), rows]
struct AdapterEmbedParameters {
  Address down, up, out, batch;
  uint32_t width, rank, adapters, adapter;
  float factor;
  uint32_t unused = 0;
};
static_assert(sizeof(AdapterEmbedParameters) == 56);

}  // namespace hearth::gpu
