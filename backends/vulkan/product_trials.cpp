// Trials of what reads weights, and what all trials share.
#include <algorithm>
#include <cmath>

#include "backends/vulkan/trials.h"
#include "kernels/gpu/parameters.h"
#include "quant/decode_tables.h"
#include "quant/planes.h"

namespace hearth::vulkan {
using gpu::EmbedParameters, gpu::HeaderWord, gpu::kHeaderWords, gpu::matmul_kinds, gpu::MatmulParameters;
using gpu::half_words, gpu::rounded_words, gpu::RoundInputsParameters;

namespace {

constexpr uint32_t kTrialRows = 8, kTileTrialColumns = 9;
constexpr uint32_t kLongWidth = 17 * kTrialWidth;  // more than the threads of byte_matmul multiply at a time

uint32_t scrambled(uint32_t i, uint32_t seed) {
  uint32_t x = (i + 1) * 0x9e3779b9u ^ seed * 0x85ebca6bu;
  x = (x ^ x >> 15) * 0x2c1b3c6du;
  return x ^ x >> 12;
}

// Makes blocks of bytes that look random, and decodes them: those whose values are moderate.
void draw_blocks(const FormatInfo& info, std::span<std::byte> blocks, std::span<float> values) {
  uint32_t seed = 3;
  for (size_t i = 0; i < blocks.size() / info.block_bytes; ++i) {
    const auto block = blocks.subspan(i * info.block_bytes, info.block_bytes);
    const auto decoded = values.subspan(i * info.block_size, info.block_size);
    bool moderate = false;
    while (!moderate) {
      ++seed;
      for (uint32_t j = 0; j < block.size(); ++j) block[j] = static_cast<std::byte>(scrambled(j, seed) >> 12);
      info.decode(block.data(), decoded.data(), decoded.size());
      float most = 0;
      moderate = true;
      for (const float value : decoded) {
        moderate = moderate && std::fabs(value) < 100;  // nor NaN
        most = std::max(most, std::fabs(value));
      }
      moderate = moderate && most > 0.01f;
    }
  }
}

// A matrix, what it decodes to, and its planes.
struct TrialWeight {
  std::vector<float> values;  // [kTrialRows x width]
  std::vector<std::byte> planes;
};

// Longer rows than kTrialWidth are made of several of that.
TrialWeight trial_weight(Format format, uint32_t width) {
  const FormatInfo& info = format_info(format);
  const size_t row_bytes = kTrialWidth / info.block_size * info.block_bytes;
  std::vector<float> values = uneven_values(size_t{kTrialRows} * kTrialWidth, 1);
  std::vector<std::byte> encoded(kTrialRows * row_bytes), blocks;
  if (info.encode == nullptr)
    draw_blocks(info, encoded, values);
  else
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

// A product with nothing added, of as many columns as the batch has rows.
MatmulParameters plain_product(const Buffer& planes, const Buffer& in, const Buffer& out, const Buffer& batch,
                               uint32_t rows, uint32_t width) {
  MatmulParameters push{};
  push.weight = planes.address();
  push.in = in.address();
  push.out = out.address();
  push.batch = batch.address();
  push.width = push.in_stride = width;
  push.rows = push.out_stride = rows;
  push.kinds = matmul_kinds(1, 0, HeaderWord::rows);
  push.scale = 1;
  return push;
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

Trials::Form Trials::form_of(Format format, Inputs inputs) const {
  const std::string name = format_info(format).name;
  if (inputs == Inputs::bytes) return {"byte_tiles/" + name, {}, 64, 32, inputs};
  if (inputs == Inputs::floats) return {"matmul_tiles/" + name, {1}, 64, 32, inputs};
  return {"matrix_tiles/" + name, {gpu_.matrix_threads(), 1}, gpu::kMatrixTile, gpu::kMatrixTile, inputs};
}

void Trials::record(Commands& commands, const Form& form, MatmulParameters push, uint32_t columns, const Buffer& copy) {
  if (form.inputs != Inputs::floats) {
    const bool bytes = form.inputs == Inputs::bytes;
    RoundInputsParameters round{};
    round.in = push.in;
    round.out = push.in = copy.address();
    round.batch = push.batch;
    round.width = round.in_stride = push.width;
    round.out_stride = round.out_matrix_stride = push.in_stride =
        bytes ? rounded_words(push.width) : half_words(push.width);
    round.rows_at = HeaderWord::rows;
    round.rows_each = 1;
    commands.dispatch(gpu_.pipeline(bytes ? "round_inputs" : "halve_inputs"), round,
                      {bytes ? (push.width + 511) / 512 : 1, columns});
    commands.barrier();
  }
  commands.dispatch(gpu_.pipeline(form.shader, form.constants), push,
                    {(push.rows + form.rows - 1) / form.rows, (columns + form.columns - 1) / form.columns});
}

bool Trials::multiplies(Format format, const Form& form, uint32_t columns) {
  const uint32_t width = form.width;
  const TrialWeight weight = trial_weight(format, width);
  const std::vector<float> input = whole_values(size_t{columns} * width, 2);
  const size_t count = size_t{columns} * kTrialRows;
  const Buffer planes = put(weight.planes), in = put(input), batch = put(std::vector<uint32_t>(kHeaderWords, columns)),
               out = put(std::vector<float>(count)), copy = put(std::vector<float>(input.size()));
  MatmulParameters push = plain_product(planes, in, out, batch, kTrialRows, width);
  push.decode_tables = tables_.address();
  gpu_.run_once([&](Commands& commands) { record(commands, form, push, columns, copy); });
  // Inputs are whole numbers that bytes and halves hold; weights are rounded to halves, of 11 bits.
  const double off = form.inputs == Inputs::halves ? 1e-3 : 1e-5;
  std::vector<double> expected(count), bounds(count);
  for (size_t c = 0; c < columns; ++c)
    for (size_t r = 0; r < kTrialRows; ++r)
      for (size_t i = 0; i < width; ++i) {
        const double product = double{weight.values[r * width + i]} * double{input[c * width + i]};
        expected[c * kTrialRows + r] += product;
        bounds[c * kTrialRows + r] += off * std::fabs(product);
      }
  return are_near(values_of(out), expected, bounds);
}

double Trials::time_of_product(Inputs inputs) {
  constexpr uint32_t kRows = 2048, kWidth = 1024, kColumns = 256;
  const Form form = form_of(Format::q4_k, inputs);
  const auto room = [&](uint64_t bytes) { return Buffer(gpu_, bytes, Place::device, "timing products"); };
  const Buffer planes = room(planes_of(Format::q4_k, uint64_t{kRows} * kWidth / 256).bytes),
               in = room(4 * kColumns * kWidth), copy = room(4 * kColumns * kWidth), out = room(4 * kColumns * kRows),
               batch = put(std::vector<uint32_t>(kHeaderWords, kColumns));
  const MatmulParameters push = plain_product(planes, in, out, batch, kRows, kWidth);
  Commands commands(gpu_);
  commands.time_dispatches(2);
  for (const Buffer* one : {&planes, &in}) commands.zero(*one);
  commands.barrier();
  record(commands, form, push, kColumns, copy);
  commands.end();
  double best = 0;
  for (int run = 0; run < 3; ++run) {
    commands.run();
    const double seconds = commands.times().back();
    best = run == 0 ? seconds : std::min(best, seconds);
  }
  return best;
}

bool Trials::product(Format format, uint32_t columns) {
  return multiplies(format, {std::string("matmul/") + format_info(format).name, {columns, 4, 1}, 4, columns}, columns);
}
bool Trials::product_of_few_bytes(Format format, uint32_t columns) {
  return multiplies(format,
                    {std::string("byte_matmul/") + format_info(format).name,
                     {columns, 4, 1, gpu::rounded_threads(kLongWidth, kTrialRows)},
                     4,
                     columns,
                     Inputs::bytes,
                     kLongWidth},
                    columns);
}
bool Trials::product_in_tiles(Format format) {
  return multiplies(format, form_of(format, Inputs::floats), kTileTrialColumns);
}
bool Trials::product_of_bytes(Format format) {
  return multiplies(format, form_of(format, Inputs::bytes), kTileTrialColumns);
}
bool Trials::product_of_halves(Format format) {
  return multiplies(format, form_of(format, Inputs::halves), kTileTrialColumns);
}

bool Trials::embedding(Format format) {
  const TrialWeight table = trial_weight(format, kTrialWidth);
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
