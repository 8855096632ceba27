// Trials of norms, attention and routes.
#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "backends/vulkan/trials.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::vulkan {
using gpu::AttendJoinParameters, gpu::AttendParameters, gpu::HeaderWord, gpu::kHeaderWords, gpu::NormParameters;
using gpu::NormRoundParameters, gpu::rounded_words, gpu::RouteParameters, gpu::StoreParameters;

namespace {

// Positions of one sequence, in pages that are not in their order: more than fit two parts.
constexpr uint32_t kTrialPage = 60, kTrialPositions = 300;
static_assert(gpu::part_count(kTrialPositions) == 3);
constexpr float kTrialEps = 1e-5f;

// Rows at such positions.
std::vector<uint32_t> sequence_words(const std::vector<uint32_t>& positions) {
  const auto rows = static_cast<uint32_t>(positions.size());
  TrialBatch batch;
  batch.count(HeaderWord::rows, rows).count(HeaderWord::sequences, 1);
  batch.array(HeaderWord::positions, positions);
  batch.array(HeaderWord::sequence_of_row, std::vector<uint32_t>(rows));
  batch.array(HeaderWord::row_begin, {0, rows});
  batch.array(HeaderWord::page_begin, {0, 5});
  batch.array(HeaderWord::pages, {2, 0, 1, 4, 3});
  return batch.words;
}

// Rows as wide as the gains, normed.
std::vector<double> normed(std::span<const float> input, std::span<const float> gains, bool centered) {
  std::vector<double> result(input.size());
  const size_t width = gains.size();
  for (size_t begin = 0; begin < input.size(); begin += width) {
    const auto values = input.subspan(begin, width);
    const auto count = static_cast<double>(width);
    const double mean = centered ? std::accumulate(values.begin(), values.end(), 0.0) / count : 0;
    double squares = 0;
    for (const float value : values) squares += (double{value} - mean) * (double{value} - mean);
    const double scale = 1 / std::sqrt(squares / count + double{kTrialEps});
    for (size_t i = 0; i < width; ++i) result[begin + i] = (double{values[i]} - mean) * scale * double{gains[i]};
  }
  return result;
}

}  // namespace

bool Trials::norm(bool centered) {
  constexpr uint32_t kWidth = 600, kRows = 2;
  const std::vector<float> input = uneven_values(size_t{kWidth} * kRows, 3), gains = uneven_values(kWidth, 4);
  const Buffer in = put(input), gain = put(gains), batch = put(std::vector<uint32_t>(kHeaderWords, kRows)),
               out = put(std::vector<float>(input.size()));
  NormParameters push{};
  push.in = in.address();
  push.out = out.address();
  push.gain = gain.address();
  push.batch = batch.address();
  push.width = push.run = kWidth;
  push.gain_rows = 1;
  push.rows_at = HeaderWord::rows;
  push.eps = kTrialEps;
  const uint32_t constant = centered ? 1 : 0;
  run("norm", {&constant, 1}, push, {1, kRows});
  return are_near(values_of(out), normed(input, gains, centered), 1e-4);
}

bool Trials::norm_round(bool centered) {
  constexpr uint32_t kWidth = 2112, kRows = 2, kStride = rounded_words(kWidth);  // some threads have 16 values
  const std::vector<float> input = uneven_values(size_t{kWidth} * kRows, 3), gains = uneven_values(kWidth, 4);
  const Buffer in = put(input), gain = put(gains), batch = put(std::vector<uint32_t>(kHeaderWords, kRows)),
               out = put(std::vector<float>(input.size())), rounded = put(std::vector<uint32_t>(kStride * kRows));
  NormRoundParameters push{};
  push.in = in.address();
  push.out = out.address();
  push.rounded = rounded.address();
  push.gain = gain.address();
  push.batch = batch.address();
  push.width = kWidth;
  push.rounded_stride = kStride;
  push.rows_at = HeaderWord::rows;
  push.eps = kTrialEps;
  const uint32_t constant = centered ? 1 : 0;
  run("norm_round", {&constant, 1}, push, {1, kRows});
  const std::vector<double> expected = normed(input, gains, centered);
  const auto words = values_of<uint32_t>(rounded);
  std::vector<float> found(input.size());
  std::vector<double> bounds(input.size());
  for (size_t i = 0; i < input.size(); ++i) {
    const size_t row = i / kWidth, at = i % kWidth;
    const auto scale = std::bit_cast<float>(words[row * kStride + kWidth / 4 + at / 32]);
    const auto byte = static_cast<int8_t>(words[row * kStride + at / 4] >> (at % 4 * 8));
    double most = 0;
    for (size_t j = i / 32 * 32; j < i / 32 * 32 + 32; ++j) most = std::max(most, std::fabs(expected[j]));
    found[i] = scale * static_cast<float>(byte);
    bounds[i] = 0.501 * most / 127 + 1e-4;
  }
  return are_near(values_of(out), expected, 1e-4) && are_near(found, expected, bounds);
}

bool Trials::attention(KvType cache, const AttentionSizes& sizes, bool in_parts) {
  const auto [head_size, value_size, group] = sizes;
  // So many heads that rows of the cache are whole blocks.
  const uint32_t kv_heads = 32 / std::gcd(32u, std::gcd(head_size, value_size)), heads = group * kv_heads;
  const uint32_t key_width = kv_heads * head_size, value_width = kv_heads * value_size;
  const uint32_t room = gpu::head_room(head_size), shared_bytes = gpu_.about().limits.maxComputeSharedMemorySize;
  const uint32_t packed = gpu::packed_heads(group, room, shared_bytes);
  if (gpu::attend_shared(packed, room) > shared_bytes) return true;  // refused
  const std::vector<uint32_t> seen = {0, 130, kTrialPositions - 1};
  std::vector<uint32_t> stored(kTrialPositions);
  std::iota(stored.begin(), stored.end(), 0u);
  const auto rows = static_cast<uint32_t>(seen.size());
  const std::vector<float> q = uneven_values(size_t{rows} * heads * head_size, 5),
                           k = whole_values(size_t{kTrialPositions} * key_width, 6),
                           v = whole_values(size_t{kTrialPositions} * value_width, 7);
  const uint64_t cells = 5 * kTrialPage;
  const Buffer queries = put(q), new_keys = put(k), new_values = put(v), all = put(sequence_words(stored)),
               batch = put(sequence_words(seen)),
               keys = put(std::vector<std::byte>((cells * kv_row_bytes(cache, key_width) + 3) / 4 * 4)),
               values = put(std::vector<std::byte>((cells * kv_row_bytes(cache, value_width) + 3) / 4 * 4)),
               parts = put(std::vector<float>(size_t{rows} * heads * 3 * (2 + value_size))),
               out = put(std::vector<float>(size_t{rows} * heads * value_size));
  StoreParameters store{};
  store.k = new_keys.address();
  store.v = new_values.address();
  store.keys = keys.address();
  store.values = values.address();
  store.batch = all.address();
  store.key_width = key_width;
  store.value_width = value_width;
  store.page_size = kTrialPage;
  const auto type = static_cast<uint32_t>(cache);
  const uint32_t widest = std::max(key_width, value_width), units = cache == KvType::q8_0 ? widest / 32 : widest;
  run("store", {&type, 1}, store, {(units + 63) / 64, kTrialPositions, 2});
  AttendParameters push{};
  push.q = queries.address();
  push.out = out.address();
  push.keys = keys.address();
  push.values = values.address();
  push.batch = batch.address();
  push.parts = in_parts ? parts.address() : 0;
  push.heads = heads;
  push.kv_heads = kv_heads;
  push.head_size = head_size;
  push.value_size = value_size;
  push.key_width = key_width;
  push.value_width = value_width;
  push.page_size = kTrialPage;
  push.causal = 1;
  push.scale = 1 / (64 * std::sqrt(static_cast<float>(head_size)));
  push.packed = packed;
  push.most_parts = 3;
  const bool whole = gpu::is_whole_cache(head_size, value_size, key_width, value_width);
  const std::array<uint32_t, 4> constants = {type, packed, room, whole ? 1u : 0u};
  const auto pieces = [](uint32_t count, uint32_t of) { return (count + of - 1) / of; };
  run("attend", constants, push,
      {kv_heads * pieces(group, packed) * pieces(value_size, gpu::kAttendValues), rows, in_parts ? 3u : 1u});
  if (in_parts) {
    const AttendJoinParameters join{push.parts, push.out, 0, push.batch, heads, value_size, push.most_parts, 0, 1};
    run("attend_join", {}, join, {heads, rows});
  }

  std::vector<double> expected(size_t{rows} * heads * value_size);
  for (size_t row = 0; row < rows; ++row)
    for (size_t head = 0; head < heads; ++head) {
      double total = 0;
      double* to = expected.data() + (row * heads + head) * value_size;
      for (size_t position = 0; position <= seen[row]; ++position) {
        double score = 0;
        for (size_t i = 0; i < head_size; ++i)
          score += double{q[(row * heads + head) * head_size + i]} *
                   double{k[position * key_width + head / group * head_size + i]};
        const double weight = std::exp(score * double{push.scale});
        total += weight;
        for (size_t i = 0; i < value_size; ++i)
          to[i] += weight * double{v[position * value_width + head / group * value_size + i]};
      }
      for (size_t i = 0; i < value_size; ++i) to[i] /= total;
    }
  return are_near(values_of(out), expected, 0.01);
}

bool Trials::route() {
  const std::vector<float> scores = {0.5f, -1, 2, 0.25f, 1.5f, -3, 0, 1};
  const Buffer products = put(scores), scratch = put(std::vector<float>(scores.size() + 1)),
               batch = put(std::vector<uint32_t>(kHeaderWords, 1)), out = put(std::vector<float>(4));
  RouteParameters push{};
  push.products = products.address();
  push.scores = scratch.address();
  push.out = out.address();
  push.batch = batch.address();
  push.count = static_cast<uint32_t>(scores.size());
  push.used = 2;
  push.groups = push.groups_used = push.softmax = push.normalised = 1;
  push.rows_at = HeaderWord::rows;
  push.scale = 1;
  run("route", {}, push, {1, 1});
  const double first = 1 / (1 + std::exp(-0.5));  // of 2 and 1.5
  return are_near(values_of(out), std::array{2.0, 4.0, first, 1 - first}, std::array{0.0, 0.0, 1e-4, 1e-4});
}

}  // namespace hearth::vulkan
