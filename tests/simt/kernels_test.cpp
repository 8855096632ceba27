// The first kernels of kernels/cuda on the interpreter, against plain loops.
#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <random>

#include "backends/backend.h"
#include "kernels/gpu/row_parameters.h"
#include "tests/simt/device.h"
#include "tests/simt/rounding.h"

namespace hearth::simt {
namespace {

using gpu::HeaderWord;

TEST(CudaKernels, GateMultipliesByTheActivation) {
  const uint32_t width = 100, rows = 3;
  std::vector<uint32_t> header(gpu::kHeaderWords);
  header[HeaderWord::outputs] = rows - 1;
  std::vector<float> gate(width * rows), in(width * rows);
  for (uint32_t i = 0; i < gate.size(); ++i) {
    gate[i] = static_cast<float>(i % 37) / 4 - 4;
    in[i] = static_cast<float>(i % 11) * 2 - 9;
  }
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  for (const uint32_t act : {0u, 1u, 2u, 3u, 4u}) {
    Device device(act);
    const Address out = device.put(std::vector<float>(width * rows, -1.0f));
    const gpu::GateParameters p{.gate = device.put(gate),
                                .in = device.put(in),
                                .out = out,
                                .batch = device.put(header),
                                .width = width,
                                .rows_at = HeaderWord::outputs,
                                .act = act};
    expect_none(device.launch("gate", {(width + 63) / 64, rows}, p));
    const std::vector<float> found = device.get<float>(out, width * rows);
    for (uint32_t i = 0; i < width * rows; ++i) {
      const double g = gate[i], x = in[i];
      const double expected[] = {g * x, g * sigmoid(g) * x,
                                 g * sigmoid(1.5957691216057308 * (g + 0.044715 * g * g * g)) * x, sigmoid(g) * x,
                                 std::min(g, 7.0) * sigmoid(1.702 * std::min(g, 7.0)) * (std::clamp(x, -7.0, 7.0) + 1)};
      if (i < width * (rows - 1))
        EXPECT_NEAR(found[i], expected[act], 1e-5 * (1 + std::fabs(expected[act]))) << act << ' ' << i;
      else
        EXPECT_EQ(found[i], -1.0f);
    }
  }
}

TEST(CudaKernels, StatesAreCopiedAndBegun) {
  const uint32_t width = 300, places = 4;
  std::vector<float> states(width * places);
  for (uint32_t i = 0; i < states.size(); ++i) states[i] = static_cast<float>(i + 1);
  // Sequence 0 begins, in place 2; 1 goes on in place 1; 2 has no rows.
  std::vector<uint32_t> batch(gpu::kHeaderWords);
  const auto add = [&](HeaderWord::Word word, std::initializer_list<uint32_t> values) {
    batch[word] = static_cast<uint32_t>(batch.size());
    batch.insert(batch.end(), values);
  };
  batch[HeaderWord::sequences] = 3;
  batch[HeaderWord::state_copies] = 2;
  add(HeaderWord::copied_states, {0, 3, 3, 1});
  add(HeaderWord::states, {2, 1, 0});
  add(HeaderWord::row_begin, {0, 2, 3, 3});
  add(HeaderWord::positions, {0, 1, 5});
  Device device;
  const Address at = device.put(states);
  expect_none(device.launch("states", {2}, gpu::StatesParameters{at, device.put(batch), width}));
  const std::vector<float> found = device.get<float>(at, states.size());
  for (uint32_t i = 0; i < width; ++i) {
    EXPECT_EQ(found[i], states[i]);
    EXPECT_EQ(found[width + i], states[i]);
    EXPECT_EQ(found[2 * width + i], 0.0f);
    EXPECT_EQ(found[3 * width + i], states[i]);
  }
}

// rope_store is rope and store, to the bit: in every cache, neighbours or halves turned, with values and without.
TEST(CudaKernels, RopeStoreIsRopeAndStore) {
  std::mt19937 random(4);
  std::normal_distribution<float> one;
  const auto values = [&](size_t count) {
    std::vector<float> result(count);
    for (float& value : result) value = one(random);
    return result;
  };
  // Rows of a sequence whose positions end a page and begin the next, and a table of angles behind another.
  const uint32_t heads = 7, kv_heads = 2, page_size = 4, rows = 3, before = 5;
  for (const uint32_t size : {64u, 128u})
    for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0})
      for (const uint32_t adjacent : {0u, 1u}) {
        SCOPED_TRACE(std::to_string(size) + ' ' + name_of(type) + ' ' + std::to_string(adjacent));
        const bool has_values = size == 128 || adjacent != 0;
        const uint32_t width = kv_heads * size, q_width = heads * size, row_pairs = size / 2 + before;
        std::vector<uint32_t> batch(gpu::kHeaderWords);
        const auto add = [&](HeaderWord::Word word, const std::vector<uint32_t>& words) {
          batch[word] = static_cast<uint32_t>(batch.size());
          batch.insert(batch.end(), words.begin(), words.end());
        };
        batch[HeaderWord::rows] = rows;
        add(HeaderWord::positions, {2, 3, 4});
        add(HeaderWord::sequence_of_row, {0, 0, 0});
        add(HeaderWord::page_begin, {0, 2});
        add(HeaderWord::pages, {1, 0});
        std::vector<uint32_t> angles;
        for (const float angle : values(size_t{2} * rows * row_pairs)) angles.push_back(std::bit_cast<uint32_t>(angle));
        add(HeaderWord::rope_angles, angles);
        const std::vector<float> q = values(size_t{rows} * q_width), k = values(size_t{rows} * width),
                                 v = values(size_t{rows} * width);
        const std::vector<uint8_t> cache(2 * page_size * kv_row_bytes(type, width), 0x55);
        const auto made = [&](bool at_once) {
          Device device(size + adjacent);
          const cuda::Constants constants{{static_cast<uint32_t>(type)}};
          const Address q_at = device.put(q), k_at = device.put(k), v_at = device.put(v), keys = device.put(cache),
                        cached = device.put(cache), batch_at = device.put(batch);
          if (at_once) {
            const gpu::RopeStoreParameters p{.q = q_at,
                                             .k = k_at,
                                             .v = has_values ? v_at : 0,
                                             .keys = keys,
                                             .values = cached,
                                             .batch = batch_at,
                                             .q_heads = heads,
                                             .head_size = size,
                                             .key_width = width,
                                             .value_width = has_values ? width : 0,
                                             .page_size = page_size,
                                             .row_pairs = row_pairs,
                                             .first_pair = before,
                                             .adjacent = adjacent,
                                             .temperature = 0.3f,
                                             .temperature_span = 2};
            const uint32_t of_block = 8 * gpu::kRopeStoreThreads;
            expect_none(
                device.launch("rope_store", {(q_width + 2 * width + of_block - 1) / of_block, rows + 1}, p, constants));
          } else {
            const gpu::RopeParameters rope{.q = q_at,
                                           .k = k_at,
                                           .batch = batch_at,
                                           .q_heads = heads,
                                           .k_heads = kv_heads,
                                           .head_size = size,
                                           .first = 0,
                                           .pairs = size / 2,
                                           .row_pairs = row_pairs,
                                           .first_pair = before,
                                           .adjacent = adjacent,
                                           .temperature = 0.3f,
                                           .temperature_span = 2};
            expect_none(device.launch("rope", {heads + kv_heads, rows}, rope));
            const gpu::StoreParameters store{k_at, v_at, keys, cached, batch_at, width, width, page_size};
            expect_none(device.launch("store", {(width + 63) / 64, rows, has_values ? 2u : 1u}, store, constants));
          }
          std::vector<uint8_t> bytes;
          for (const auto& [at, count] : {std::pair{q_at, q.size() * sizeof(float)},
                                          {k_at, k.size() * sizeof(float)},
                                          {keys, cache.size()},
                                          {cached, cache.size()}}) {
            const std::vector<uint8_t> some = device.get<uint8_t>(at, count);
            bytes.insert(bytes.end(), some.begin(), some.end());
          }
          return bytes;
        };
        const std::vector<uint8_t> found = made(true);
        EXPECT_EQ(found, made(false));
        EXPECT_NE(std::vector<uint8_t>(found.end() - static_cast<ptrdiff_t>(2 * cache.size()), found.end()),
                  std::vector<uint8_t>(2 * cache.size(), 0x55));
      }
}

// norm_round is norm and round_inputs behind it, to the bit: in place and not, with all that may be added.
TEST(CudaKernels, NormRoundIsNormAndRounding) {
  std::mt19937 random(3);
  const auto values = [&](size_t count) {
    std::vector<float> result(count);
    for (float& value : result) value = std::normal_distribution<float>(0.2f, 2)(random);
    return result;
  };
  const uint32_t rows = 3;
  std::vector<uint32_t> header(gpu::kHeaderWords);
  header[HeaderWord::outputs] = rows - 1;
  for (const uint32_t width : {32u, 96u, 2048u, 2080u, 4096u, 4128u, 6176u})
    for (const uint32_t way : {0u, 1u, 2u, 3u}) {
      Device device(width + way);
      const bool centered = way == 1, adds = way == 2, in_place = way == 3;
      std::vector<float> input = values(size_t{rows} * width);
      std::fill_n(input.begin(), 32, 0.0f);
      if (width > 32) input[width + 40] = 1e30f;  // whose square is infinity
      const Address in = device.put(input), twin = device.put(input), gain = device.put(values(width)),
                    bias = centered ? device.put(values(width)) : 0, add = adds ? device.put(values(input.size())) : 0,
                    batch = device.put(header);
      const Address out = in_place ? in : device.put(std::vector<float>(input.size(), 7.0f));
      const Address second_out = in_place ? twin : device.put(std::vector<float>(input.size(), 7.0f));
      const uint32_t stride = gpu::rounded_words(width);
      const std::vector<uint32_t> nothing(size_t{rows} * stride, 5);
      const Address rounded = device.put(nothing), second_rounded = device.put(nothing);
      const cuda::Constants constants{{centered ? 1u : 0u}};
      const gpu::NormParameters norm{.in = in,
                                     .out = out,
                                     .gain = gain,
                                     .bias = bias,
                                     .add = add,
                                     .batch = batch,
                                     .width = width,
                                     .run = width,
                                     .gain_rows = 1,
                                     .rows_at = HeaderWord::outputs,
                                     .eps = 1e-5f};
      expect_none(device.launch("norm", {1, rows}, norm, constants));
      const gpu::RoundInputsParameters round = rounding_of(out, rounded, batch, width, HeaderWord::outputs);
      expect_none(device.launch("round_inputs", {(width + 511) / 512, rows}, round));
      gpu::NormRoundParameters both{.in = twin,
                                    .out = second_out,
                                    .rounded = second_rounded,
                                    .gain = gain,
                                    .bias = bias,
                                    .add = add,
                                    .batch = batch,
                                    .width = width,
                                    .rounded_stride = stride,
                                    .rows_at = HeaderWord::outputs,
                                    .eps = 1e-5f};
      expect_none(device.launch("norm_round", {1, rows}, both, constants));
      EXPECT_EQ(device.get<uint32_t>(second_out, input.size()), device.get<uint32_t>(out, input.size())) << width;
      EXPECT_EQ(device.get<uint32_t>(second_rounded, nothing.size()), device.get<uint32_t>(rounded, nothing.size()));
      if (in_place) continue;
      const Address third = both.rounded = device.put(nothing);
      both.out = 0;
      expect_none(device.launch("norm_round", {1, rows}, both, constants));
      EXPECT_EQ(device.get<uint32_t>(third, nothing.size()), device.get<uint32_t>(rounded, nothing.size()));
    }
}

TEST(CudaKernels, RoundedRowsEndWithTheirSums) {
  constexpr uint32_t kWidth = 608, kRows = 2;  // the last of 16 groups for a warp is not whole
  std::mt19937 random(7);
  std::vector<float> input(kRows * kWidth);
  for (float& value : input) value = std::normal_distribution<float>(0.5f, 3)(random);
  std::fill_n(input.begin() + 64, 32, 0.0f);
  std::vector<uint32_t> header(gpu::kHeaderWords);
  header[HeaderWord::rows] = kRows;
  Device device;
  const uint32_t stride = gpu::rounded_words(kWidth);
  const Address out = device.put(std::vector<uint32_t>(kRows * stride, 5));
  const gpu::RoundInputsParameters args =
      rounding_of(device.put(input), out, device.put(header), kWidth, HeaderWord::rows);
  expect_none(device.launch("round_inputs", {(kWidth + 511) / 512, kRows}, args));
  for (uint32_t row = 0; row < kRows; ++row) {
    const Address at = out + 4ull * row * stride;
    const std::vector<int8_t> bytes = device.get<int8_t>(at, kWidth);
    const std::vector<float> scales = device.get<float>(at + kWidth, kWidth / 32);
    const std::vector<float> sums = device.get<float>(at + kWidth + kWidth / 8, kWidth / 16);
    for (uint32_t i = 0; i < kWidth; ++i)
      ASSERT_NEAR(bytes[i] * scales[i / 32], input[row * kWidth + i], scales[i / 32] * 0.501f) << i;
    for (uint32_t i = 0; i < kWidth / 16; ++i) {
      const int sum = std::accumulate(bytes.begin() + 16 * i, bytes.begin() + 16 * i + 16, 0);
      EXPECT_EQ(sums[i], scales[i / 2] * static_cast<float>(sum)) << i;
    }
  }
}

TEST(CudaKernels, ReadEveryWord) {
  for (const uint32_t count : {1u, 512u, 5000u}) {
    Device device(count);
    std::vector<uint32_t> words(4 * count);
    std::iota(words.begin(), words.end(), 0x7fffff00u);
    const Address sums = device.put(std::vector<uint32_t>(3, 9));
    expect_none(device.launch("read_words", {2}, gpu::ReadWordsParameters{device.put(words), sums, count}));
    const std::vector<uint32_t> found = device.get<uint32_t>(sums, 3);
    EXPECT_EQ(found[0] + found[1], std::accumulate(words.begin(), words.end(), 0u)) << count;
    EXPECT_EQ(found[2], 9u);
  }
}

// Where slices have value k of column c, in values: of RoundInputsParameters' text.
size_t place_in_slices(uint32_t c, uint32_t k, uint32_t width) {
  const uint32_t t = k % 256 / 64, h = k % 64 / 32, s = k % 32 / 8, j = k % 8 / 2;
  const size_t piece = size_t{c / 8} * (width / 64) + k / 256 * 4 + s;
  return piece * 512 + c % 8 * 64 + ((4 * h + j) ^ (c % 8)) * 8 + t * 2 + k % 2;
}

// The numbers are those of rows of bfloat16 numbers, in another place.
TEST(CudaKernels, RoundedInputsLieInSlices) {
  std::mt19937 random(4);
  const uint32_t rows = 11, room = 16, matrices = 2, width = 512, stride = gpu::bfloat_words(width);
  std::vector<uint32_t> header(gpu::kHeaderWords);
  header[HeaderWord::rows] = rows;
  std::vector<float> input(size_t{rows} * matrices * width), gains(width, 1.5f);
  for (float& value : input) value = std::normal_distribution<float>(0, 3)(random);
  Device device;
  const Address in = device.put(input), gain = device.put(gains), batch = device.put(header);
  const std::vector<uint16_t> nothing(size_t{room} * matrices * width, 5);
  const auto rounded = [&](uint32_t constant, bool norms) {
    const Address out = device.put(nothing);
    if (norms) {
      const gpu::NormRoundParameters p{.in = in,
                                       .out = 0,
                                       .rounded = out,
                                       .gain = gain,
                                       .bias = 0,
                                       .add = 0,
                                       .batch = batch,
                                       .width = width,
                                       .rounded_stride = stride,
                                       .rows_at = HeaderWord::rows,
                                       .eps = 1e-5f};
      expect_none(device.launch("norm_round", {1, rows}, p, {{0, constant}}));
    } else {
      const gpu::RoundInputsParameters p{.in = in,
                                         .out = out,
                                         .batch = batch,
                                         .width = width,
                                         .in_stride = matrices * width,
                                         .in_matrix_stride = width,
                                         .out_stride = matrices * stride,
                                         .out_matrix_stride = stride,
                                         .rows_at = HeaderWord::rows,
                                         .rows_each = 1,
                                         .unused = 0};
      expect_none(device.launch("round_inputs", {1, rows, matrices}, p, {{constant}}));
    }
    return device.get<uint16_t>(out, nothing.size());
  };
  for (const bool norms : {false, true}) {
    const std::vector<uint16_t> expected = rounded(1, norms), found = rounded(2, norms);
    const uint32_t count = norms ? 1 : matrices;
    for (uint32_t m = 0; m < count; ++m)
      for (uint32_t c = 0; c < rows; ++c)
        for (uint32_t k = 0; k < width; ++k) {
          // Of eight columns the matrices follow one another.
          const size_t eights = (size_t{c / 8} * (count - 1) + m) * 8 * width;
          ASSERT_EQ(found[eights + place_in_slices(c, k, width)], expected[(size_t{c} * count + m) * width + k])
              << norms << " column " << c << " value " << k << " of matrix " << m;
        }
  }
}

// Rows 2 and 0 of three, in that order of the batch's words.
void expect_candidates(const std::vector<std::vector<float>>& rows, uint32_t most) {
  const auto width = static_cast<uint32_t>(rows[0].size()), chunks = gpu::candidate_chunks(width);
  std::vector<float> logits;
  for (const auto& row : rows) logits.insert(logits.end(), row.begin(), row.end());
  const uint32_t fewer = (most + 1) / 2;
  std::vector<uint32_t> batch(gpu::kHeaderWords);
  batch[HeaderWord::chosen] = 2;
  batch[HeaderWord::chosen_rows] = gpu::kHeaderWords;
  batch.insert(batch.end(), {2, most, 0, 0, fewer, most});
  Device device(most);
  const Address at = device.put(batch), pairs = device.put(std::vector<uint32_t>(2ull * chunks * (most + fewer)));
  const Address out = device.put(std::vector<Candidate>(most + fewer + 1, {-7, -7}));
  expect_none(
      device.launch("candidates", {chunks, 4}, gpu::CandidatesParameters{device.put(logits), pairs, at, width, 0}));
  expect_none(device.launch("best_candidates", {1, 4}, gpu::BestCandidatesParameters{pairs, out, at, chunks}));
  const std::vector<Candidate> found = device.get<Candidate>(out, most + fewer + 1);
  std::vector<Candidate> expected(most + fewer);
  choose_candidates(rows[2], std::span(expected).first(most));
  choose_candidates(rows[0], std::span(expected).last(fewer));
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(found[i].token, expected[i].token) << i << " of width " << width;
    if (expected[i].token >= 0) ASSERT_EQ(found[i].logit, expected[i].logit) << i << " of width " << width;
  }
  EXPECT_EQ(found.back().token, -7) << "more was written";
}

TEST(CudaKernels, CandidatesAreTheLargestLogits) {
  std::mt19937 random(5);
  for (const uint32_t width : {1u, 31u, 32u, 33u, 4095u, 4096u, 4097u, 9000u})
    for (const uint32_t most : {1u, 2u, 40u, kMostCandidates}) {
      std::vector<std::vector<float>> rows(3, std::vector<float>(width));
      for (float& logit : rows[0]) logit = std::normal_distribution<float>(0, 3)(random);
      for (float& logit : rows[2]) {
        const float values[] = {NAN, -INFINITY, -0.0f, 0.0f, 1e-40f, -1e-40f, -3, 2.5f};
        logit = values[random() % std::size(values)];
      }
      expect_candidates(rows, most);
    }
  std::vector<std::vector<float>> rows(3, std::vector<float>(151936, 1.0f));
  for (float& logit : rows[2]) logit = std::normal_distribution<float>(0, 3)(random);
  expect_candidates(rows, 40);
  for (float special : {NAN, -INFINITY, INFINITY})
    expect_candidates(std::vector(3, std::vector<float>(5000, special)), 40);
}

}  // namespace
}  // namespace hearth::simt
