// libFuzzer target: any text is a tokenizer.json or a FileError of one line.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/convert/vocabulary.h"
#include "formats/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto json = hearth::parse_json(text, "tokenizer.json");
    const auto vocabulary = hearth::read_tokenizer_json(json, "tokenizer.json", "llama", "");
    for (const std::string& merge : vocabulary.merges)
      if (merge.find(' ') == merge.npos) __builtin_trap();
    if (vocabulary.tokens.size() > hearth::kMostTokens) __builtin_trap();
  } catch (const hearth::FileError& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) __builtin_trap();
  }
  return 0;
}
