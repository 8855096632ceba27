// Words of arithmetic, against plain C++.
#include <gtest/gtest.h>
#include <simt.h>

#include <cmath>
#include <random>

namespace hearth::cuda {
namespace {

TEST(Words, BytesAreMultipliedAndPermuted) {
  std::minstd_rand random(1);
  for (int i = 0; i < 1000; ++i) {
    const auto a = static_cast<uint32_t>(random() * 7919u), b = static_cast<uint32_t>(random() * 104729u);
    int both_signed = 100, mixed = 100;
    uint8_t bytes[8];
    for (int j = 0; j < 4; ++j) {
      bytes[j] = static_cast<uint8_t>(a >> 8 * j);
      bytes[4 + j] = static_cast<uint8_t>(b >> 8 * j);
      both_signed += static_cast<int8_t>(bytes[j]) * static_cast<int8_t>(bytes[4 + j]);
      mixed += bytes[j] * static_cast<int8_t>(bytes[4 + j]);
    }
    EXPECT_EQ(dot_bytes(static_cast<int>(a), static_cast<int>(b), 100), both_signed);
    EXPECT_EQ(dot_unsigned_bytes(a, static_cast<int>(b), 100), mixed);
    EXPECT_EQ(permute_bytes(a, b, 0x7250),
              bytes[0] | uint32_t{bytes[5]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[7]} << 24);
    EXPECT_EQ(permute_bytes(a, b, 0x3210), a);
    EXPECT_EQ(permute_bytes(a, b, 0xc888) >> 24, bytes[4] >= 128 ? 0xffu : 0u);
    EXPECT_EQ((logic<(0xf0 & 0xcc) | 0xaa>(a, b, a ^ 0x1234)), (a & b) | (a ^ 0x1234));
    EXPECT_EQ((logic<0xf0 ^ 0xcc ^ 0xaa>(a, b, 77)), a ^ b ^ 77);
    EXPECT_EQ(shift_left(a, b, 5), b << 5 | a >> 27);
    EXPECT_EQ(shift_right(a, b, 37), b << 27 | a >> 5);
    EXPECT_EQ(shift_left(a, b, 0), b);
    EXPECT_EQ(shift_right(a, b, 32), a);
  }
  EXPECT_EQ(count_ones(0xf00f0001), 9u);
  EXPECT_EQ(leading_zeros(0), 32u);
  EXPECT_EQ(leading_zeros(0x00400000), 9u);
  EXPECT_EQ(trailing_zeros(0), 32u);
  EXPECT_EQ(trailing_zeros(0x00400000), 22u);
}

TEST(Words, HalvesAndBfloatsComeBack) {
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const auto h = static_cast<uint16_t>(bits);
    EXPECT_EQ(float_to_half(half_to_float(h)), h);
    EXPECT_EQ(float_to_bfloat(bfloat_to_float(h)), h);
  }
  const uint32_t pair = pack_halves(1.5f, -2.0f), brain = pack_bfloats(1.5f, -3.0f);
  EXPECT_EQ(low_half(pair), 1.5f);
  EXPECT_EQ(high_half(pair), -2.0f);
  EXPECT_EQ(low_bfloat(brain), 1.5f);
  EXPECT_EQ(high_bfloat(brain), -3.0f);
  EXPECT_EQ(float_of(bits_of(0.1f)), 0.1f);
}

// To half, rounded once; long double holds products and sums of these values exactly.
uint16_t rounded(long double exact, uint16_t (*encode)(float), float (*decode)(uint16_t), float guess) {
  uint16_t best = encode(guess);
  for (int step = -2; step <= 2; ++step) {
    const auto near = static_cast<uint16_t>(encode(guess) + step);
    const long double now = std::fabs(exact - decode(near)), before = std::fabs(exact - decode(best));
    if (now < before || (now == before && near % 2 == 0)) best = near;
  }
  return best;
}

TEST(Words, PairsAreRoundedOnce) {
  std::minstd_rand random(2);
  const auto number = [&](int exponents) {
    return std::ldexp(static_cast<float>(1024 + random() % 1024), static_cast<int>(random() % exponents) - 12);
  };
  for (int i = 0; i < 20000; ++i) {
    const uint32_t a = pack_halves(number(4), number(3)), b = pack_halves(number(5) / 64, -number(4) / 64),
                   c = pack_halves(-number(3) / 128, number(20) / 4096);
    const auto check = [&](uint32_t found, float (*part)(uint32_t), uint32_t shift) {
      const long double x = part(a), y = part(b), z = part(c);
      const auto bits = [&](uint32_t word) { return static_cast<uint16_t>(word >> shift); };
      const auto nearest = [](long double v) {
        return rounded(v, float_to_half, half_to_float, static_cast<float>(v));
      };
      EXPECT_EQ(bits(found), nearest(x * y + z)) << i;
      EXPECT_EQ(bits(add_halves(a, c)), nearest(x + z)) << i;
      EXPECT_EQ(bits(multiply_halves(a, b)), nearest(x * y)) << i;
    };
    const uint32_t sum = fma_halves(a, b, c);
    check(sum, low_half, 0);
    check(sum, high_half, 16);
  }
  // 1 + 2^-8 is half-way between two; what is added to the product decides, far below it.
  const uint32_t one = pack_bfloats(1.0f, 1.0f), middle = pack_bfloats(0x1p-8f, 0x1p-8f);
  EXPECT_EQ(low_bfloat(fma_bfloats(middle, one, one)), 1.0f);
  const uint32_t more = pack_bfloats(0x1.02p-8f, 0x1.02p-8f);
  EXPECT_EQ(low_bfloat(fma_bfloats(more, one, one)), 1.0078125f);
  const uint32_t tiny = pack_bfloats(0x1p-60f, -0x1p-60f), near = pack_bfloats(1.00390625f + 0x1p-7f, 1.0f);
  EXPECT_EQ(high_bfloat(fma_bfloats(near, one, tiny)), 1.0f);
}

TEST(Words, FloatsRoundAndCompareAsTheHardwareDoes) {
  EXPECT_EQ(round_to_int(2.5f), 2);
  EXPECT_EQ(round_to_int(-3.5f), -4);
  EXPECT_EQ(round_to_int(1e20f), INT32_MAX);
  EXPECT_EQ(round_to_int(-1e20f), INT32_MIN);
  EXPECT_EQ(round_to_int(NAN), 0);
  EXPECT_EQ(min(NAN, 2.0f), 2.0f);
  EXPECT_EQ(max(2.0f, NAN), 2.0f);
  EXPECT_EQ(max(-3, 2), 2);
  EXPECT_EQ(min(3u, 2u), 2u);
  EXPECT_TRUE(is_nan(NAN));
  EXPECT_FALSE(is_finite(INFINITY));
  EXPECT_TRUE(is_finite(-3e38f));
  EXPECT_EQ(fma(1 + 0x1p-12f, 1 + 0x1p-12f, -1.0f), 0x1p-11f + 0x1p-24f);
  for (const float x : {-3.0f, -0.5f, 0.25f, 7.0f}) {
    EXPECT_FLOAT_EQ(exp(x), std::exp(x));
    EXPECT_FLOAT_EQ(quick_exp(x), std::exp(x));
    EXPECT_FLOAT_EQ(exp2(x), std::exp2(x));
    EXPECT_FLOAT_EQ(quick_exp2(x), std::exp2(x));
    EXPECT_FLOAT_EQ(tanh(x), std::tanh(x));
    EXPECT_FLOAT_EQ(erf(x), std::erf(x));
    EXPECT_FLOAT_EQ(sin(x), std::sin(x));
    EXPECT_FLOAT_EQ(cos(x), std::cos(x));
    EXPECT_FLOAT_EQ(log(abs(x)), std::log(std::fabs(x)));
    EXPECT_FLOAT_EQ(log1p(abs(x)), std::log1p(std::fabs(x)));
    EXPECT_FLOAT_EQ(pow(abs(x), x), std::pow(std::fabs(x), x));
    EXPECT_FLOAT_EQ(quick_reciprocal(x), 1 / x);
    EXPECT_FLOAT_EQ(quick_reciprocal_root(abs(x)), 1 / std::sqrt(std::fabs(x)));
    EXPECT_EQ(sqrt(abs(x)), std::sqrt(std::fabs(x)));
    EXPECT_EQ(floor(x), std::floor(x));
  }
}

}  // namespace
}  // namespace hearth::cuda
