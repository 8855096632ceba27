// Products with matrices of every format against sums in double.
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <span>

#include "backends/reference/ops.h"
#include "kernels/gpu/parameters.h"
#include "tests/backends/vulkan/emulated_matrices.h"
#include "tests/backends/vulkan/weights_for_tests.h"

namespace hearth::vulkan {
using gpu::Address, gpu::ExpertsParameters, gpu::ExpertTilesParameters, gpu::HeaderWord, gpu::kHeaderWords;
using gpu::half_words, gpu::kBiasOfColumn, gpu::matmul_kinds, gpu::most_tiles, gpu::rounded_words;
using gpu::MatmulParameters, gpu::RoundInputsParameters, gpu::expert_tiles_bytes, gpu::experts_kinds, gpu::is_whole;

namespace {

// Columns and rows that a workgroup makes, and by which shader.
struct Form {
  uint32_t columns, rows;
  bool tiles = false;
  bool bytes = false;     // from rounded inputs
  uint32_t threads = 32;  // of byte_matmul
  bool halves = false;    // from inputs that are halves, as the weights become
};
constexpr Form kSingle = {1, 4}, kFour = {4, 4}, kTiles = {32, 64, true}, kByteTiles = {32, 64, true, true},
               kMatrixTiles = {.columns = 64, .rows = 64, .tiles = true, .halves = true};
constexpr Form kByteSingle = {1, 4, false, true}, kByteFour = {4, 4, false, true};

// Whether the form has a shader for a format.
bool is_made(const Form& form, Format format) {
  if (form.halves) return format != Format::f32;
  return !form.bytes || format_info(format).block_size > 1;
}

std::vector<uint32_t> constants_of(const Form& form, uint32_t width, bool whole) {
  if (form.halves) return {shared_gpu().gpu->matrix_threads(), width % 8 == 0 ? 1u : 0u};
  const uint32_t last = whole ? 1 : 0;
  if (form.tiles) return form.bytes ? std::vector<uint32_t>() : std::vector{last};
  return form.bytes ? std::vector{form.columns, form.rows, last, form.threads}
                    : std::vector{form.columns, form.rows, last};
}
std::string shader_of(const Form& form, Format format) {
  if (form.halves) return std::string("matrix_tiles/") + format_info(format).name;
  const char* family = form.bytes ? "byte_" : form.tiles ? "matmul_" : "";
  return std::string(family) + (form.tiles ? "tiles/" : "matmul/") + format_info(format).name;
}

// Everything that one product may have.
struct Product {
  uint32_t width, rows, columns, matrices = 1;
  Activation act = Activation::none;
  bool biases = false, gated = false, add = false, times = false, scales = false, shared_input = false;
  float scale = 1;
  HeaderWord::Word count_at = HeaderWord::rows;
};

// Values as round_inputs rounds them, in groups of 32.
void round_values(std::span<float> values) {
  for (size_t first = 0; first < values.size(); first += 32) {
    float most = 0;
    for (size_t i = first; i < first + 32; ++i) most = std::max(most, std::fabs(values[i]));
    for (size_t i = first; i < first + 32; ++i)
      values[i] = std::nearbyint(values[i] * (127.0f / most)) * (most / 127.0f);
  }
}

// Values as they are as halves, whose exponents a power of two keeps in range.
void halve_values(std::span<float> values) {
  for (float& value : values) {
    int exponent = 0;
    const float fraction = std::frexp(value, &exponent);
    value = std::ldexp(std::nearbyint(std::ldexp(fraction, 11)), exponent - 11);
  }
}

class VulkanMatmul : public WithWeights {
 protected:
  static void SetUpTestSuite() {
    if (shared_gpu().gpu != nullptr) emulate_matrices(*shared_gpu().gpu);
  }
  // A vector that may be absent, and its address.
  struct Vector {
    std::vector<float> values;
    std::optional<Buffer> buffer;
    Address address() const { return buffer ? buffer->address() : 0; }
  };
  static Vector vector_if(bool there, size_t count, uint32_t seed) {
    if (!there) return {};
    Vector vector{normal_values(count, seed), {}};
    vector.buffer = buffer_of(vector.values);
    return vector;
  }
  // Also checks that the rest of `out` stays, in which there is room for a column more than the batch has.
  static void check(Format format, const Form& form, const Product& product);
  static void check_experts(Format format, const Form& form);
  // Has a kernel copy the inputs of `push`, in so many words a row, and `push` read that.
  template <class Push>
  static Buffer copy(const char* kernel, uint32_t words, uint32_t groups, Push& push, RoundInputsParameters copy,
                     uint32_t columns, uint32_t matrices) {
    copy.in = push.in;
    copy.batch = push.batch;
    copy.width = push.width;
    copy.in_stride = push.in_stride;
    copy.out_matrix_stride = words;
    copy.out_stride = matrices * words;
    Buffer out(gpu(), uint64_t{4} * copy.out_stride * columns, Place::device, "a test");
    copy.out = push.in = out.address();
    push.in_stride = copy.out_stride;
    WithGpu::run(kernel, copy, {groups, columns, matrices});
    return out;
  }
  template <class Push>
  static Buffer round(Push& push, RoundInputsParameters round, uint32_t columns, uint32_t matrices) {
    return copy("round_inputs", rounded_words(push.width), (push.width + 511) / 512, push, round, columns, matrices);
  }
  static Buffer halve(MatmulParameters& push, RoundInputsParameters halve, uint32_t columns, uint32_t matrices) {
    return copy("halve_inputs", half_words(push.width), 1, push, halve, columns, matrices);
  }
  static uint32_t whole(Format format, uint32_t width) {
    const uint32_t block = format_info(format).block_size;
    return (width + block - 1) / block * block;
  }
};

void VulkanMatmul::check(Format format, const Form& form, const Product& product) {
  const uint32_t width = whole(format, product.width), all_rows = product.rows * product.matrices;
  // Inputs of an even number of rows can be read at once.
  const uint32_t in_stride = width * product.matrices + (product.rows % 2 == 0 ? 4 : 3), out_stride = all_rows + 5;
  const float size = 1 / std::sqrt(static_cast<float>(width));
  TestWeight weight(format, all_rows, width, 1, size), up(format, all_rows, width, 2, size);
  auto input = normal_values(size_t{in_stride} * product.columns, 3);
  const auto before = normal_values(size_t{out_stride} * (product.columns + 1), 4);
  const Vector bias = vector_if(product.biases, all_rows, 5), bias_up = vector_if(product.biases, all_rows, 6);
  const Vector add = vector_if(product.add, before.size(), 7), times = vector_if(product.times, product.columns, 8);
  const Vector scales = vector_if(product.scales, product.matrices, 9),
               scales_up = vector_if(product.scales, product.matrices, 10);
  std::vector<uint32_t> words(16);
  words[product.count_at] = product.columns;
  const Buffer first = buffer_of(weight.planes), second = buffer_of(up.planes), in = buffer_of(input),
               out = buffer_of(before), batch = buffer_of(words);

  MatmulParameters push{};
  push.weight = first.address();
  push.weight_up = product.gated ? second.address() : 0;
  push.in = in.address();
  push.out = out.address();
  push.batch = batch.address();
  push.bias = bias.address();
  push.bias_up = bias_up.address();
  push.add = add.address();
  push.times = times.address();
  push.decode_tables = tables().address();
  push.scales = scales.address();
  push.scales_up = scales_up.address();
  push.width = width;
  push.rows = product.rows;
  push.in_stride = in_stride;
  push.out_stride = out_stride;
  push.in_matrix_stride = product.shared_input ? 0 : width;
  push.out_matrix_stride = product.rows + 1;
  push.kinds = matmul_kinds(product.matrices, static_cast<uint32_t>(product.act), product.count_at);
  push.scale = product.scale;
  Buffer rounded;
  const uint32_t in_matrix_stride = push.in_matrix_stride;
  RoundInputsParameters parameters{};
  parameters.in_matrix_stride = in_matrix_stride;
  parameters.rows_at = product.count_at;
  parameters.rows_each = 1;
  const uint32_t inputs = product.shared_input ? 1 : product.matrices;  // of a column
  if (form.halves) {
    rounded = halve(push, parameters, product.columns, inputs);
    push.in_matrix_stride = product.shared_input ? 0 : half_words(width);
    for (std::vector<float>* values : {&input, &weight.values, &up.values}) halve_values(*values);
  }
  if (form.bytes) {
    rounded = round(push, parameters, product.columns, inputs);
    push.in_matrix_stride = product.shared_input ? 0 : rounded_words(width);
    for (uint32_t c = 0; c < product.columns; ++c)
      round_values(std::span(input).subspan(size_t{c} * in_stride, size_t{width} * product.matrices));
  }
  run(shader_of(form, format), push,
      {(product.rows + form.rows - 1) / form.rows, (product.columns + form.columns) / form.columns, product.matrices},
      constants_of(form, width, is_whole(width, push.in, push.in_stride, push.in_matrix_stride)));
  const auto values = values_of<float>(out);

  std::vector<double> expected(before.begin(), before.end());
  for (uint32_t c = 0; c < product.columns; ++c)
    for (uint32_t m = 0; m < product.matrices; ++m)
      for (uint32_t r = 0; r < product.rows; ++r) {
        const uint32_t row = m * product.rows + r;
        const auto sum = [&](const TestWeight& of, const Vector& shift, const Vector& factor) {
          double total = 0;
          for (uint32_t i = 0; i < width; ++i)
            total += double{of.values[size_t{row} * width + i]} *
                     double{input[size_t{c} * in_stride + m * in_matrix_stride + i]};
          if (product.scales) total *= double{factor.values[m]};
          return total + (product.biases ? double{shift.values[row]} : 0);
        };
        double value = sum(weight, bias, scales);
        if (product.gated) {
          const double other = sum(up, bias_up, scales_up);
          reference::gate(product.act, &value, &other, 1);
        } else {
          value = reference::activate(product.act, value);
        }
        value *= double{product.scale} * (product.times ? double{times.values[c]} : 1);
        const size_t at = size_t{c} * out_stride + m * push.out_matrix_stride + r;
        expected[at] = value + (product.add ? double{add.values[at]} : 0);
      }
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_NEAR(values[i], expected[i], 2e-5 * (1 + std::fabs(expected[i])))
        << "column " << i / out_stride << ", " << i % out_stride << ", form " << form.columns << " x " << form.rows;
}

void VulkanMatmul::check_experts(Format format, const Form& form) {
  const uint32_t width = whole(format, 300), rows = 6, experts = 5, tokens = 40, used = 2, stride = rows + 2;
  std::vector<float> route((tokens + 1) * 2 * used, 9);  // behind the batch: of no expert
  for (uint32_t t = 0; t < tokens; ++t) {
    route[t * 2 * used] = t % 4 == 0 ? 3 : 1;  // an expert with more than a tile
    route[t * 2 * used + 1] = t % 4 == 0 ? 4 : 0;
  }
  const float size = 1 / std::sqrt(static_cast<float>(width));
  const TestWeight gate(format, rows * experts, width, 1, size), up(format, rows * experts, width, 2, size);
  auto input = normal_values(size_t{width} * tokens * used, 3);
  const auto before = normal_values(size_t{stride} * (tokens + 1) * used, 4);
  const Vector bias = vector_if(true, rows * experts, 5), bias_up = vector_if(true, rows * experts, 6),
               scales = vector_if(true, experts, 7), scales_up = vector_if(true, experts, 8);
  // After a selection: the batch has many more rows, whose routes nobody made.
  std::vector<uint32_t> words(kHeaderWords, tokens + 1);
  words[HeaderWord::outputs] = tokens;
  const Buffer first = buffer_of(gate.planes), second = buffer_of(up.planes), in = buffer_of(input),
               batch = buffer_of(words), routes = buffer_of(route);
  for (const bool of_pairs : {false, true}) {
    const bool gated = !of_pairs;
    const Buffer out = buffer_of(before);
    ExpertsParameters push{};
    push.weight = first.address();
    push.weight_up = gated ? second.address() : 0;
    push.in = in.address();
    push.out = out.address();
    push.batch = batch.address();
    push.bias = bias.address();
    push.bias_up = bias_up.address();
    push.route = routes.address();
    push.decode_tables = tables().address();
    push.scales = scales.address();
    push.scales_up = scales_up.address();
    push.width = push.in_stride = width;
    push.rows = rows;
    push.out_stride = stride;
    push.used = used;
    push.in_of_pairs = of_pairs ? 1 : 0;
    push.kinds = experts_kinds(experts, gated ? 1 : 0) | matmul_kinds(experts, 0, HeaderWord::outputs);
    Buffer tiles(gpu(), expert_tiles_bytes((tokens + 1) * used, experts), Place::device, "a test");
    if (form.tiles) {
      push.tiles = tiles.address();
      run("expert_tiles", ExpertTilesParameters{push.route, push.batch, push.tiles, experts, used, HeaderWord::outputs},
          {1});
    }
    Buffer rounded;
    if (form.bytes) {
      RoundInputsParameters parameters{};
      parameters.rows_at = HeaderWord::outputs;
      parameters.rows_each = of_pairs ? used : 1;
      rounded = round(push, parameters, tokens * used, 1);
      if (!of_pairs) round_values(input);
    }
    run(shader_of(form, format), push,
        {(rows + form.rows - 1) / form.rows,
         form.tiles ? most_tiles((tokens + 1) * used, experts) : (tokens + 1) * used},
        constants_of(form, width, is_whole(width, push.in, width, 0)));
    const auto values = values_of<float>(out);
    for (uint32_t pair = 0; pair < (tokens + 1) * used; ++pair)
      for (uint32_t r = 0; r < stride; ++r) {
        double expected = before[pair * stride + r];
        if (pair < tokens * used && r < rows) {
          const auto expert = static_cast<uint32_t>(route[pair / used * 2 * used + pair % used]);
          const uint32_t row = expert * rows + r;
          const auto sum = [&](const TestWeight& of, const Vector& shift, const Vector& factor) {
            double total = 0;
            for (uint32_t i = 0; i < width; ++i)
              total += double{of.values[size_t{row} * width + i]} *
                       double{input[size_t{of_pairs ? pair : pair / used} * width + i]};
            return total * double{factor.values[expert]} + double{shift.values[row]};
          };
          expected = sum(gate, bias, scales);
          if (gated) {
            const double other = sum(up, bias_up, scales_up);
            reference::gate(Activation::silu, &expected, &other, 1);
          }
        }
        ASSERT_NEAR(values[pair * stride + r], expected, 2e-5 * (1 + std::fabs(expected)))
            << "pair " << pair << ", " << r;
      }
  }
}

class VulkanMatmulOfFormat : public VulkanMatmul, public testing::WithParamInterface<FormatInfo> {};

TEST_P(VulkanMatmulOfFormat, MultipliesByWhatItDecodes) {
  const Format format = GetParam().format;
  for (const Form& form : {kSingle, kTiles, kByteSingle, kByteTiles, kMatrixTiles})
    if (is_made(form, format)) check(format, form, {.width = 1056, .rows = 10, .columns = 3});
  if (GetParam().block_size == 1)
    for (const Form& form : {kSingle, kTiles, kMatrixTiles})
      if (is_made(form, format)) check(format, form, {.width = 331, .rows = 9, .columns = 3});
}
INSTANTIATE_TEST_SUITE_P(Formats, VulkanMatmulOfFormat, testing::ValuesIn(formats().begin(), formats().end()),
                         format_name);

// What does not depend on the format is tested with these: without blocks, with a minimum, and with neither.
constexpr Format kSome[] = {Format::f32, Format::q4_k, Format::q8_0};
constexpr Form kForms[] = {kSingle,    {2, 2},      kFour, {8, 4}, kTiles, kByteSingle, kByteFour, {8, 4, false, true},
                           kByteTiles, kMatrixTiles};

TEST_F(VulkanMatmul, MultipliesAnyNumberOfColumns) {
  for (const Format format : kSome)
    for (const Form& form : kForms)
      for (const uint32_t columns : {1u, 3u, 8u, 11u, 33u, 70u})
        if (is_made(form, format)) check(format, form, {.width = 256, .rows = 9, .columns = columns});
}
TEST_F(VulkanMatmul, MultipliesAnyNumberOfRows) {
  for (const Format format : kSome)
    for (const Form& form : {kFour, kTiles, kByteFour, kByteTiles, kMatrixTiles})
      for (const uint32_t rows : {1u, 4u, 63u, 64u, 130u})
        if (is_made(form, format)) check(format, form, {.width = 256, .rows = rows, .columns = 5});
}
TEST_F(VulkanMatmul, HandlesNarrowAndRaggedWidths) {
  for (const Form& form : {kFour, kTiles, kMatrixTiles})
    for (const Format format : {Format::f32, Format::f16, Format::q8_0})
      for (const uint32_t width : {1u, 7u, 8u, 33u, 40u, 576u})
        if (is_made(form, format)) check(format, form, {.width = width, .rows = 5, .columns = 2});
}
TEST_F(VulkanMatmul, SharesLongRowsBetweenAnyNumberOfThreads) {
  for (const uint32_t threads : {32u, 64u, 128u})
    for (const uint32_t width : {32u, 4064u, 4128u})
      check(Format::q8_0, {4, 4, false, true, threads}, {.width = width, .rows = 5, .columns = 3});
  check(Format::q6_k, {8, 8, false, true, 64}, {.width = 4608, .rows = 17, .columns = 9});
}
TEST_F(VulkanMatmul, AddsScalesAndActivates) {
  for (const Form& form : {kFour, kTiles, kByteFour, kByteTiles, kMatrixTiles})
    for (const Activation act : {Activation::none, Activation::silu, Activation::gelu, Activation::sigmoid})
      check(Format::q8_0, form,
            {.width = 512,
             .rows = 6,
             .columns = 3,
             .act = act,
             .biases = true,
             .add = true,
             .times = true,
             .scales = true,
             .scale = 0.5f,
             .count_at = HeaderWord::outputs});
}
TEST_F(VulkanMatmul, GatesPairs) {
  for (const Form& form : {kFour, kTiles, kByteFour, kByteTiles, kMatrixTiles})
    for (const Activation act : {Activation::silu, Activation::gelu, Activation::clamped})
      check(Format::q4_k, form,
            {.width = 512, .rows = 7, .columns = 3, .act = act, .biases = true, .gated = true, .scales = true});
}
TEST_F(VulkanMatmul, MultipliesHeadsApart) {
  for (const Form& form : {kFour, kTiles, kByteFour, kByteTiles, kMatrixTiles})
    for (const bool shared : {false, true})
      check(Format::q8_0, form,
            {.width = 256, .rows = 5, .columns = 3, .matrices = 4, .scales = true, .shared_input = shared});
}
TEST_F(VulkanMatmul, SendsRowsToTheirExperts) {
  for (const Format format : kSome)
    for (const Form& form : {kSingle, kTiles, kByteSingle, kByteTiles})
      if (is_made(form, format)) check_experts(format, form);
}

TEST_F(VulkanMatmul, RoundsInputsAndKeepsWhatIsNotFinite) {
  const uint32_t width = 576;
  auto input = normal_values(width, 1);
  std::fill(input.begin(), input.begin() + 32, 0.0f);
  input[64] = std::numeric_limits<float>::infinity();
  input[130] = std::numeric_limits<float>::quiet_NaN();
  std::vector<uint32_t> words(16, 1);
  const Buffer in = buffer_of(input), batch = buffer_of(words);
  MatmulParameters push{};
  push.in = in.address();
  push.batch = batch.address();
  push.width = push.in_stride = width;
  RoundInputsParameters parameters{};
  parameters.rows_each = 1;
  const auto bytes = values_of<int8_t>(round(push, parameters, 1, 1));
  std::vector<float> scales(width / 32);
  std::memcpy(scales.data(), bytes.data() + width, scales.size() * sizeof(float));
  EXPECT_EQ(scales[0], 0.0f);
  EXPECT_TRUE(std::isinf(scales[2]));
  EXPECT_TRUE(std::isnan(scales[4]));
  for (uint32_t i = 0; i < width; ++i)
    if (std::isfinite(scales[i / 32]))
      EXPECT_LE(std::fabs(scales[i / 32] * bytes[i] - input[i]), 0.5001f * scales[i / 32]) << i;
}

// A column's values may be large or small beside those of others, and weights beside those of earlier depths.
TEST_F(VulkanMatmul, MakesHalvesOfValuesOfAnySize) {
  const uint32_t width = 96, rows = 70, columns = 67;
  TestWeight weight(Format::bf16, rows, width, 1);
  std::vector<uint16_t> bits(size_t{rows} * width);
  for (uint32_t row = 0; row < rows; ++row)
    for (uint32_t i = 0; i < width; ++i) {
      // Of 64 rows together, each slice of 32 is larger than that before it; in the last rows the first is.
      const int size = row < 64 ? static_cast<int>(i / 32) * 24 - 60 : 30 - static_cast<int>(i / 32) * 24;
      float& value = weight.values[size_t{row} * width + i];
      value = std::ldexp(static_cast<float>((row * 7 + i * 5) % 15) - 7, size);
      bits[size_t{row} * width + i] = static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
    }
  std::vector<float> input(size_t{width} * columns);
  for (uint32_t c = 0; c < columns; ++c)
    for (uint32_t i = 0; i < width; ++i)
      input[size_t{c} * width + i] =
          std::ldexp(static_cast<float>((c * 3 + i * 11) % 31) - 15, static_cast<int>(c % 3) * 80 - 80);
  input[size_t{5} * width + 1] = std::numeric_limits<float>::infinity();
  input[size_t{6} * width + 2] = std::numeric_limits<float>::quiet_NaN();
  for (uint32_t i = 0; i < width; ++i) input[size_t{7} * width + i] = 0;
  const Buffer planes = buffer_of(bits), in = buffer_of(input), batch = buffer_of(std::vector<uint32_t>(16, columns)),
               out = buffer_of(std::vector<float>(size_t{rows} * columns));
  MatmulParameters push{};
  push.weight = planes.address();
  push.in = in.address();
  push.out = out.address();
  push.batch = batch.address();
  push.width = push.in_stride = width;
  push.rows = push.out_stride = rows;
  push.kinds = matmul_kinds(1, 0, HeaderWord::rows);
  push.scale = 1;
  RoundInputsParameters parameters{};
  parameters.rows_each = 1;
  const Buffer halves = halve(push, parameters, columns, 1);
  run("matrix_tiles/BF16", push, {2, 2}, constants_of(kMatrixTiles, width, true));
  const auto found = values_of<float>(out);
  for (uint32_t c = 0; c < columns; ++c)
    for (uint32_t row = 0; row < rows; ++row) {
      double expected = 0, size = 0;
      for (uint32_t i = 0; i < width; ++i) {
        const double product = double{weight.values[size_t{row} * width + i]} * double{input[size_t{c} * width + i]};
        expected += product;
        size += std::fabs(product);
      }
      const float value = found[size_t{c} * rows + row];
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(value)) << c << ", " << row;
      } else if (std::isinf(expected)) {
        EXPECT_EQ(value, expected) << c << ", " << row;
      } else {
        // All are whole numbers of few bits times powers of two, which halves hold; sums are rounded.
        EXPECT_NEAR(value, expected, 1e-6 * size) << c << ", " << row;
      }
    }
}

TEST_F(VulkanMatmul, GivesTheSameBitsInAnyCompany) {
  const uint32_t width = 1280, rows = 6, columns = 8;
  for (const auto& [format, bytes] :
       {std::pair(Format::q4_k, false), std::pair(Format::q4_k, true), std::pair(Format::q4_0, true)}) {
    const TestWeight weight(format, rows, width, 1);
    const auto input = normal_values(size_t{width} * columns, 2);
    const Buffer planes = buffer_of(weight.planes), in = buffer_of(input);
    std::vector<std::vector<float>> results;
    for (const Form& form : {Form{1, 4, false, bytes}, Form{4, 4, false, bytes}, Form{8, 4, false, bytes}}) {
      std::vector<uint32_t> words(16, columns);
      const Buffer batch = buffer_of(words), out = buffer_of(std::vector<float>(size_t{rows} * columns));
      MatmulParameters push{};
      push.weight = planes.address();
      push.in = in.address();
      push.out = out.address();
      push.batch = batch.address();
      push.decode_tables = tables().address();
      push.width = push.in_stride = width;
      push.rows = push.out_stride = rows;
      push.kinds = matmul_kinds(1, 0, HeaderWord::rows);
      push.scale = 1;
      Buffer rounded;
      RoundInputsParameters parameters{};
      parameters.rows_each = 1;
      if (bytes) rounded = round(push, parameters, columns, 1);
      run(shader_of(form, format), push, {(rows + form.rows - 1) / form.rows, columns / form.columns},
          constants_of(form, width, is_whole(width, push.in, width, 0)));
      results.push_back(values_of<float>(out));
      EXPECT_EQ(results.back(), results.front());
    }
  }
}

}  // namespace
}  // namespace hearth::vulkan
