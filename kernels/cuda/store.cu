// Keys and values into the cache.
#include "kernels/cuda/batch.h"
#include "kernels/cuda/cache.h"
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

}  // namespace hearth::cuda
