// The largest logits of a row: of its chunks side by side, then of what those left.
#include "kernels/cuda/batch.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/softcap.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::cuda {

constexpr uint32_t kCandidateThreads = gpu::kMostChosen;
constexpr uint32_t kOfThread = gpu::kCandidateChunk / kCandidateThreads;

// Numbers as integers from 1 on in the same order, both zeros as one; NaN is 0.
HEARTH_DEVICE uint32_t ordered_float(float x) {
  const uint32_t bits = bits_of(x), size = bits & 0x7fffffffu;
  const uint32_t order = bits != size && size != 0 ? ~bits : size | 0x80000000u;
  return size > 0x7f800000u ? 0u : order;
}
HEARTH_DEVICE float float_of_order(uint32_t order) {
  return float_of(order >= 0x80000000u ? order & 0x7fffffffu : ~order);
}

// Those above `least`, and of those that are `least` the tokens up to `last`.
struct Chosen {
  uint32_t least, last;
};
HEARTH_DEVICE bool takes(const Chosen& chosen, uint32_t key, uint32_t token) {
  return key > chosen.least || (key == chosen.least && token <= chosen.last);
}

// The largest x that no fewer than `wanted` of a block's keys reach, or 0; reached(x): how many of the thread's do.
template <class Reached>
HEARTH_DEVICE uint32_t largest_reached(uint32_t wanted, Reached&& reached) {
  uint32_t x = 0;
  for (uint32_t bit = 0x80000000u, turn = 0; bit != 0; bit /= 2, turn ^= 1)
    if (block_count<kCandidateThreads>(reached(x | bit), turn) >= wanted) x |= bit;
  return x;
}

// The first `wanted` of a block's keys that are not 0, of equal ones the lowest tokens. each(f) calls f(key, token) for
// those of the thread.
template <class Each>
HEARTH_DEVICE Chosen choose(uint32_t wanted, Each&& each) {
  const auto reached = [&](uint32_t x) {
    uint32_t count = 0;
    each([&](uint32_t key, auto&&) { count += key >= x ? 1u : 0u; });
    return count;
  };
  Chosen chosen{max(largest_reached(wanted, reached), 1u), 0xffffffffu};
  if (block_count<kCandidateThreads>(reached(chosen.least), 0) > wanted) {
    const uint32_t above = block_count<kCandidateThreads>(reached(chosen.least + 1), 1);
    chosen.last = ~largest_reached(wanted - above, [&](uint32_t x) {
      uint32_t count = 0;
      each([&](uint32_t key, auto&& token) { count += key == chosen.least && ~token() >= x ? 1u : 0u; });
      return count;
    });
  }
  return chosen;
}

// What the batch says of a row of which candidates are wanted.
struct ChosenRow {
  uint32_t row, wanted, before;
};
HEARTH_DEVICE ChosenRow chosen_row(const BatchWords& batch, uint32_t which) {
  return {batch.at(Header::chosen_rows, 3 * which), batch.at(Header::chosen_rows, 3 * which + 1),
          batch.at(Header::chosen_rows, 3 * which + 2)};
}

HEARTH_DEVICE void candidates(const gpu::CandidatesParameters& p, const Constants&) {
  HEARTH_SHARED(uint32_t, 1, taken);
  const BatchWords batch(p.batch);
  const uint32_t t = thread_index(), begin = block_index().x * gpu::kCandidateChunk;
  if (block_index().y >= batch.word(Header::chosen)) return;
  const ChosenRow one = chosen_row(batch, block_index().y);
  uint32_t keys[kOfThread];
#pragma unroll
  for (uint32_t i = 0; i < kOfThread; ++i) {
    const uint32_t token = begin + i * kCandidateThreads + t;
    keys[i] = 0;
    if (token < p.width)
      keys[i] =
          ordered_float(softcapped(read<float>(p.in, static_cast<uint64_t>(one.row) * p.width + token), p.softcap));
  }
  const auto each = [&](auto&& f) {
#pragma unroll
    for (uint32_t i = 0; i < kOfThread; ++i) f(keys[i], [&] { return begin + i * kCandidateThreads + t; });
  };
  const Chosen chosen = choose(one.wanted, each);
  if (t == 0) taken[0] = 0u;
  sync_block();
  const auto pairs = global<Word2>(p.pairs) + (static_cast<uint64_t>(one.before) * grid_size().x +
                                               static_cast<uint64_t>(block_index().x) * one.wanted);
  each([&](uint32_t key, auto&& token) {
    if (takes(chosen, key, token())) pairs[atomic_add(taken, 1u)] = Word2{key, token()};
  });
  sync_block();
  const uint32_t found = taken[0];
  for (uint32_t i = found + t; i < one.wanted; i += kCandidateThreads) pairs[i] = Word2{0, 0};
}
HEARTH_KERNEL(candidates, kCandidateThreads, gpu::CandidatesParameters, candidates)

HEARTH_DEVICE void best_candidates(const gpu::BestCandidatesParameters& p, const Constants&) {
  HEARTH_SHARED(uint32_t, 1, taken);
  HEARTH_SHARED(uint32_t, gpu::kMostChosen, keys);
  HEARTH_SHARED(uint32_t, gpu::kMostChosen, tokens);
  const BatchWords batch(p.batch);
  const uint32_t t = thread_index();
  if (block_index().y >= batch.word(Header::chosen)) return;
  const ChosenRow one = chosen_row(batch, block_index().y);
  const uint64_t first = static_cast<uint64_t>(one.before) * p.chunks;  // of its pairs
  const uint32_t count = one.wanted * p.chunks;
  // Those of most are few enough for registers.
  uint32_t held[kOfThread];
#pragma unroll
  for (uint32_t h = 0; h < kOfThread; ++h) {
    const uint32_t i = h * kCandidateThreads + t;
    held[h] = i < count ? read<uint32_t>(p.pairs, 2 * (first + i)) : 0u;
  }
  const auto each = [&](auto&& f) {
#pragma unroll
    for (uint32_t h = 0; h < kOfThread; ++h)
      f(held[h], [&] { return read<uint32_t>(p.pairs, 2 * (first + h * kCandidateThreads + t) + 1); });
    for (uint64_t i = kOfThread * kCandidateThreads + t; i < count; i += kCandidateThreads)
      f(read<uint32_t>(p.pairs, 2 * (first + i)), [&] { return read<uint32_t>(p.pairs, 2 * (first + i) + 1); });
  };
  const Chosen chosen = choose(one.wanted, each);
  if (t == 0) taken[0] = 0u;
  sync_block();
  each([&](uint32_t key, auto&& token) {
    if (key < chosen.least || !takes(chosen, key, token())) return;
    const uint32_t place = atomic_add(taken, 1u);
    keys[place] = key;
    tokens[place] = token();
  });
  sync_block();
  const uint32_t found = taken[0];
  const auto out = global<Word2>(p.out) + one.before;
  if (t < found) {
    const uint32_t key = keys[t], token = tokens[t];
    uint32_t place = 0;  // before which others come
    for (uint32_t i = 0; i < found; ++i) {
      const uint32_t other = keys[i], other_token = tokens[i];
      place += other > key || (other == key && other_token < token) ? 1u : 0u;
    }
    out[place] = Word2{bits_of(float_of_order(key)), token};
  } else if (t < one.wanted) {
    out[t] = Word2{0x7fc00000u, 0xffffffffu};
  }
}
HEARTH_KERNEL(best_candidates, kCandidateThreads, gpu::BestCandidatesParameters, best_candidates)

}  // namespace hearth::cuda
