// Weights for devices that read aligned words: the same bytes, each part of the blocks of a matrix in a plane of its
// own.
//
// Plane p holds part p (kPlanes of the block) of all blocks, one after the other, in the blocks' order. The planes lie
// one behind the other and each begins at a multiple of 256 bytes from the first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "quant/format.h"

namespace hearth {

struct Planes {
  uint32_t count;
  std::array<uint32_t, 5> size;   // of a block's part, in bytes; [count]
  std::array<uint64_t, 5> begin;  // of a plane, in bytes; [count]
  uint64_t bytes;                 // of all planes, a multiple of 256
};
Planes planes_of(Format format, uint64_t blocks) noexcept;

// Copies the part that goes into plane `plane` out of each of `count` blocks, which belong at block i of the matrix if
// `out` goes to the plane's begin + i * its size. blocks: unaligned; out: [count * size].
void fill_plane(Format format, const std::byte* blocks, uint64_t count, uint32_t plane, std::byte* out) noexcept;

}  // namespace hearth
