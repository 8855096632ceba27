// How threads share a range.
#include <gtest/gtest.h>

#include <cstdint>

#include "backends/cpu/pieces.h"

namespace hearth::cpu {
namespace {

TEST(Pieces, CoverARangeOnceAndGetSmaller) {
  for (const uint32_t threads : {1u, 2u, 7u, 64u})
    for (const uint32_t count : {0u, 1u, 5u, 96u, 1000u, 38001u})
      for (const uint32_t least : {1u, 8u, 5000u}) {
        uint32_t end = 0, size = UINT32_MAX, index = 0;
        for (;; ++index) {
          const Range piece = piece_of(index, count, threads, least);
          ASSERT_EQ(piece.begin, end) << threads << " threads, piece " << index << " of " << count;
          if (piece.begin == piece.end) break;
          EXPECT_LE(piece.end - piece.begin, size) << "it is larger than the one before";
          size = piece.end - piece.begin;
          end = piece.end;
        }
        EXPECT_EQ(end, count);
        for (uint32_t late = index; late < index + threads; ++late) {
          const Range piece = piece_of(late, count, threads, least);
          EXPECT_EQ(piece.begin, piece.end) << "something is left for the piece " << late;
        }
        if (count >= 4 * threads * least)
          EXPECT_EQ(piece_of(0, count, threads, least).end, count / (2 * threads)) << "a half in equal shares";
      }
}

TEST(Pieces, AreWholeUntilTheEnd) {
  for (const uint32_t threads : {1u, 2u, 7u})
    for (const uint32_t count : {1u, 5u, 86u, 299u, 38001u})
      for (const uint32_t whole : {2u, 3u, 6u}) {
        uint32_t end = 0, odd = 0;
        for (uint32_t index = 0; end < count; ++index) {
          const Range piece = piece_of(index, count, threads, 1, whole);
          ASSERT_EQ(piece.begin, end) << threads << " threads, piece " << index << " of " << count;
          ASSERT_LT(piece.begin, piece.end);
          end = piece.end;
          odd += (piece.end - piece.begin) % whole == 0 ? 0 : 1;
        }
        EXPECT_EQ(end, count);
        EXPECT_LE(odd, (whole + 1) * threads) << threads << " threads, " << count << " in multiples of " << whole;
      }
}

}  // namespace
}  // namespace hearth::cpu
