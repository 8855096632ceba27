// libFuzzer target: any bytes are a GGUF file or a FileError, and every value of a good one can be asked for.
#include <cstddef>
#include <cstdint>
#include <span>

#include "formats/error.h"
#include "formats/gguf.h"

namespace {

// A lookup of the wrong type throws.
template <typename Lookup>
void try_lookup(Lookup lookup) {
  try {
    (void)lookup();
  } catch (const hearth::FileError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto gguf = hearth::Gguf::view(std::as_bytes(std::span(data, size)), "fuzz.gguf");
    for (const auto& entry : gguf.entries()) {
      try_lookup([&] { return gguf.find_uint(entry.key); });
      try_lookup([&] { return gguf.find_int(entry.key); });
      try_lookup([&] { return gguf.find_float(entry.key); });
      try_lookup([&] { return gguf.find_bool(entry.key); });
      try_lookup([&] { return gguf.find_string(entry.key); });
      try_lookup([&] { return gguf.find_strings(entry.key); });
      try_lookup([&] { return gguf.find_floats(entry.key); });
      try_lookup([&] { return gguf.find_ints(entry.key); });
    }
    unsigned sum = 0;
    for (const auto& tensor : gguf.tensors()) {
      if (gguf.find_tensor(tensor.name) != &tensor) __builtin_trap();
      sum += std::to_integer<unsigned>(tensor.bytes.front()) + std::to_integer<unsigned>(tensor.bytes.back());
    }
    volatile unsigned sink = sum;
    (void)sink;
  } catch (const hearth::FileError&) {
  }
  return 0;
}
