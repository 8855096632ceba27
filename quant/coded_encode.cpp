// Fitting and packing of the coded formats without a codebook: ternary weights, and 4-bit floats with 8-bit scales.
#include "quant/coded_encode.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "quant/blocks.h"
#include "quant/fit.h"
#include "quant/fp4.h"

namespace hearth {
namespace {

// The best scale for levels -1, 0 and 1. Whatever it is, the values that become 0 are the smallest ones: so each number
// of them is tried. values, worth: [256].
float ternary_scale(const float* values, const float* worth) {
  uint16_t order[256];
  std::iota(order, order + 256, uint16_t{0});
  // NaN counts as 0, for a sort needs an order.
  float sizes[256];
  for (uint32_t i = 0; i < 256; ++i) sizes[i] = clamped(std::fabs(values[i]), 0, std::numeric_limits<float>::max());
  std::sort(order, order + 256, [&](uint16_t a, uint16_t b) { return sizes[a] > sizes[b]; });
  const float largest = sizes[order[0]];
  if (largest == 0) return 0;
  float cross = 0, square = 0, gain = 0, scale = 0;
  for (const uint16_t i : order) {
    cross += worth[i] * (sizes[i] / largest);  // a large value's square would not be a number
    square += worth[i];
    if (cross * cross > gain * square) gain = cross * cross / square, scale = cross / square;
  }
  return scale * largest;
}

// The levels plus 1, and d.
uint16_t fit_ternary(const float* values, const float* worth, uint8_t* digits) {
  const uint16_t d = scale_to_f16(ternary_scale(values, worth));
  const float middle = 0.5f * f16_to_f32(d);
  for (uint32_t i = 0; i < 256; ++i)
    digits[i] = static_cast<uint8_t>(1 + (values[i] > middle ? 1 : 0) - (values[i] < -middle ? 1 : 0));
  return d;
}

// Base-3 digits as fractions of 256, rounded up, so that multiplying by 3 brings out one after another.
template <uint32_t count, uint32_t digits>
void take_digits(const uint8_t* values, uint8_t* bytes) {
  for (uint32_t j = 0; j < count; ++j) {
    uint32_t number = 0;
    for (uint32_t n = 0; n < 5; ++n) number = 3 * number + (n < digits ? values[n * count + j] : 0u);
    bytes[j] = static_cast<uint8_t>((number * 256 + 242) / 243);
  }
}

// The code of a scale for 16 values: all that put the largest value from 3 to 8 are tried, 6 being the largest level,
// and more of the smallest scales, which are further apart.
uint8_t fit_e4m3(const float* values, const float* worth) {
  constexpr uint8_t kCoarse = 16;
  float largest = 0;
  for (uint32_t i = 0; i < 16; ++i) largest = std::max(largest, std::fabs(values[i]));
  const auto first_above = [](float scale) {
    const auto at = std::upper_bound(kE4m3.begin(), kE4m3.begin() + kLargestE4m3, scale);
    return static_cast<uint8_t>(at - kE4m3.begin());
  };
  uint8_t best = 0;
  float least = std::numeric_limits<float>::infinity();
  const auto try_code = [&](uint8_t code) {
    const float scale = kE4m3[code] * 0.5f, inverse = inverse_of(scale);
    float error = 0;
    for (uint32_t i = 0; i < 16; ++i) {
      const float off = (values[i] - scale * static_cast<float>(kFp4Doubled[fp4_code(values[i] * inverse)])) / largest;
      error += worth[i] * off * off;
    }
    if (error < least) least = error, best = code;
  };
  const uint8_t first = first_above(largest / 8),
                last = std::max(first_above(largest / 3), std::min(first_above(largest), kCoarse));
  if (first < kCoarse) try_code(0);
  for (uint8_t code = first; code <= last; ++code) try_code(code);
  return best;
}

}  // namespace

void search(const float* values, const float* worth, BlockTQ1_0& block) noexcept {
  uint8_t digits[256];
  block.d = fit_ternary(values, worth, digits);
  take_digits<32, 5>(digits, block.q);
  take_digits<16, 5>(digits + 160, block.q + 32);
  take_digits<4, 4>(digits + 240, block.rest);
}

void search(const float* values, const float* worth, BlockTQ2_0& block) noexcept {
  uint8_t digits[256];
  block = {};
  block.d = fit_ternary(values, worth, digits);
  for (uint32_t i = 0; i < 256; ++i) {
    uint8_t& byte = block.q[i / 128 * 32 + i % 32];
    byte = static_cast<uint8_t>(byte | digits[i] << (i % 128 / 32 * 2));
  }
}

void search(const float* values, const float* worth, BlockNVFP4& block) noexcept {
  for (uint32_t g = 0; g < 4; ++g, values += 16, worth += 16) {
    block.scales[g] = fit_e4m3(values, worth);
    const float inverse = inverse_of(kE4m3[block.scales[g]] * 0.5f);
    for (uint32_t j = 0; j < 8; ++j)
      block.q[8 * g + j] = static_cast<uint8_t>(fp4_code(values[j] * inverse) | fp4_code(values[j + 8] * inverse) << 4);
  }
}

}  // namespace hearth
