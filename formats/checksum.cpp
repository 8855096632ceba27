// The sums of a checksum.
#include "formats/checksum.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace hearth {
namespace {

constexpr uint64_t kOdd = 0xD1B54A32D192ED03, kOther = 0x9E3779B97F4A7C15;  // odd, with many bits set

// The word is multiplied too, lest a change of its highest bit look like that of a single bit in the next one.
uint64_t turn(uint64_t sum, uint64_t word) { return std::rotl(sum ^ word * kOther, 29) * kOdd; }

}  // namespace

Checksum::Checksum(uint64_t beginning) noexcept {
  for (size_t i = 0; i < kWords; ++i) sums_[i] = beginning + (i + 1) * kOther;
}

void Checksum::add_block(const std::byte* block) noexcept {
  for (size_t i = 0; i < kWords; ++i) {
    uint64_t word;
    std::memcpy(&word, block + i * sizeof word, sizeof word);
    sums_[i] = turn(sums_[i], word);
  }
}

void Checksum::add(std::span<const std::byte> bytes) noexcept {
  const size_t begun = size_ % sizeof rest_;
  size_ += bytes.size();
  if (begun > 0) {
    const size_t taken = std::min(sizeof rest_ - begun, bytes.size());
    std::copy_n(bytes.begin(), taken, rest_ + begun);
    bytes = bytes.subspan(taken);
    if (begun + taken < sizeof rest_) return;
    add_block(rest_);
    std::fill(std::begin(rest_), std::end(rest_), std::byte{});
  }
  for (; bytes.size() >= sizeof rest_; bytes = bytes.subspan(sizeof rest_)) add_block(bytes.data());
  std::copy(bytes.begin(), bytes.end(), rest_);
}

uint64_t Checksum::value() const noexcept {
  Checksum end = *this;
  end.add_block(end.rest_);
  uint64_t sum = turn(kOther, size_);
  for (const uint64_t one : end.sums_) sum = turn(sum, one ^ (one >> 31));
  return sum ^ (sum >> 32);
}

}  // namespace hearth
