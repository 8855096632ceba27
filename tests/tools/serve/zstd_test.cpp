// Unpacking of compressed bodies, and its bounds.
#include "tools/serve/zstd.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include "tools/serve/api_error.h"

namespace hearth::serve {
namespace {

std::string pack(const std::string& text, int window_log = 0) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  if (window_log > 0) ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress2(context, packed.data(), packed.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return packed;
}

int refused_packed(const std::string& bytes, size_t most) {
  try {
    decompress_zstd(bytes, most);
    return 0;
  } catch (const ApiError& error) {
    return error.status;
  }
}

TEST(Zstd, FramesAreUnpacked) {
  const std::string text(300'000, 'x');
  EXPECT_EQ(decompress_zstd(pack(text), 1 << 20), text);
  EXPECT_EQ(decompress_zstd(pack("a") + pack("b"), 10), "ab");
  EXPECT_EQ(decompress_zstd(pack("abc"), 3), "abc");
  EXPECT_EQ(decompress_zstd(pack(""), 3), "");
}

TEST(Zstd, WhatWouldBeTooLargeIsRefused) {
  EXPECT_EQ(refused_packed(pack("abcd"), 3), 413);
  EXPECT_EQ(refused_packed(pack(std::string(100 << 20, 'x')), 1 << 20), 413);
  std::string text;
  for (size_t i = 0; text.size() < (9 << 20); ++i) text += std::to_string(i * 7919);
  EXPECT_EQ(refused_packed(pack(text, 24), 64 << 20), 400) << "a window above 8 MiB";
}

TEST(Zstd, WhatIsNoFrameIsRefused) {
  EXPECT_EQ(refused_packed("{}", 100), 400);
  EXPECT_EQ(refused_packed("", 100), 400);
  const std::string packed = pack(std::string(1000, 'x'));
  for (size_t cut = 1; cut < packed.size(); ++cut) EXPECT_EQ(refused_packed(packed.substr(0, cut), 2000), 400) << cut;
}

}  // namespace
}  // namespace hearth::serve
