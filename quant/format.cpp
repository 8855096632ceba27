// The run-time table of formats, made from the list of block types.
#include "quant/format.h"

#include <array>
#include <cstring>
#include <type_traits>

#include "quant/blocks.h"

namespace hearth {
namespace {

template <class Block>
void decode_blocks(const std::byte* blocks, float* values, size_t count) noexcept {
  Block block;  // a copy, since the blocks of a file are not aligned
  for (size_t i = 0; i < count; i += Block::kSize, blocks += sizeof block) {
    std::memcpy(&block, blocks, sizeof block);
    block.decode(values + i);
  }
}

template <class Block>
void encode_blocks(const float* values, std::byte* blocks, size_t count) noexcept {
  Block block;
  for (size_t i = 0; i < count; i += Block::kSize, blocks += sizeof block) {
    block.encode(values + i);
    std::memcpy(blocks, &block, sizeof block);
  }
}

template <class Block>
void expand_blocks(const std::byte* blocks, uint32_t count, Expanded& out) noexcept {
  Block block;
  for (uint32_t i = 0; i < count; i += Block::kSize, blocks += sizeof block) {
    std::memcpy(&block, blocks, sizeof block);
    block.expand(out.q + i, out.scale + i / 16);
  }
  if (count == sizeof out.q) return;
  std::memset(out.q + count, 0, sizeof out.q - count);
  for (uint32_t g = count / 16; g < 16; ++g) out.scale[g] = 0;
}

template <class Block>
constexpr FormatInfo make_info() {
  FormatInfo info{Block::kFormat, Block::kName, Block::kSize, sizeof(Block), decode_blocks<Block>, nullptr, nullptr};
  if constexpr (IsCoded<Block>) info.expand = expand_blocks<Block>;
  if constexpr (requires(Block block, const float* values) { block.encode(values); })
    info.encode = encode_blocks<Block>;
  return info;
}

template <class... Block>
constexpr auto make_table(std::type_identity<std::tuple<Block...>>) {
  return std::array{make_info<Block>()...};
}

constexpr auto kFormats = make_table(std::type_identity<AllBlocks>{});

}  // namespace

std::span<const FormatInfo> formats() noexcept { return kFormats; }

const FormatInfo* find_format(uint32_t tensor_type) noexcept {
  for (const FormatInfo& info : kFormats)
    if (static_cast<uint32_t>(info.format) == tensor_type) return &info;
  return nullptr;
}

const FormatInfo& format_info(Format format) noexcept { return *find_format(static_cast<uint32_t>(format)); }

}  // namespace hearth
