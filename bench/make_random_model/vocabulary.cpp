// The made-up vocabulary.
#include "bench/make_random_model/vocabulary.h"

#include <string_view>

namespace hearth {
namespace {

constexpr const char* kSpace = "\u0120";  // a blank, in GPT-2's alphabet

std::string utf8(uint32_t code) {  // below U+0800
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
}

// GPT-2's order: the bytes that Latin-1 prints stand for themselves, the others follow from U+0100 on.
std::vector<std::string> byte_tokens() {
  std::vector<std::string> tokens;
  const auto prints = [](uint32_t byte) { return (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte != 0xad); };
  for (uint32_t byte = 0; byte < 256; ++byte)
    if (prints(byte)) tokens.push_back(utf8(byte));
  for (uint32_t code = 0x100; tokens.size() < 256; ++code) tokens.push_back(utf8(code));
  return tokens;
}

// Four letters after a blank: no merge makes so many.
std::string filler(uint32_t number) {
  std::string word = kSpace;
  for (uint32_t divisor : {26u * 26 * 26, 26u * 26, 26u, 1u}) word += static_cast<char>('a' + number / divisor % 26);
  return word;
}

}  // namespace

Vocabulary make_vocabulary(const Preset& preset) {
  Vocabulary result;
  result.tokens = byte_tokens();
  const auto merge = [&](const std::string& left, const std::string& right) {
    result.merges.push_back(left + " " + right);
    result.tokens.push_back(left + right);
  };
  merge(kSpace, "t");
  merge("h", "e");
  merge(std::string(kSpace) + "t", "he");
  merge("i", "n");
  merge("in", "g");
  merge("e", "r");
  merge(kSpace, kSpace);
  for (uint32_t number = 0; result.tokens.size() < preset.vocabulary; ++number) result.tokens.push_back(filler(number));
  result.types.assign(result.tokens.size(), 1);
  for (const auto& [id, text] : {std::pair(preset.bos_id, preset.bos), std::pair(preset.eos_id, preset.eos)}) {
    result.tokens[id] = text;
    result.types[id] = 3;
  }
  return result;
}

}  // namespace hearth
