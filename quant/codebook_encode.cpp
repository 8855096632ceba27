// Fitting and packing of the formats with codebooks; coded_blocks.h says where each bit lies.
#include <cstring>

#include "quant/coded_encode.h"
#include "quant/coded_groups.h"

namespace hearth {
namespace {

struct Iq2XxsBook : Codebook<3, 8, 256> {
  static const Iq2XxsBook& shared() noexcept {
    static const Iq2XxsBook book{{kIq2XxsVectors, {8, 25, 43}}};
    return book;
  }
};
struct Iq2XsBook : Codebook<3, 8, 512> {
  static const Iq2XsBook& shared() noexcept {
    static const Iq2XsBook book{{kIq2XsVectors, {8, 25, 43}}};
    return book;
  }
};
struct Iq2SBook : Codebook<3, 8, 1024> {
  static const Iq2SBook& shared() noexcept {
    static const Iq2SBook book{{kIq2SVectors, {8, 25, 43}}};
    return book;
  }
};
struct Iq3XxsBook : Codebook<8, 4, 256> {
  static const Iq3XxsBook& shared() noexcept {
    static const Iq3XxsBook book{{kIq3XxsVectors, {4, 12, 20, 28, 36, 44, 52, 62}}};
    return book;
  }
};
struct Iq3SBook : Codebook<8, 4, 512> {
  static const Iq3SBook& shared() noexcept {
    static const Iq3SBook book{{kIq3SVectors, {1, 3, 5, 7, 9, 11, 13, 15}}};
    return book;
  }
};
struct Iq1Book : Codebook<3, 8, 2048> {
  static const Iq1Book& shared() noexcept {
    static const Iq1Book book{{kIq1Vectors, {0, 8, 16}}};
    return book;
  }
};

template <class T>
void set_at(T& bits, uint32_t value, uint32_t shift) {
  bits = static_cast<T>(bits | value << shift);
}

void put_word(uint32_t word, uint8_t* bytes) { std::memcpy(bytes, &word, sizeof word); }

// Four times 7 signs and, above them, the step of a group of 32.
template <class Code>
uint32_t signs_and_step(const Code& code, int step) {
  uint32_t word = static_cast<uint32_t>(step) << 28;
  for (uint32_t v = 0; v < 4; ++v) word |= (code.signs[v] & 127u) << (7 * v);
  return word;
}

// Half bytes, the low half first.
template <size_t count>
void put_steps(const int (&steps)[count], uint8_t* bytes) {
  for (uint32_t g = 0; g < count; ++g) set_at(bytes[g / 2], static_cast<uint32_t>(steps[g]), g % 2 * 4);
}

}  // namespace

void search(const float* values, const float* worth, BlockIQ2_XXS& block) noexcept {
  OddScales<SignedGroup<Iq2XxsBook, 32, true>, 15, 8> groups;
  groups.fit(values, worth);
  block = {};
  block.d = groups.d;
  for (uint32_t g = 0; g < 8; ++g) {
    uint8_t* group = block.q + 8 * g;
    for (uint32_t v = 0; v < 4; ++v) group[v] = static_cast<uint8_t>(groups.codes[g].vectors[v]);
    put_word(signs_and_step(groups.codes[g], groups.steps[g]), group + 4);
  }
}

void search(const float* values, const float* worth, BlockIQ2_XS& block) noexcept {
  OddScales<SignedGroup<Iq2XsBook, 16, true>, 15, 8> groups;
  groups.fit(values, worth);
  block = {};
  block.d = groups.d;
  put_steps(groups.steps, block.scales);
  for (uint32_t v = 0; v < 32; ++v) {
    const auto& code = groups.codes[v / 2];
    block.q[v] = static_cast<uint16_t>(code.vectors[v % 2] | (code.signs[v % 2] & 127u) << 9);
  }
}

void search(const float* values, const float* worth, BlockIQ2_S& block) noexcept {
  OddScales<SignedGroup<Iq2SBook, 16, false>, 15, 8> groups;
  groups.fit(values, worth);
  block = {};
  block.d = groups.d;
  put_steps(groups.steps, block.scales);
  for (uint32_t v = 0; v < 32; ++v) {
    const auto& code = groups.codes[v / 2];
    block.q[v] = static_cast<uint8_t>(code.vectors[v % 2]);
    block.signs[v] = code.signs[v % 2];
    set_at(block.high[v / 4], code.vectors[v % 2] >> 8u, 2 * (v % 4));
  }
}

void search(const float* values, const float* worth, BlockIQ3_XXS& block) noexcept {
  OddScales<SignedGroup<Iq3XxsBook, 32, true>, 15, 4> groups;
  groups.fit(values, worth);
  block = {};
  block.d = groups.d;
  for (uint32_t g = 0; g < 8; ++g) {
    for (uint32_t v = 0; v < 8; ++v) block.q[8 * g + v] = static_cast<uint8_t>(groups.codes[g].vectors[v]);
    put_word(signs_and_step(groups.codes[g], groups.steps[g]), block.signs + 4 * g);
  }
}

void search(const float* values, const float* worth, BlockIQ3_S& block) noexcept {
  OddScales<SignedGroup<Iq3SBook, 32, false>, 15, 1> groups;
  groups.fit(values, worth);
  block = {};
  block.d = groups.d;
  put_steps(groups.steps, block.scales);
  for (uint32_t g = 0; g < 8; ++g) {
    const auto& code = groups.codes[g];
    for (uint32_t v = 0; v < 8; ++v) {
      block.q[8 * g + v] = static_cast<uint8_t>(code.vectors[v]);
      set_at(block.high[g], code.vectors[v] >> 8u, v);
    }
    std::copy(code.signs, code.signs + 4, block.signs + 4 * g);
  }
}

void search(const float* values, const float* worth, BlockIQ1_S& block) noexcept {
  OddScales<ShiftedGroup<Iq1Book, 32, 32>, 7, 8> groups;
  groups.fit(values, worth);
  block = {};
  block.d = groups.d;
  for (uint32_t g = 0; g < 8; ++g) {
    const auto& code = groups.codes[g];
    for (uint32_t v = 0; v < 4; ++v) {
      block.q[4 * g + v] = static_cast<uint8_t>(code.vectors[v]);
      set_at(block.high[g], code.vectors[v] >> 8u, 3 * v);
    }
    set_at(block.high[g], static_cast<uint32_t>(groups.steps[g]), 12);
    set_at(block.high[g], code.down[0] ? 1 : 0, 15);
  }
}

void search(const float* values, const float* worth, BlockIQ1_M& block) noexcept {
  OddScales<ShiftedGroup<Iq1Book, 16, 8>, 7, 8> groups;
  groups.fit(values, worth);
  block = {};
  for (uint32_t i = 0; i < 4; ++i) set_at(block.scales[i], groups.d >> (4 * i) & 15u, 12);
  for (uint32_t g = 0; g < 16; ++g) {
    const auto& code = groups.codes[g];
    set_at(block.scales[g / 4], static_cast<uint32_t>(groups.steps[g]), 3 * (g % 4));
    for (uint32_t v = 0; v < 2; ++v) {
      block.q[2 * g + v] = static_cast<uint8_t>(code.vectors[v]);
      set_at(block.high[g], code.vectors[v] >> 8u | (code.down[v] ? 8u : 0u), 4 * v);
    }
  }
}

}  // namespace hearth
