// Products of matrices whose parts come through ldmatrix, against plain loops over k.
#include <simt.h>

#include "tests/simt/device.h"

namespace hearth::cuda {
namespace {

struct Product {
  Address a, b, d;  // a: [16 x k] by row; b: [8 x k] by column, or transposed [k x 8]; d: [16 x 8]
};
enum : uint32_t { of_halves, of_bfloats, of_signed_bytes, of_unsigned_bytes };

// Each row of a's is padded by 16 bytes, as kernels do so that rows begin at different banks.
template <class D>
HEARTH_DEVICE void product(const Product& p, const Constants& c) {
  HEARTH_SHARED(uint32_t, 16 * 12, a);
  HEARTH_SHARED(uint32_t, 8 * 12, b);
  HEARTH_SHARED(uint16_t, 16 * 8, b_by_row);
  const uint32_t t = lane(), g = t / 4;
  for (uint32_t i = t; i < 16 * 8; i += kWarp) a[i / 8 * 12 + i % 8] = global<const uint32_t>(p.a)[i];
  for (uint32_t i = t; i < 8 * 8; i += kWarp) b[i / 8 * 12 + i % 8] = global<const uint32_t>(p.b)[i];
  for (uint32_t i = t; i < 16 * 8; i += kWarp) b_by_row[i] = global<const uint16_t>(p.b)[i];
  sync_block();
  // Matrices of A: rows 0 to 7, rows 8 to 15, then both again of the later half of k.
  uint32_t of_a[4], of_b[2];
  ldmatrix_x4(of_a, a + t % 16 * 12 + t / 16 * 4);
  if (c.at[1] == 0)
    ldmatrix_x2(of_b, b + t % 8 * 12 + t / 8 % 2 * 4);
  else
    ldmatrix_x2_transposed(of_b, b_by_row + t % 16 * 8);
  D d[4];
  const Global<D> out = global<D>(p.d);
  const uint32_t column = 2 * (t % 4);
  for (uint32_t i = 0; i < 4; ++i) d[i] = out[(g + i / 2 * 8) * 8 + column + i % 2];
  if constexpr (static_cast<D>(0.5f) != 0) {
    if (c.at[0] == of_halves) mma_m16n8k16_f16(d, of_a, of_b);
    if (c.at[0] == of_bfloats) mma_m16n8k16_bf16(d, of_a, of_b);
  } else {
    if (c.at[0] == of_signed_bytes) mma_m16n8k32_s8(d, of_a, of_b);
    if (c.at[0] == of_unsigned_bytes) mma_m16n8k32_u8s8(d, of_a, of_b);
  }
  for (uint32_t i = 0; i < 4; ++i) out[(g + i / 2 * 8) * 8 + column + i % 2] = d[i];
}
HEARTH_KERNEL(float_product, 32, Product, product<float>)
HEARTH_KERNEL(byte_product, 32, Product, product<int>)

// Loads 4 matrices in each way; out: [lanes x 9].
void load_ways(const Product& p, const Constants&) {
  HEARTH_SHARED(uint16_t, 32 * 8, rows);
  const uint32_t t = lane();
  for (uint32_t i = t; i < 32 * 8; i += kWarp) rows[i] = static_cast<uint16_t>(i);
  sync_warp();
  uint32_t one[1], four[4], turned[4];
  ldmatrix_x1(one, rows + t % 8 * 8);
  ldmatrix_x4(four, rows + t * 8);
  ldmatrix_x4_transposed(turned, rows + t * 8);
  const Global<uint32_t> out = global<uint32_t>(p.d) + 9 * t;
  out[0] = one[0];
  for (uint32_t i = 0; i < 4; ++i) out[1 + i] = four[i];
  for (uint32_t i = 0; i < 4; ++i) out[5 + i] = turned[i];
}
HEARTH_KERNEL(load_ways, 32, Product, load_ways)

void load_unsynced(const Product&, const Constants& c) {
  HEARTH_SHARED(uint16_t, 33 * 8, rows);
  const uint32_t t = lane();
  for (uint32_t i = 0; i < 8; ++i) rows[t * 8 + i] = 0;
  if (c.at[0] != 0) sync_warp();
  uint32_t four[4];
  ldmatrix_x4(four, rows + t * 8 + c.at[1]);
}
HEARTH_KERNEL(load_unsynced, 32, Product, load_unsynced)

}  // namespace
}  // namespace hearth::cuda

namespace hearth::simt {
namespace {

using cuda::Product;

// Small integers, so that products of each type are exact.
int entry(uint32_t i) { return static_cast<int>(i * 2654435761u >> 27) - 16; }

template <class T>
std::vector<T> encoded(uint32_t count, uint32_t from, T (*encode)(int)) {
  std::vector<T> made(count);
  for (uint32_t i = 0; i < count; ++i) made[i] = encode(entry(from + i));
  return made;
}

// [16 x 8], of a by row and b by column, or turned: by row; beside what d begins as.
template <class D>
std::vector<D> naive(uint32_t k, bool turned, int offset_of_a) {
  std::vector<D> made(128);
  for (uint32_t row = 0; row < 16; ++row)
    for (uint32_t column = 0; column < 8; ++column) {
      int sum = static_cast<int>(row * 8 + column);
      for (uint32_t i = 0; i < k; ++i)
        sum += (entry(row * k + i) + offset_of_a) * entry(1000 + (turned ? i * 8 + column : column * k + i));
      made[row * 8 + column] = static_cast<D>(sum);
    }
  return made;
}

template <class D, class T>
std::vector<D> run(const char* kernel, uint32_t type, bool turned, T (*encode_a)(int), T (*encode_b)(int)) {
  Device device;
  const uint32_t k = 32 / sizeof(T);
  std::vector<D> d(128);
  for (uint32_t i = 0; i < 128; ++i) d[i] = static_cast<D>(i);
  const Product product{device.put(encoded(16 * k, 0, encode_a)), device.put(encoded(8 * k, 1000, encode_b)),
                        device.put(d)};
  expect_none(device.launch(kernel, {1}, product, {{type, turned ? 1u : 0u}}));
  return device.get<D>(product.d, 128);
}

uint16_t half(int value) { return f32_to_f16(static_cast<float>(value)); }
uint16_t bfloat(int value) { return f32_to_bf16(static_cast<float>(value)); }
uint8_t byte(int value) { return static_cast<uint8_t>(value); }
uint8_t byte_above_200(int value) { return static_cast<uint8_t>(value + 220); }

TEST(Matrices, ProductsOfEachTypeAreThoseOfPlainLoops) {
  EXPECT_EQ((run<float>("float_product", cuda::of_halves, false, half, half)), naive<float>(16, false, 0));
  EXPECT_EQ((run<float>("float_product", cuda::of_halves, true, half, half)), naive<float>(16, true, 0));
  EXPECT_EQ((run<float>("float_product", cuda::of_bfloats, false, bfloat, bfloat)), naive<float>(16, false, 0));
  EXPECT_EQ((run<float>("float_product", cuda::of_bfloats, true, bfloat, bfloat)), naive<float>(16, true, 0));
  EXPECT_EQ((run<int>("byte_product", cuda::of_signed_bytes, false, byte, byte)), naive<int>(32, false, 0));
  EXPECT_EQ((run<int>("byte_product", cuda::of_unsigned_bytes, false, byte_above_200, byte)),
            naive<int>(32, false, 220));
}

TEST(Matrices, LoadsGiveEachLaneItsPart) {
  Device device;
  const Address out = device.memory.allocate(32 * 9 * 4);
  expect_none(device.launch("load_ways", {1}, Product{0, 0, out}));
  const std::vector<uint32_t> found = device.get<uint32_t>(out, 32 * 9);
  for (uint32_t t = 0; t < 32; ++t) {
    const uint32_t g = t / 4, i = t % 4;
    const auto pair = [](uint32_t low, uint32_t high) { return low | high << 16; };
    std::vector<uint32_t> expected{pair(g * 8 + 2 * i, g * 8 + 2 * i + 1)};
    for (uint32_t m = 0; m < 4; ++m) expected.push_back(pair(m * 64 + g * 8 + 2 * i, m * 64 + g * 8 + 2 * i + 1));
    for (uint32_t m = 0; m < 4; ++m) expected.push_back(pair(m * 64 + 2 * i * 8 + g, m * 64 + (2 * i + 1) * 8 + g));
    EXPECT_EQ(std::vector<uint32_t>(&found[9 * t], &found[9 * t] + 9), expected) << t;
  }
}

TEST(Matrices, RowsOfOthersNeedASync) {
  Device device;
  expect_none(device.launch("load_unsynced", {1}, Product{}, {{1}}));
  expect_one(device.launch("load_unsynced", {1}, Product{}, {{0}}), Fault::race, {"kernel load_unsynced", "rows["});
  expect_found(device.launch("load_unsynced", {1}, Product{}, {{1, 4}}), Fault::misaligned,
               {"a row of a matrix at byte 8"});
}

}  // namespace
}  // namespace hearth::simt
