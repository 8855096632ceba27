// What a tile's weights are: how large their integers get decides how many products fit in 16 bits.
#pragma once

#include <cstdint>

namespace hearth::cpu {
namespace {

// Unsigned of 4, 5, 6 and 8 bits, or signed bytes.
enum class TileKind : uint8_t { u4, u5, u6, u8, s8 };

}  // namespace
}  // namespace hearth::cpu
