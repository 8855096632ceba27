// Storing with the rounding of the cache's type.
#include "backends/reference/kv.h"

#include <algorithm>

#include "quant/format.h"
#include "quant/half.h"

namespace hearth::reference {

KvCache::KvCache(const Program& program, const Limits& limits)
    : key_width_(program.key_width),
      value_width_(program.value_width),
      cells_(uint64_t{limits.pages} * limits.page_size),
      type_(limits.kv_type) {
  if (type_ == KvType::q8_0 && (key_width_ % 32 != 0 || value_width_ % 32 != 0))
    throw DeviceError("a q8_0 cache needs keys of a multiple of 32 values");
  data_.resize(uint64_t{program.layers} * cells_ * (key_width_ + value_width_));
}

uint64_t KvCache::index(uint32_t layer, bool value, uint64_t cell) const {
  const uint64_t begin = layer * cells_ * (uint64_t{key_width_} + value_width_);
  return value && value_width_ > 0 ? begin + cells_ * key_width_ + cell * value_width_ : begin + cell * key_width_;
}

void KvCache::store(uint32_t layer, bool value, uint64_t cell, const double* row) {
  const uint32_t width = value ? value_width_ : key_width_;
  double* out = &data_[index(layer, value, cell)];
  if (type_ == KvType::q8_0) {
    const FormatInfo& q8 = format_info(Format::q8_0);
    std::vector<float> values(row, row + width);
    std::vector<std::byte> blocks(width / q8.block_size * q8.block_bytes);
    q8.encode(values.data(), blocks.data(), width);
    q8.decode(blocks.data(), values.data(), width);
    std::copy(values.begin(), values.end(), out);
    return;
  }
  for (uint32_t i = 0; i < width; ++i) {
    const auto value32 = static_cast<float>(row[i]);
    out[i] = type_ == KvType::f16 ? f16_to_f32(f32_to_f16(value32)) : value32;
  }
}

const double* KvCache::load(uint32_t layer, bool value, uint64_t cell) const {
  return &data_[index(layer, value, cell)];
}

}  // namespace hearth::reference
