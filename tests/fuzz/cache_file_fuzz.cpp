// libFuzzer target: any bytes are a file of a cache or an Error, and the pages of a good one can be read. The checksums
// are made right first, as otherwise nothing behind them would ever be reached.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "engine/decode/cache_file.h"

namespace {

using hearth::CacheFile;

void set_checksums(std::string& text) {
  constexpr size_t kHeader = 16, kHead = 16, kSum = 8;
  const auto sum_of = [&](uint64_t before, size_t at, size_t size) {
    hearth::Checksum checksum(before);
    checksum.add(std::as_bytes(std::span(text)).subspan(at, size));
    return checksum.value();
  };
  if (text.size() < kHeader) return;
  uint64_t before = sum_of(0, 0, kHeader);
  for (size_t at = kHeader; text.size() - at >= kHead + kSum;) {
    uint64_t length;
    std::memcpy(&length, &text[at + 8], sizeof length);
    if (length > text.size() - at - kHead - kSum) return;
    before = sum_of(before, at, kHead + length);
    std::memcpy(&text[at + kHead + length], &before, sizeof before);
    at += kHead + length + kSum;
  }
}

void read(const std::string& text) {
  const hearth::CacheIdentity expected{.model = 0x1234,
                                       .angles = 0x5678,
                                       .name = "a model",
                                       .kv_type = hearth::KvType::f16,
                                       .layers = 2,
                                       .key_width = 3,
                                       .value_width = 1,
                                       .vocabulary = 50,
                                       .page_size = 4,
                                       .position_bytes = 16,
                                       .state_values = 2,
                                       .arithmetic = "",
                                       .adapters = {7, 8, 7}};
  hearth::CacheBytes bytes{.name = "fuzz.cache", .size = text.size(), .read = {}};
  bytes.read = [&text](uint64_t at, std::span<std::byte> to) {
    if (at > text.size() || to.size() > text.size() - at) __builtin_trap();
    if (!to.empty()) std::memcpy(to.data(), text.data() + at, to.size());
  };
  try {
    const CacheFile file(bytes, expected, 8, 4);
    if (file.pages().size() > 8 || file.states().size() > 4) __builtin_trap();
    for (const CacheFile::State& state : file.states())
      if (file.read(state).size() != expected.state_values) __builtin_trap();
    std::vector<std::byte> buffer;
    for (const CacheFile::Page& page : file.pages()) {
      const auto content = file.read(page, buffer);
      if (content.size() != page.tokens.size() * expected.position_bytes || page.tokens.size() > expected.page_size)
        __builtin_trap();
    }
  } catch (const hearth::Error& error) {
    if (std::strchr(error.what(), '\n') != nullptr) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  read(text);
  set_checksums(text);
  read(text);
  return 0;
}
