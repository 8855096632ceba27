// libFuzzer target: any bytes are a SentencePiece model or a FileError.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/convert/vocabulary.h"
#include "formats/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const auto vocabulary = hearth::read_sentencepiece(bytes, "tokenizer.model");
    if (vocabulary.tokens.empty() || vocabulary.tokens.size() > size) __builtin_trap();
  } catch (const hearth::FileError&) {
  }
  return 0;
}
