// Takes blocks apart into planes.
#include "quant/planes.h"

#include <cstring>
#include <iterator>
#include <numeric>

#include "quant/blocks.h"

namespace hearth {
namespace {

template <class Block>
constexpr bool parts_are_whole() {
  return std::accumulate(std::begin(Block::kPlanes), std::end(Block::kPlanes), 0u) == sizeof(Block) &&
         std::size(Block::kPlanes) <= std::tuple_size_v<decltype(Planes::size)>;
}

// size is a constant, so that each copy is a few moves.
template <uint32_t size>
void copy_parts(const std::byte* part, uint64_t stride, uint64_t count, std::byte* out) {
  for (uint64_t i = 0; i < count; ++i, part += stride, out += size) std::memcpy(out, part, size);
}

template <class Block, size_t... plane>
void copy_plane(const std::byte* blocks, uint64_t count, uint32_t wanted, std::byte* out,
                std::index_sequence<plane...>) {
  static_assert(parts_are_whole<Block>());
  uint32_t offset = 0;
  const auto copy = [&]<size_t p>() {
    if (p == wanted) copy_parts<Block::kPlanes[p]>(blocks + offset, sizeof(Block), count, out);
    offset += Block::kPlanes[p];
  };
  (copy.template operator()<plane>(), ...);
}

}  // namespace

Planes planes_of(Format format, uint64_t blocks) noexcept {
  Planes planes{};
  with_block(format, [&]<class Block>() {
    for (const uint32_t size : Block::kPlanes) {
      planes.size[planes.count] = size;
      planes.begin[planes.count++] = planes.bytes;
      planes.bytes += (blocks * size + 255) / 256 * 256;
    }
  });
  return planes;
}

void fill_plane(Format format, const std::byte* blocks, uint64_t count, uint32_t plane, std::byte* out) noexcept {
  with_block(format, [&]<class Block>() {
    copy_plane<Block>(blocks, count, plane, out, std::make_index_sequence<std::size(Block::kPlanes)>());
  });
}

}  // namespace hearth
