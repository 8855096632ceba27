// Turning queries and keys, and storing keys and values in the cache, at once.
#pragma once

#include "kernels/cuda/batch.h"
#include "kernels/cuda/cache.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::cuda {

// 4 floats, and their place, a multiple of 16.
HEARTH_DEVICE void read_four(Address at, float (&x)[4]) {
  const Word4 four = read<Word4>(at);
  x[0] = float_of(four.x), x[1] = float_of(four.y), x[2] = float_of(four.z), x[3] = float_of(four.w);
}
HEARTH_DEVICE Word4 words_of_four(const float (&x)[4]) {
  return {bits_of(x[0]), bits_of(x[1]), bits_of(x[2]), bits_of(x[3])};
}

// Stores 4 neighbours from value `first` on, a multiple of 4, of the row at `row` of the cache. `largest` is the
// largest absolute value of their block of 32, where the cache has blocks.
HEARTH_DEVICE void store_four(uint32_t type, Address row, uint32_t first, const float (&x)[4], float largest) {
  if (type == kKvF32) {
    write(row + 4ull * first, 0, words_of_four(x));
  } else if (type == kKvF16) {
    write(row + 2ull * first, 0, Word2{pack_halves(x[0], x[1]), pack_halves(x[2], x[3])});
  } else {
    const float scale = largest / 127.0f, to_quanta = scale == 0 ? 0 : 1.0f / scale;
    const Address block = row + first / kKvBlock * kKvBlockBytes;
    if (first % kKvBlock == 0) write(block, 0, float_to_half(scale));
    uint32_t quanta[4];
    for (uint32_t i = 0; i < 4; ++i) {
      const float scaled = x[i] * to_quanta, whole = min(floor(abs(scaled) + 0.5f), 127.0f);
      quanta[i] = static_cast<uint32_t>(static_cast<int>(scaled < 0 ? -whole : whole)) & 0xff;
    }
    const Address at = block + 2 + first % kKvBlock;
    write(at, 0, static_cast<uint16_t>(quanta[0] | quanta[1] << 8));
    write(at, 1, static_cast<uint16_t>(quanta[2] | quanta[3] << 8));
  }
}
HEARTH_DEVICE float largest_of(const float (&x)[4]) {
  return max(max(abs(x[0]), abs(x[1])), max(abs(x[2]), abs(x[3])));
}

// A thread has 8 values: of a head of q or k 4 pairs that turn, or of v.
HEARTH_DEVICE void rope_store(const gpu::RopeStoreParameters& p, const Constants& c) {
  const BatchWords batch(p.batch);
  const uint32_t type = c.at[0], row = block_index().y;
  if (row >= batch.rows()) {
    wait_for_kernel_before(c);
    return;
  }
  const uint32_t q_width = p.q_heads * p.head_size;
  const uint32_t index = block_index().x * gpu::kRopeStoreThreads + thread_index(), first = index * 8;
  const uint32_t position = batch.at(Header::positions, row);
  const uint64_t cell = batch.cell_of(batch.at(Header::sequence_of_row, row), position, p.page_size);
  const bool is_q = first < q_width, is_k = !is_q && first < q_width + p.key_width;
  const uint32_t of_values = first - q_width - p.key_width;
  const bool is_v = !is_q && !is_k && of_values < p.value_width && p.v != 0;
  // Where two runs of 4 lie: of a head, and in the row.
  float x[4] = {}, y[4] = {};
  uint32_t x_at = 0, y_at = 0;
  Address from = 0;
  if (is_v) {
    from = p.v + 4ull * row * p.value_width;
    x_at = of_values, y_at = of_values + 4;
  } else if (is_q || is_k) {
    const uint32_t in_row = is_q ? first : first - q_width, in_head = in_row % p.head_size;
    from = is_q ? p.q + 4ull * row * q_width : p.k + 4ull * row * p.key_width;
    x_at = p.adjacent != 0 ? in_row : in_row - in_head + in_head / 2;
    y_at = p.adjacent != 0 ? in_row + 4 : x_at + p.head_size / 2;
  }
  float factor = 1, cosine[4], sine[4];
  if (is_q || is_k) {
    if (is_q && p.temperature != 0)
      factor += p.temperature * log(1.0f + static_cast<float>(position / p.temperature_span));
    const uint32_t pair = (is_q ? first : first - q_width) % p.head_size / 2;
    const uint32_t angles = 2 * (row * p.row_pairs + p.first_pair + pair);
    for (uint32_t i = 0; i < 4; ++i) {
      cosine[i] = float_of(batch.at(Header::rope_angles, angles + 2 * i));
      sine[i] = float_of(batch.at(Header::rope_angles, angles + 2 * i + 1));
    }
  }
  wait_for_kernel_before(c);
  if (from != 0) {
    read_four(from + 4ull * x_at, x);
    read_four(from + 4ull * y_at, y);
  }
  if (is_q || is_k) {
    float u[4], v[4];  // the pairs
    for (uint32_t i = 0; i < 4; ++i) {
      const float at_x = x[i], at_y = y[i];
      u[i] = at_x, v[i] = at_y;
    }
    if (p.adjacent != 0) {
      u[0] = x[0], v[0] = x[1], u[1] = x[2], v[1] = x[3];
      u[2] = y[0], v[2] = y[1], u[3] = y[2], v[3] = y[3];
    }
    for (uint32_t i = 0; i < 4; ++i) {
      const float turned = (u[i] * cosine[i] - v[i] * sine[i]) * factor;
      v[i] = (u[i] * sine[i] + v[i] * cosine[i]) * factor;
      u[i] = turned;
    }
    for (uint32_t i = 0; i < 4; ++i) x[i] = u[i], y[i] = v[i];
    if (p.adjacent != 0) {
      x[0] = u[0], x[1] = v[0], x[2] = u[1], x[3] = v[1];
      y[0] = u[2], y[1] = v[2], y[2] = u[3], y[3] = v[3];
    }
    write(from + 4ull * x_at, 0, words_of_four(x));
    write(from + 4ull * y_at, 0, words_of_four(y));
  }
  // Of blocks: 8 lanes have one each of x and y, or where neighbours turn and of values 4 lanes have one.
  float x_largest = largest_of(x), y_largest = largest_of(y);
  if (type == kKvQ8) {
    const float of_four = warp_max<4>(max(x_largest, y_largest)), of_x = warp_max<8>(x_largest);
    const float of_y = warp_max<8>(y_largest);
    const bool together = is_v || p.adjacent != 0;
    x_largest = together ? of_four : of_x, y_largest = together ? of_four : of_y;
  }
  if (!is_k && !is_v) return;
  const uint32_t width = is_k ? p.key_width : p.value_width;
  const Address to = (is_k ? p.keys : p.values) + cell * kv_row_bytes(type, width);
  store_four(type, to, x_at, x, x_largest);
  store_four(type, to, y_at, y, y_largest);
}

}  // namespace hearth::cuda
