// Encoding, and then changing bytes as long as values stay moderate: no format is known here.
#include "engine/conform/random_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace hearth::conform {
namespace {

constexpr size_t kBlocks = 48;

// How far a block's values are from a root mean square of `size`, in powers of two; more where some are much larger,
// and infinite where one is no number.
double badness(const FormatInfo& info, const std::byte* block, float size) {
  std::vector<float> values(info.block_size);
  info.decode(block, values.data(), values.size());
  double squares = 1e-60, largest = 0;
  for (const float value : values) {
    if (!std::isfinite(value)) return std::numeric_limits<double>::infinity();
    squares += double{value} * double{value};
    largest = std::max(largest, std::abs(double{value}));
  }
  const double off = std::abs(std::log2(std::sqrt(squares / info.block_size) / double{size}));
  return largest > 6 * double{size} ? off + 4 : off;
}

constexpr double kModerate = 1.2;

// A block of random bytes whose values are moderate.
void draw_bytes(const FormatInfo& info, std::byte* block, float size, std::mt19937& random) {
  constexpr int kMostTurns = 20000;
  for (int turn = 0; turn < kMostTurns; ++turn) {
    for (uint32_t j = 0; j < info.block_bytes; ++j) block[j] = static_cast<std::byte>(random());
    if (badness(info, block, size) < kModerate) return;
  }
  std::fill_n(block, info.block_bytes, std::byte{0});
}

// Gives bytes of a block random values as long as that leaves it moderate.
void shuffle_bytes(const FormatInfo& info, std::byte* block, float size, std::mt19937& random) {
  for (uint32_t j = 0; j < info.block_bytes; ++j) {
    const std::byte before = block[j];
    block[j] = static_cast<std::byte>(random());
    if (!(badness(info, block, size) < kModerate)) block[j] = before;
  }
}

}  // namespace

float draw_normal(std::mt19937& random, float size) {
  constexpr float kScale = 1.7320508f / 65536;  // of the sum of four even values, whose variance is a third
  int32_t sum = -2 * 65536;
  for (int i = 0; i < 2; ++i) {
    const auto bits = static_cast<uint32_t>(random());
    sum += static_cast<int32_t>((bits >> 16) + (bits & 0xffff));
  }
  return static_cast<float>(sum) * kScale * size;
}

const std::vector<std::byte>& BlockPool::pool(Key key) {
  std::vector<std::byte>& bytes = pools_[key];
  if (!bytes.empty()) return bytes;
  const FormatInfo& info = format_info(key.format);
  std::mt19937 random(seed_ + 64 * static_cast<uint32_t>(key.format));
  const float size = std::ldexp(1.0f, key.exponent);
  std::vector<float> values(kBlocks * info.block_size);
  for (float& value : values) value = draw_normal(random, size);
  bytes.resize(kBlocks * info.block_bytes);
  if (info.encode != nullptr) info.encode(values.data(), bytes.data(), values.size());
  for (size_t i = 0; i < kBlocks; ++i) {
    std::byte* block = bytes.data() + i * info.block_bytes;
    if (info.encode == nullptr) {
      draw_bytes(info, block, size, random);
    } else if (i % 2 == 0) {
      shuffle_bytes(info, block, size, random);
    }
  }
  return bytes;
}

std::vector<std::byte> BlockPool::draw(Format format, size_t values, float size, std::mt19937& random) {
  const FormatInfo& info = format_info(format);
  std::vector<std::byte> bytes(values / info.block_size * info.block_bytes);
  if (info.block_size == 1) {
    std::vector<float> floats(values);
    for (float& value : floats) value = draw_normal(random, size);
    info.encode(floats.data(), bytes.data(), values);
    return bytes;
  }
  const std::vector<std::byte>& from = pool({format, static_cast<int>(std::lround(std::log2(size)))});
  for (size_t at = 0; at < bytes.size(); at += info.block_bytes)
    std::memcpy(&bytes[at], &from[random() % kBlocks * info.block_bytes], info.block_bytes);
  return bytes;
}

}  // namespace hearth::conform
