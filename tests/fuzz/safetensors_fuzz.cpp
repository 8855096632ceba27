// libFuzzer target: any bytes are a safetensors file or a FileError, and the tensors of a good one lie inside of it.
#include <cstddef>
#include <cstdint>
#include <span>

#include "formats/error.h"
#include "formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto file = hearth::Safetensors::view(std::as_bytes(std::span(data, size)), "fuzz.safetensors");
    unsigned sum = 0;
    for (const auto& tensor : file.tensors()) {
      uint64_t bytes = hearth::bytes_of(tensor.type);
      for (const uint64_t dimension : tensor.shape) bytes *= dimension;
      if (bytes != tensor.bytes.size()) __builtin_trap();
      if (bytes > 0)
        sum += std::to_integer<unsigned>(tensor.bytes.front()) + std::to_integer<unsigned>(tensor.bytes.back());
    }
    volatile unsigned sink = sum;
    (void)sink;
  } catch (const hearth::FileError&) {
  }
  return 0;
}
