// Keys and values into the cache, and attention over it.
#include "kernels/cuda/batch.h"
#include "kernels/cuda/cache.h"
#include "kernels/cuda/reduce.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::cuda {

// 32 neighbours as a Q8_0 block, rounded half away from zero.
HEARTH_DEVICE void store_block(Global<float> from, Address block) {
  float largest = 0;
  for (uint32_t i = 0; i < kKvBlock; ++i) largest = max(largest, abs(from[i]));
  const float scale = largest / 127.0f, to_quanta = scale == 0 ? 0 : 1.0f / scale;
  write(block, 0, float_to_half(scale));
  for (uint32_t i = 0; i < kKvBlock; ++i) {
    const float scaled = from[i] * to_quanta;
    const float whole = min(floor(abs(scaled) + 0.5f), 127.0f);
    write(block + 2, i, static_cast<int8_t>(scaled < 0 ? -whole : whole));
  }
}

// Stores the keys and values of all rows in a layer's cache: a thread stores 32 neighbours of a Q8_0 cache, one value
// of others. The z of a block is 0 for keys, 1 for values.
HEARTH_DEVICE void store(const gpu::StoreParameters& p, const Constants& c) {
  const BatchWords batch(p.batch);
  const uint32_t type = c.at[0], row = block_index().y, index = block_index().x * 64 + thread_index();
  const bool is_value = block_index().z != 0;
  const uint32_t width = is_value ? p.value_width : p.key_width;
  if (row >= batch.rows() || index >= (type == kKvQ8 ? width / kKvBlock : width)) return;
  const uint64_t cell =
      batch.cell_of(batch.at(Header::sequence_of_row, row), batch.at(Header::positions, row), p.page_size);
  const Address to = (is_value ? p.values : p.keys) + cell * kv_row_bytes(type, width);
  const auto from = floats_at(is_value ? p.v : p.k, static_cast<uint64_t>(row) * width);
  if (type == kKvF32) {
    write(to, index, static_cast<float>(from[index]));
  } else if (type == kKvF16) {
    write(to, index, float_to_half(from[index]));
  } else {
    store_block(from + index * kKvBlock, to + index * kKvBlockBytes);
  }
}
HEARTH_KERNEL(store, 64, gpu::StoreParameters, store)

constexpr uint32_t kThreads = gpu::kAttendThreads;
constexpr uint32_t kParts = 8;  // threads that share the product of a key with q
constexpr float kNever = -3.0e38f;

// Attention of one head of one row: a block goes through the positions that the row sees, kThreads at a time, and keeps
// the largest score, the sum of the weights and the weighted sum of the values so far. The memory that is shared has
// room for the head.
template <uint32_t kType>
HEARTH_DEVICE void attend(const gpu::AttendParameters& p, const Constants&) {
  HEARTH_DYNAMIC_SHARED(float, query);
  HEARTH_SHARED(float, kThreads* kParts, part_sums);
  HEARTH_SHARED(float, kThreads, weights);
  HEARTH_SHARED(uint64_t, kThreads, value_rows);
  const BatchWords batch(p.batch);
  const uint32_t row = block_index().y, head = block_index().x, thread = thread_index();
  if (row >= batch.rows()) return;
  const uint32_t sequence = batch.at(Header::sequence_of_row, row);
  const uint32_t last_row = p.causal != 0 ? row : batch.at(Header::row_begin, sequence + 1) - 1;
  const uint32_t end = batch.at(Header::positions, last_row) + 1;
  const uint32_t begin = p.window != 0 && end > p.window ? end - p.window : 0;
  const uint32_t kv_head = head / (p.heads / p.kv_heads);
  const uint64_t key_bytes = kv_row_bytes(kType, p.key_width), value_bytes = kv_row_bytes(kType, p.value_width);
  const auto q = floats_at(p.q, (static_cast<uint64_t>(row) * p.heads + head) * p.head_size);
  const auto out = floats_at(p.out, (static_cast<uint64_t>(row) * p.heads + head) * p.value_size);

  for (uint32_t i = thread; i < p.head_size; i += kThreads) query[i] = q[i] * p.scale;
  // Sums lie with the result, a few of which a thread owns.
  for (uint32_t j = thread; j < p.value_size; j += kThreads) out[j] = 0.0f;
  float top = p.sinks != 0 ? read<float>(p.sinks, head) : kNever;
  float total = p.sinks != 0 ? 1.0f : 0.0f;
  sync_block();

  for (uint32_t first = begin; first < end; first += kThreads) {
    const uint32_t count = min(kThreads, end - first);
    for (uint32_t i = thread / kParts; i < count; i += kThreads / kParts) {
      const uint64_t cell = batch.cell_of(sequence, first + i, p.page_size);
      const Address key = p.keys + cell * key_bytes;
      float sum = 0;
      for (uint32_t j = thread % kParts; j < p.head_size; j += kParts)
        sum = fma(query[j], load_kv<kType>(key, kv_head * p.head_size + j), sum);
      part_sums[i * kParts + thread % kParts] = sum;
      if (thread % kParts == 0) value_rows[i] = p.values + cell * value_bytes;
    }
    sync_block();
    float score = kNever;
    if (thread < count) {
      score = 0;
      for (uint32_t i = 0; i < kParts; ++i) score += part_sums[thread * kParts + i];
      if (p.softcap != 0) score = p.softcap * tanh(score / p.softcap);
    }
    const float now = max(top, block_max<kThreads>(score));
    const float weight = thread < count ? exp(score - now) : 0.0f;
    weights[thread] = weight;
    const float shrink = exp(top - now);
    total = total * shrink + block_sum<kThreads>(weight);
    top = now;
    for (uint32_t j = thread; j < p.value_size; j += kThreads) {
      float sum = out[j] * shrink;
      for (uint32_t i = 0; i < count; ++i)
        sum = fma(weights[i], load_kv<kType>(value_rows[i], kv_head * p.value_size + j), sum);
      out[j] = sum;
    }
    sync_block();
  }
  for (uint32_t j = thread; j < p.value_size; j += kThreads) out[j] = out[j] / total;
}
HEARTH_KERNEL(attend_f32, kThreads, gpu::AttendParameters, attend<kKvF32>)
HEARTH_KERNEL(attend_f16, kThreads, gpu::AttendParameters, attend<kKvF16>)
HEARTH_KERNEL(attend_q8_0, kThreads, gpu::AttendParameters, attend<kKvQ8>)

}  // namespace hearth::cuda
