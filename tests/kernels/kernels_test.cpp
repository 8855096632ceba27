// Every table of kernels, those of other processors emulated, against the reference decode and sums in double.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "tests/kernels/kernel_case.h"
#include "tests/kernels/random_blocks.h"

namespace hearth::cpu {
namespace {

// out = W in by the few or the many kernel, for all columns; rows outside [row_begin, row_end) must stay untouched.
void check_matmul(const KernelTable& table, const FormatInfo& info, uint32_t width, uint32_t rows, uint32_t columns,
                  uint32_t row_begin) {
  SCOPED_TRACE(std::string(info.name) + ", width " + std::to_string(width) + ", rows " + std::to_string(rows) +
               ", columns " + std::to_string(columns));
  std::mt19937 random(width + rows);
  const size_t row_bytes = width / info.block_size * info.block_bytes;
  std::vector<std::byte> weights = random_blocks(info.format, size_t{width} * rows, random, 1);
  weights.insert(weights.begin(), std::byte{0});  // files give no alignment
  std::vector<float> decoded(width);
  const std::vector<float> x = random_floats(size_t{width} * columns, 5);
  std::vector<Q8Unit> blocks(size_t{units(width)} * columns);
  std::vector<const void*> in;
  // What the kernels see of x: for formats of blocks, rounded to 8 bits.
  std::vector<double> seen(x.begin(), x.end());
  for (uint32_t c = 0; c < columns; ++c) {
    Q8Unit* of_column = &blocks[size_t{c} * units(width)];
    table.quantise(&x[size_t{c} * width], width, of_column);
    if (info.block_size == 1) {
      in.push_back(&x[size_t{c} * width]);
      continue;
    }
    in.push_back(of_column);
    for (uint32_t i = 0; i < width; ++i)
      seen[size_t{c} * width + i] =
          double{of_column[i / kUnit].scale[i % kUnit / 32]} * static_cast<double>(of_column[i / kUnit].q[i % kUnit]);
  }
  for (const bool many : {false, true}) {
    if (!many && columns > 8) continue;
    constexpr float kUntouched = 12345;
    std::vector<float> out(size_t{rows} * columns, kUntouched);
    std::vector<float*> out_columns;
    for (uint32_t c = 0; c < columns; ++c) out_columns.push_back(&out[size_t{c} * rows]);
    const FormatKernels& kernels = table.formats[static_cast<uint32_t>(info.format)];
    (many ? kernels.many : kernels.few)(
        {&info, weights.data() + 1, row_bytes, width, row_begin, rows, columns, in.data(), out_columns.data()});
    for (uint32_t row = 0; row < rows; ++row) {
      info.decode(weights.data() + 1 + row * row_bytes, decoded.data(), width);
      float largest = 0;
      for (const float w : decoded) largest = std::max(largest, std::abs(w));
      for (uint32_t c = 0; c < columns; ++c) {
        const float found = out[size_t{c} * rows + row];
        if (row < row_begin) {
          ASSERT_EQ(found, kUntouched);
          continue;
        }
        double expected = 0, size = 0;
        for (uint32_t i = 0; i < width; ++i) {
          expected += double{decoded[i]} * seen[size_t{c} * width + i];
          // Products of integers and their offset are added apart: each can be as large as the largest weight makes it.
          size += (std::abs(double{decoded[i]}) + double{largest}) * std::abs(seen[size_t{c} * width + i]);
        }
        // Integer products are exact; what remains are the roundings of some width / 16 float additions to each sum,
        // at most 2^-24 of its size each, which add up to far less than their number.
        ASSERT_NEAR(found, expected, 2e-6 * size) << "row " << row << ", column " << c << (many ? ", many" : ", few");
      }
    }
  }
}

TEST_P(Kernels, MultiplyEveryFormat) {
  for (const FormatInfo& info : formats()) {
    const auto blocks = [&](uint32_t width) {
      return (width + info.block_size - 1) / info.block_size * info.block_size;
    };
    check_matmul(table(), info, blocks(800), 19, 1, 0);
    check_matmul(table(), info, blocks(32), 5, 3, 2);
    check_matmul(table(), info, blocks(288), 51, 8, 0);
    check_matmul(table(), info, blocks(1100), 51, 8, 0);
    check_matmul(table(), info, blocks(544), 33, 17, 16);
    check_matmul(table(), info, blocks(288), 163, 34, 1);  // panels of several tiles
  }
}

TEST_P(Kernels, MultiplyFloatsOfAnyWidth) {
  for (const Format format : {Format::f32, Format::f16, Format::bf16})
    for (const uint32_t width : {1u, 7u, 9u, 100u}) check_matmul(table(), format_info(format), width, 7, 6, 1);
}

// Whichever way `many` goes: turned rows for a few columns, tiles for more, blocks of columns for very
// many.
TEST_P(Kernels, GiveAColumnTheSameBitsAmongAnyNumberOfOthers) {
  constexpr uint32_t kRows = 19;
  for (const FormatInfo& info : formats()) {
    if (info.block_size == 1) continue;
    SCOPED_TRACE(info.name);
    // The last unit cut short, where blocks allow it; very many columns once.
    const bool many = info.format == Format::q4_0;
    const uint32_t columns = many ? 530 : 40, width = info.block_size == 256 ? 1024 : many ? 288 : 832;
    const std::vector<float> x = random_floats(size_t{width} * columns, 7);
    std::vector<Q8Unit> blocks(size_t{units(width)} * columns);
    std::vector<const void*> in;
    for (uint32_t c = 0; c < columns; ++c) {
      Q8Unit* of_column = &blocks[size_t{c} * units(width)];
      table().quantise(&x[size_t{c} * width], width, of_column);
      in.push_back(of_column);
    }
    std::mt19937 random(3);
    const size_t row_bytes = width / info.block_size * info.block_bytes;
    const std::vector<std::byte> weights = random_blocks(info.format, size_t{width} * kRows, random, 1);
    // The same with what columns have at one place of a row side by side.
    std::vector<Q8Unit> side_by_side(blocks.size());
    std::vector<const void*> in_side_by_side;
    for (uint32_t c = 0; c < columns; ++c) {
      in_side_by_side.push_back(&side_by_side[c]);
      for (uint32_t u = 0; u < units(width); ++u)
        side_by_side[size_t{u} * columns + c] = blocks[size_t{c} * units(width) + u];
    }
    const auto multiply = [&](uint32_t begin, uint32_t some, uint32_t unit_step = 1) {
      std::vector<float> out(size_t{kRows} * some);
      std::vector<float*> out_columns;
      for (uint32_t c = 0; c < some; ++c) out_columns.push_back(&out[size_t{c} * kRows]);
      // What is read next, here narrower rows, is nothing to the result.
      const std::byte* next = some % 2 == 1 ? weights.data() : nullptr;
      table().formats[static_cast<uint32_t>(info.format)].many({&info, weights.data(), row_bytes, width, 0, kRows, some,
                                                                (unit_step == 1 ? in : in_side_by_side).data() + begin,
                                                                out_columns.data(), next, info.block_bytes, unit_step});
      return out;
    };
    const std::vector<float> all = multiply(0, columns);
    ASSERT_EQ(multiply(0, columns, columns), all);
    for (const uint32_t some : {1u, 2u, 3u, 4u, 5u, 9u, 17u}) {
      const uint32_t begin = columns - some;
      ASSERT_EQ(multiply(begin, some), std::vector<float>(all.end() - ptrdiff_t{kRows} * some, all.end())) << some;
    }
  }
}

// A unit that is cut short goes on with the row below, which must not be felt.
TEST_P(Kernels, KeepWhatIsNoNumberInItsRow) {
  constexpr uint32_t kRows = 40, kColumns = 17;
  for (const FormatInfo& info : formats()) {
    if (info.block_size == 1 || info.block_size == 256) continue;
    SCOPED_TRACE(info.name);
    const uint32_t width = info.block_size == 64 ? 320 : 288;
    const size_t row_bytes = width / info.block_size * info.block_bytes;
    std::mt19937 random(4);
    std::vector<std::byte> weights = random_blocks(info.format, size_t{width} * kRows, random, 1);
    const std::vector<float> x = random_floats(width, 8);
    std::vector<Q8Unit> blocks(units(width));
    table().quantise(x.data(), width, blocks.data());
    const std::vector<const void*> in(kColumns, blocks.data());
    const auto multiply = [&](uint32_t columns) {
      std::vector<float> out(size_t{kRows} * columns);
      std::vector<float*> out_columns;
      for (uint32_t c = 0; c < columns; ++c) out_columns.push_back(&out[size_t{c} * kRows]);
      table().formats[static_cast<uint32_t>(info.format)].many(
          {&info, weights.data(), row_bytes, width, 0, kRows, columns, in.data(), out_columns.data()});
      return out;
    };
    const std::vector<float> few = multiply(1), many = multiply(kColumns);
    for (uint32_t row = 1; row < kRows; row += 2)
      std::memset(&weights[row * row_bytes], 0xff, row_bytes);  // scales that are no numbers, or as large as they get
    const std::vector<float> few_now = multiply(1), many_now = multiply(kColumns);
    for (uint32_t row = 0; row < kRows; row += 2) {
      ASSERT_EQ(few_now[row], few[row]) << row;
      ASSERT_EQ(many_now[row], many[row]) << row;
    }
  }
}

// Whether weights stay as they are, and only their scales and sums of products are rounded.
bool keeps_weights(Format format) { return format == Format::q5_1 || format == Format::q5_k || format == Format::q6_k; }

// Weights that are rounded again, to 127 steps of the largest of 256, have a noise of a 127th / sqrt(12) of it. Half of
// the largest is a usual size of a weight, and some formats' units differ in size by ten. Scales and sums that are
// rounded to 16 bits miss by a few ten-thousandths, to both sides alike even if all scales are positive.
TEST_P(Kernels, RescaledWeightsMissLittle) {
  constexpr uint32_t kRows = 53, kColumns = 70, kBegin = 3;
  for (const FormatInfo& info : formats()) {
    const FormatKernels& kernels = table().formats[static_cast<uint32_t>(info.format)];
    if (kernels.rescaled == nullptr) continue;
    SCOPED_TRACE(info.name);
    for (const uint32_t width : {256u, info.block_size == 256 ? 1024u : 800u}) {
      const size_t row_bytes = width / info.block_size * info.block_bytes;
      std::mt19937 random(width);
      std::vector<std::byte> weights = random_blocks(info.format, size_t{width} * kRows, random, 1);
      with_block(info.format, [&]<class Block>() {
        for (size_t at = 0; at < weights.size(); at += sizeof(Block)) {
          Block block;
          std::memcpy(&block, &weights[at], sizeof block);
          if constexpr (requires { block.m; }) block.d &= 0x7fff;
          std::memcpy(&weights[at], &block, sizeof block);
        }
      });
      const std::vector<float> x = random_floats(size_t{width} * kColumns, 9);
      std::vector<Q8Unit> blocks(size_t{units(width)} * kColumns);
      std::vector<const void*> in;
      for (uint32_t c = 0; c < kColumns; ++c) {
        in.push_back(&blocks[size_t{c} * units(width)]);
        table().quantise(&x[size_t{c} * width], width, &blocks[size_t{c} * units(width)]);
      }
      const auto multiply = [&](MatmulKernel kernel, uint32_t first, uint32_t columns) {
        std::vector<float> out(size_t{kRows} * columns, 0);
        std::vector<float*> out_columns;
        for (uint32_t c = 0; c < columns; ++c) out_columns.push_back(&out[size_t{c} * kRows]);
        kernel(
            {&info, weights.data(), row_bytes, width, kBegin, kRows, columns, in.data() + first, out_columns.data()});
        return out;
      };
      const std::vector<float> exact = multiply(kernels.many, 0, kColumns);
      const std::vector<float> found = multiply(kernels.rescaled, 0, kColumns);
      double error = 0, size = 0, sum = 0;
      for (size_t i = 0; i < found.size(); ++i) {
        const double missed = double{found[i]} - double{exact[i]};
        error += missed * missed;
        sum += missed;
        size += double{exact[i]} * double{exact[i]};
      }
      const bool kept = keeps_weights(info.format);
      EXPECT_LT(error, (kept ? 2e-7 : 1e-4) * size);
      EXPECT_GT(error, (kept ? 0 : 1e-7) * size) << "not rounded at all";
      if (kept) EXPECT_LT(sum * sum, 0.1 * error * static_cast<double>(found.size())) << "to one side";
      for (uint32_t c = 0; c < kColumns; ++c)
        for (uint32_t row = 0; row < kBegin; ++row) ASSERT_EQ(found[c * kRows + row], 0) << "outside of the range";
      for (const uint32_t some : {1u, 6u, 65u})
        ASSERT_EQ(multiply(kernels.rescaled, kColumns - some, some),
                  std::vector<float>(found.end() - ptrdiff_t{kRows} * some, found.end()))
            << "a column depends on others";
      // Rows whose scales are no numbers keep that to themselves; rows of zeros are zeros.
      for (uint32_t row = kBegin; row < kRows; row += 3) std::memset(&weights[row * row_bytes], 0xff, row_bytes);
      for (uint32_t row = kBegin + 1; row < kRows; row += 3) std::memset(&weights[row * row_bytes], 0, row_bytes);
      const std::vector<float> changed = multiply(kernels.rescaled, 0, kColumns);
      for (size_t i = 0; i < changed.size(); ++i) {
        const uint32_t row = i % kRows;
        if (row < kBegin) continue;
        if ((row - kBegin) % 3 == 0) {
          ASSERT_TRUE(std::isnan(changed[i])) << "row " << row;
        } else {
          ASSERT_EQ(changed[i], (row - kBegin) % 3 == 1 ? 0 : found[i]) << "row " << row;
        }
      }
    }
  }
}

// The largest sums that 16 bits must hold: all weights and activations at their ends.
TEST_P(Kernels, DoNotOverflowAtTheEnds) {
  constexpr uint32_t kWidth = 512, kRows = 48, kColumns = 17;
  for (const FormatInfo& info : formats()) {
    if (info.block_size == 1) continue;
    SCOPED_TRACE(info.name);
    for (const int fill : {0xff, 0x00, 0x7f, 0x80}) {
      const size_t row_bytes = kWidth / info.block_size * info.block_bytes;
      std::vector<std::byte> weights(row_bytes * kRows);
      with_block(info.format, [&]<class Block>() {
        for (size_t at = 0; at < weights.size(); at += sizeof(Block)) {
          Block block;
          std::memset(static_cast<void*>(&block), fill, sizeof block);
          if constexpr (IsCoded<Block>) {
            block.set_scale(1);
          } else if constexpr (requires { block.e; }) {
            block.e = 128;
          } else {
            block.d = f32_to_f16(1);
          }
          if constexpr (requires { block.m; }) block.m = f32_to_f16(1);
          std::memcpy(&weights[at], &block, sizeof block);
        }
      });
      std::vector<float> decoded(kWidth);
      info.decode(weights.data(), decoded.data(), kWidth);
      for (const float sign : {1.0f, -1.0f}) {
        const std::vector<float> x(kWidth, 127 * sign);
        std::vector<Q8Unit> blocks(units(kWidth));
        table().quantise(x.data(), kWidth, blocks.data());
        const std::vector<const void*> in(kColumns, blocks.data());
        double expected = 0, size = 0;
        for (const float w : decoded) {
          expected += double{w} * 127 * double{sign};
          size += (std::abs(double{w}) + 64) * 127;
        }
        const FormatKernels& kernels = table().formats[static_cast<uint32_t>(info.format)];
        const auto check = [&](MatmulKernel kernel, uint32_t columns, double bound) {
          std::vector<float> out(size_t{kRows} * columns);
          std::vector<float*> out_columns;
          for (uint32_t c = 0; c < columns; ++c) out_columns.push_back(&out[size_t{c} * kRows]);
          kernel({&info, weights.data(), row_bytes, kWidth, 0, kRows, columns, in.data(), out_columns.data()});
          for (const float found : out) ASSERT_NEAR(found, expected, bound * size) << "fill " << fill;
        };
        check(kernels.few, 1, 1e-5);
        check(kernels.many, 1, 1e-5);
        check(kernels.many, kColumns, 1e-5);
        // All miss by the same, half a step at most, which the largest weight that is possible sets.
        if (kernels.rescaled != nullptr)
          check(kernels.rescaled, kColumns, keeps_weights(info.format) ? 1e-4 : 1.0 / 127);
      }
    }
  }
}

TEST_P(Kernels, RoundActivationsToEightBits) {
  const uint32_t n = 300;
  std::vector<float> x = random_floats(n, 1);
  for (uint32_t i = 64; i < 96; ++i) x[i] = 0;
  for (uint32_t i = 96; i < 128; ++i) x[i] = 1e-42f;
  std::vector<Q8Unit> found(units(n));
  table().quantise(x.data(), n, found.data());
  for (uint32_t g = 0; g < 16; ++g) {
    const Q8Unit& unit = found[g / 8];
    float largest = 0;
    int sum = 0, half = 0;
    for (uint32_t i = 32 * g; i < 32 * g + 32; ++i) {
      const float value = i < n ? x[i] : 0;
      largest = std::max(largest, std::abs(value));
      const int q = unit.q[i % kUnit];
      // Half a step, and a little for the rounding of the inverse.
      EXPECT_NEAR(static_cast<float>(q) * unit.scale[g % 8], value, unit.scale[g % 8] * 0.501f + 1e-41f);
      EXPECT_GE(q, -127);
      sum += q;
      if (i % 32 == 15) half = sum;
    }
    EXPECT_NEAR(unit.scale[g % 8], largest / 127, largest * 1e-6f + 1e-41f);
    EXPECT_FLOAT_EQ(unit.sum[g % 8], unit.scale[g % 8] * static_cast<float>(sum));
    EXPECT_EQ(unit.total[g % 8], sum);
    EXPECT_EQ(unit.half[g % 8 * 2], half);
    EXPECT_EQ(unit.half[g % 8 * 2 + 1], sum - half);
  }
}

TEST_P(Kernels, StoreHalvesAsTheReferenceDoes) {
  std::vector<float> x = random_floats(61, 3, 100);
  x.insert(x.end(), {0.0f, -0.0f, 65519.0f, 65520.0f, 1e-7f, 6e-8f, 1e-9f, 2049.0f, 2051.0f, -1e30f});
  std::vector<uint16_t> halves(x.size());
  table().store_f16(x.data(), halves.data(), static_cast<uint32_t>(x.size()));
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(halves[i], f32_to_f16(x[i])) << x[i];
}

TEST_P(Kernels, AgreeWithScalarAtStartUp) { EXPECT_TRUE(agrees_with_scalar(table())); }

// A table with one wrong kernel must not be offered.
TEST_P(Kernels, AWrongKernelIsFoundAtStartUp) {
  for (const FormatInfo& info : formats()) {
    KernelTable wrong = table();
    auto& kernels = wrong.formats[static_cast<uint32_t>(info.format)];
    const FormatKernels right = kernels;
    kernels.many = [](const Matmul&) noexcept {};
    EXPECT_FALSE(agrees_with_scalar(wrong)) << info.name << ", many";
    kernels = right;
    kernels.few = [](const Matmul&) noexcept {};
    EXPECT_FALSE(agrees_with_scalar(wrong)) << info.name << ", few";
    kernels = right;
    if (kernels.rescaled == nullptr) continue;
    kernels.rescaled = [](const Matmul&) noexcept {};
    EXPECT_FALSE(agrees_with_scalar(wrong)) << info.name << ", rescaled";
  }
}

namespace wrong_ways {
const KernelTable* right = nullptr;
uint32_t from = 0, to = 0;  // columns that are computed wrong
void multiply(const Matmul& task) noexcept {
  right->formats[static_cast<uint32_t>(Format::q4_0)].many(task);
  if (from <= task.columns && task.columns <= to) task.out[task.columns - 1][task.row_end - 1] += 1e9f;
}
}  // namespace wrong_ways

TEST_P(Kernels, AWrongWayOfMultiplyingIsFoundAtStartUp) {
  wrong_ways::right = &table();
  KernelTable wrong = table();
  wrong.formats[static_cast<uint32_t>(Format::q4_0)].many = wrong_ways::multiply;
  for (const auto& [from, to] : {std::pair{1u, 1u}, std::pair{2u, 2u}, std::pair{3u, table().lane_columns},
                                 std::pair{table().lane_columns + 1, 1000u}}) {
    wrong_ways::from = from;
    wrong_ways::to = to;
    EXPECT_FALSE(agrees_with_scalar(wrong)) << from << " to " << to << " columns";
  }
}

TEST(KernelTables, AreFoundByNameAndEndWithScalar) {
  const auto available = available_kernels();
  ASSERT_FALSE(available.empty());
  EXPECT_STREQ(available.back()->name, "scalar");
  for (const KernelTable* table : available) {
    EXPECT_EQ(find_kernels(table->name), table);
    EXPECT_NE(std::find(kernel_names().begin(), kernel_names().end(), table->name), kernel_names().end());
  }
  EXPECT_EQ(find_kernels("avx1024"), nullptr);
  EXPECT_EQ(find_kernels(""), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Tables, Kernels, testing::ValuesIn(tables()), table_name);

}  // namespace
}  // namespace hearth::cpu
