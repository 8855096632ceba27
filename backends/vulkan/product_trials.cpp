// Trials of what reads weights, and what all trials share.
#include <cmath>

#include "backends/vulkan/trials.h"
#include "kernels/gpu/parameters.h"
#include "quant/decode_tables.h"
#include "quant/planes.h"

namespace hearth::vulkan {
using gpu::EmbedParameters, gpu::HeaderWord, gpu::kHeaderWords, gpu::matmul_kinds, gpu::MatmulParameters;
using gpu::rounded_words, gpu::RoundInputsParameters;

namespace {

constexpr uint32_t kTrialRows = 8, kTrialWidth = 256, kTileTrialColumns = 9;
constexpr uint32_t kLongWidth = 17 * kTrialWidth;  // more than the threads of byte_matmul multiply at a time

uint32_t scrambled(uint32_t i, uint32_t seed) {
  uint32_t x = (i + 1) * 0x9e3779b9u ^ seed * 0x85ebca6bu;
  x = (x ^ x >> 15) * 0x2c1b3c6du;
  return x ^ x >> 12;
}

// A matrix, what it decodes to, and its planes; empty where nothing encodes the format.
struct TrialWeight {
  std::vector<float> values;  // [kTrialRows x width]
  std::vector<std::byte> planes;
};

// Longer rows than kTrialWidth are made of several of that.
TrialWeight trial_weight(Format format, uint32_t width) {
  const FormatInfo& info = format_info(format);
  if (info.encode == nullptr) return {};
  const std::vector<float> values = uneven_values(size_t{kTrialRows} * kTrialWidth, 1);
  const size_t row_bytes = kTrialWidth / info.block_size * info.block_bytes;
  std::vector<std::byte> encoded(kTrialRows * row_bytes), blocks;
  info.encode(values.data(), encoded.data(), values.size());
  for (uint32_t row = 0; row < kTrialRows; ++row)
    for (uint32_t i = 0; i < width / kTrialWidth; ++i) {
      const auto part = encoded.begin() + static_cast<ptrdiff_t>((row + i) % kTrialRows * row_bytes);
      blocks.insert(blocks.end(), part, part + static_cast<ptrdiff_t>(row_bytes));
    }
  TrialWeight weight{std::vector<float>(size_t{kTrialRows} * width), {}};
  const size_t count = weight.values.size() / info.block_size;
  info.decode(blocks.data(), weight.values.data(), weight.values.size());
  const Planes planes = planes_of(format, count);
  weight.planes.resize(planes.bytes);
  for (uint32_t p = 0; p < planes.count; ++p)
    fill_plane(format, blocks.data(), count, p, weight.planes.data() + planes.begin[p]);
  return weight;
}

}  // namespace

std::vector<float> uneven_values(size_t count, uint32_t seed) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(scrambled(static_cast<uint32_t>(i), seed) >> 8) / static_cast<float>(1 << 23) - 1;
  return values;
}

std::vector<float> whole_values(size_t count, uint32_t seed) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = i % 32 == 0 ? 127 : static_cast<float>(scrambled(static_cast<uint32_t>(i), seed) % 255) - 127;
  return values;
}

bool are_near(std::span<const float> found, std::span<const double> expected, std::span<const double> bounds) {
  for (size_t i = 0; i < expected.size(); ++i)
    if (!(std::fabs(found[i] - expected[i]) <= bounds[i])) return false;  // nor NaN
  return true;
}

bool are_near(std::span<const float> found, std::span<const double> expected, double bound) {
  return are_near(found, expected, std::vector<double>(expected.size(), bound));
}

Trials::Trials(Gpu& gpu) : gpu_(gpu), tables_(put(std::vector<DecodeTables>{decode_tables()})) {}

bool Trials::multiplies(Format format, const std::string& shader, std::vector<uint32_t> constants, uint32_t width,
                        uint32_t columns, bool rounds) {
  const TrialWeight weight = trial_weight(format, width);
  if (weight.values.empty()) return true;
  const std::vector<float> input = whole_values(size_t{columns} * width, 2);
  const size_t count = size_t{columns} * kTrialRows;
  const Buffer planes = put(weight.planes), in = put(input), batch = put(std::vector<uint32_t>(kHeaderWords, columns)),
               out = put(std::vector<float>(count));
  MatmulParameters push{};
  push.weight = planes.address();
  push.in = in.address();
  push.out = out.address();
  push.batch = batch.address();
  push.decode_tables = tables_.address();
  push.width = push.in_stride = width;
  push.rows = push.out_stride = kTrialRows;
  push.kinds = matmul_kinds(1, 0, HeaderWord::rows);
  push.scale = 1;
  Buffer rounded;
  if (rounds) {
    RoundInputsParameters round{};
    round.in = push.in;
    round.batch = push.batch;
    round.width = round.in_stride = width;
    round.out_stride = round.out_matrix_stride = push.in_stride = rounded_words(width);
    round.rows_at = HeaderWord::rows;
    round.rows_each = 1;
    rounded = put(std::vector<uint32_t>(size_t{columns} * round.out_stride));
    round.out = push.in = rounded.address();
    run("round_inputs", {}, round, {(width + 511) / 512, columns});
  }
  run(shader, constants, push, {shader.find("_tiles/") == std::string::npos ? kTrialRows / 4 : 1});
  std::vector<double> expected(count), bounds(count);
  for (size_t c = 0; c < columns; ++c)
    for (size_t r = 0; r < kTrialRows; ++r)
      for (size_t i = 0; i < width; ++i) {
        const double product = double{weight.values[r * width + i]} * double{input[c * width + i]};
        expected[c * kTrialRows + r] += product;
        bounds[c * kTrialRows + r] += 1e-5 * std::fabs(product);
      }
  return are_near(values_of(out), expected, bounds);
}

bool Trials::product(Format format, uint32_t columns) {
  return multiplies(format, std::string("matmul/") + format_info(format).name, {columns, 4, 1}, kTrialWidth, columns,
                    false);
}
bool Trials::product_of_few_bytes(Format format, uint32_t columns) {
  return multiplies(format, std::string("byte_matmul/") + format_info(format).name,
                    {columns, 4, 1, gpu::rounded_threads(kLongWidth, kTrialRows)}, kLongWidth, columns, true);
}
bool Trials::product_in_tiles(Format format) {
  return multiplies(format, std::string("matmul_tiles/") + format_info(format).name, {1}, kTrialWidth,
                    kTileTrialColumns, false);
}
bool Trials::product_of_bytes(Format format) {
  return multiplies(format, std::string("byte_tiles/") + format_info(format).name, {}, kTrialWidth, kTileTrialColumns,
                    true);
}

bool Trials::embedding(Format format) {
  const TrialWeight table = trial_weight(format, kTrialWidth);
  if (table.values.empty()) return true;
  std::vector<uint32_t> words(kHeaderWords + kTrialRows);
  words[HeaderWord::rows] = kTrialRows;
  words[HeaderWord::tokens] = kHeaderWords;
  for (uint32_t row = 0; row < kTrialRows; ++row) words[kHeaderWords + row] = kTrialRows - 1 - row;
  const Buffer planes = put(table.planes), batch = put(words), out = put(std::vector<float>(table.values.size()));
  EmbedParameters push{};
  push.table = planes.address();
  push.out = out.address();
  push.batch = batch.address();
  push.decode_tables = tables_.address();
  push.width = push.out_stride = kTrialWidth;
  push.table_rows = kTrialRows;
  push.index_at = HeaderWord::tokens;
  push.scale = 2;
  run(std::string("embed/") + format_info(format).name, {}, push, {1, kTrialRows});
  std::vector<double> expected(table.values.size()), bounds(table.values.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const size_t row = kTrialRows - 1 - i / kTrialWidth;
    expected[i] = 2 * double{table.values[row * kTrialWidth + i % kTrialWidth]};
    bounds[i] = 1e-6 * std::fabs(expected[i]) + 1e-30;
  }
  return are_near(values_of(out), expected, bounds);
}

}  // namespace hearth::vulkan
