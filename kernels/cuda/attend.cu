// Attention over the cache.
#include "kernels/cuda/batch.h"
#include "kernels/cuda/cache.h"
#include "kernels/cuda/parts.h"

namespace hearth::cuda {

constexpr uint32_t kThreads = gpu::kAttendThreads;
constexpr uint32_t kLanes = 16;  // threads that share the softmax of a head
static_assert(kLanes * gpu::kMostPacked == kThreads);
// A thread makes the scores of one position for all heads, so that a key is read once. Then kLanes threads make the
// softmax of a head, and a thread the sums of 4 values for all heads over every so many positions. The memory that is
// given by the launch has room for the queries.
template <uint32_t kType, uint32_t kHeads>
HEARTH_DEVICE void attend(const gpu::AttendParameters& p, const Constants& c) {
  HEARTH_DYNAMIC_SHARED(float, query);              // [kHeads x head_size, rounded up to a multiple of 8]
  HEARTH_SHARED(float, kThreads* kHeads, weights);  // [positions x kHeads]: scores, then what softmax makes of them
  HEARTH_SHARED(Address, kThreads, value_rows);
  HEARTH_SHARED(float, kThreads * 4, sums);
  HEARTH_SHARED(float, kHeads, shrinks);
  HEARTH_SHARED(float, kHeads * 2, factors);
  HEARTH_SHARED(float, kHeads, totals);
  const BatchWords batch(p.batch);
  const uint32_t row = block_index().y, thread = thread_index();
  if (row >= batch.rows()) return;
  const Seen seen = seen_by(batch, row, p.causal, p.window);
  const bool of_part = p.parts != 0;
  const uint32_t first_part = of_part ? block_index().z : 0, last_part = of_part ? first_part + 1 : seen.parts;
  if (first_part >= seen.parts) return;

  const uint32_t group = p.heads / p.kv_heads, packs = (group + p.packed - 1) / p.packed;
  const uint32_t slices = (p.value_size + gpu::kAttendValues - 1) / gpu::kAttendValues;
  const uint32_t slice = block_index().x % slices, pack = block_index().x / slices % packs;
  const uint32_t kv_head = block_index().x / slices / packs;
  const uint32_t heads = min(p.packed, group - pack * p.packed);
  const uint64_t first_head = static_cast<uint64_t>(row) * p.heads + kv_head * group + pack * p.packed;
  const uint32_t first_value = slice * gpu::kAttendValues, values = min(gpu::kAttendValues, p.value_size - first_value);
  const uint64_t key_bytes = kv_row_bytes(kType, p.key_width), value_bytes = kv_row_bytes(kType, p.value_width);
  const bool whole = c.at[3] != 0;
  const auto out = floats_at(p.out, first_head * p.value_size + first_value);

  const uint32_t chunks = (p.head_size + 7) / 8;
  const auto q = floats_at(p.q, first_head * p.head_size);
  for (uint32_t i = thread; i < kHeads * chunks * 8; i += kThreads) {
    const uint32_t head = i / (chunks * 8), j = i % (chunks * 8);
    query[i] = head < heads && j < p.head_size ? q[head * p.head_size + j] * p.scale : 0.0f;
  }
  // Of the softmax: the head, and what all parts before and this one make.
  const uint32_t own = thread / kLanes;
  const bool has_own = own < heads;
  Running all = begin_running(has_own ? p.sinks : 0, kv_head * group + pack * p.packed + own);
  // Of the sums: 4 values, of which positions. Sums of all parts lie with the result, a few of which a thread owns.
  const uint32_t fours = (values + 3) / 4, sharing = kThreads / fours;
  const uint32_t four = thread % fours, share = thread / fours;
  if (!of_part)
    for (uint32_t head = 0; head < heads; ++head)
      for (uint32_t j = thread; j < values; j += kThreads) out[head * p.value_size + j] = 0.0f;
  sync_block();

  for (uint32_t part = first_part; part < last_part; ++part) {
    const uint32_t begin = seen.begin + part * seen.part, end = min(begin + seen.part, seen.end);
    Running of = {kNever, 0};
    float sum[kHeads][4];
    for (uint32_t head = 0; head < kHeads; ++head)
      for (uint32_t i = 0; i < 4; ++i) sum[head][i] = 0;
    for (uint32_t first = begin; first < end; first += kThreads) {
      const uint32_t count = min(kThreads, end - first);
      if (thread < count) {
        const uint64_t cell = batch.cell_of(seen.sequence, first + thread, p.page_size);
        const Address key = p.keys + cell * key_bytes;
        value_rows[thread] = p.values + cell * value_bytes;
        float score[kHeads];
        for (uint32_t head = 0; head < kHeads; ++head) score[head] = 0;
        for (uint32_t chunk = 0; chunk < chunks; ++chunk) {
          float x[8];
          load_kvs<kType, 8>(key, kv_head * p.head_size + chunk * 8, p.head_size - chunk * 8, whole, x);
          for (uint32_t head = 0; head < kHeads; ++head)
            for (uint32_t i = 0; i < 8; ++i) {
              const float y = query[(head * chunks + chunk) * 8 + i];
              score[head] = fma(y, x[i], score[head]);
            }
        }
        for (uint32_t head = 0; head < kHeads; ++head)
          weights[thread * kHeads + head] = p.softcap != 0 ? p.softcap * tanh(score[head] / p.softcap) : score[head];
      }
      sync_block();
      const uint32_t own_count = has_own ? count : 0;
      float top = kNever, total = 0;
      for (uint32_t i = thread % kLanes; i < own_count; i += kLanes) {
        const float score = weights[i * kHeads + own];
        top = max(top, score);
      }
      top = max(of.top, warp_max<kLanes>(top));
      for (uint32_t i = thread % kLanes; i < own_count; i += kLanes) {
        const float score = weights[i * kHeads + own], weight = exp(score - top);
        weights[i * kHeads + own] = weight;
        total += weight;
      }
      const float shrink = exp(of.top - top);
      of = {top, fma(of.total, shrink, warp_sum<kLanes>(total))};
      if (thread % kLanes == 0 && own < kHeads) shrinks[own] = shrink;
      sync_block();
      for (uint32_t head = 0; head < kHeads; ++head) {
        const float by = shrinks[head];
        for (uint32_t i = 0; i < 4; ++i) sum[head][i] *= by;
      }
      for (uint32_t at = share; share < sharing && at < count; at += sharing) {
        const Address values_at = value_rows[at];
        float x[4];
        load_kvs<kType, 4>(values_at, kv_head * p.value_size + first_value + four * 4, values - four * 4, whole, x);
        for (uint32_t head = 0; head < kHeads; ++head) {
          const float weight = weights[at * kHeads + head];
          for (uint32_t i = 0; i < 4; ++i) sum[head][i] = fma(weight, x[i], sum[head][i]);
        }
      }
      sync_block();
    }

    if (of_part && slice == 0 && has_own && thread % kLanes == 0) {
      const auto left = place_of_part(p.parts, first_head + own, p.most_parts, part, p.value_size);
      left[0] = of.top;
      left[1] = of.total;
    }
    const Factors own_factors = join(all, of);
    if (has_own && thread % kLanes == 0) {
      factors[own * 2] = own_factors.before;
      factors[own * 2 + 1] = own_factors.part;
      totals[own] = all.total;
    }
    for (uint32_t head = 0; head < kHeads; ++head) {
      if (share < sharing)
        for (uint32_t i = 0; i < 4; ++i) sums[thread * 4 + i] = sum[head][i];
      sync_block();
      for (uint32_t j = thread; head < heads && j < values; j += kThreads) {
        float made = 0;
        for (uint32_t i = 0; i < sharing; ++i) made += sums[i * fours * 4 + j];
        if (of_part) {
          place_of_part(p.parts, first_head + head, p.most_parts, part, p.value_size)[2 + first_value + j] = made;
        } else {
          const float before = factors[head * 2], with = factors[head * 2 + 1], total = totals[head];
          const float so_far = joined(out[head * p.value_size + j], {before, with}, made);
          out[head * p.value_size + j] = part + 1 == last_part ? so_far / total : so_far;
        }
      }
      sync_block();
    }
  }
}

HEARTH_EARLY_KERNEL(attend_join, kThreads, gpu::AttendJoinParameters, attend_join<kThreads / kWarp>)

HEARTH_KERNEL(attend_f32_1, kThreads, gpu::AttendParameters, attend<kKvF32, 1>)
HEARTH_KERNEL(attend_f32_2, kThreads, gpu::AttendParameters, attend<kKvF32, 2>)
HEARTH_KERNEL(attend_f32_4, kThreads, gpu::AttendParameters, attend<kKvF32, 4>)
HEARTH_KERNEL(attend_f32_8, kThreads, gpu::AttendParameters, attend<kKvF32, 8>)
HEARTH_KERNEL(attend_f16_1, kThreads, gpu::AttendParameters, attend<kKvF16, 1>)
HEARTH_KERNEL(attend_f16_2, kThreads, gpu::AttendParameters, attend<kKvF16, 2>)
HEARTH_KERNEL(attend_f16_4, kThreads, gpu::AttendParameters, attend<kKvF16, 4>)
HEARTH_KERNEL(attend_f16_8, kThreads, gpu::AttendParameters, attend<kKvF16, 8>)
HEARTH_KERNEL(attend_q8_0_1, kThreads, gpu::AttendParameters, attend<kKvQ8, 1>)
HEARTH_KERNEL(attend_q8_0_2, kThreads, gpu::AttendParameters, attend<kKvQ8, 2>)
HEARTH_KERNEL(attend_q8_0_4, kThreads, gpu::AttendParameters, attend<kKvQ8, 4>)
HEARTH_KERNEL(attend_q8_0_8, kThreads, gpu::AttendParameters, attend<kKvQ8, 8>)

}  // namespace hearth::cuda
