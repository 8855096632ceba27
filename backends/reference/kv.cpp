// Storing with the rounding of the cache's type.
#include "backends/reference/kv.h"

#include <algorithm>
#include <cstring>

#include "quant/format.h"
#include "quant/half.h"

namespace hearth::reference {
namespace {

// Values that the type holds exactly; the row's end in `bytes`.
std::byte* encode_row(KvType type, const double* row, uint32_t width, std::byte* bytes) {
  std::vector<float> values(row, row + width);
  if (type == KvType::q8_0) {
    format_info(Format::q8_0).encode(values.data(), bytes, width);
  } else if (type == KvType::f32) {
    std::memcpy(bytes, values.data(), width * sizeof(float));
  } else {
    for (uint32_t i = 0; i < width; ++i) {
      const uint16_t half = f32_to_f16(values[i]);
      std::memcpy(bytes + i * sizeof half, &half, sizeof half);
    }
  }
  return bytes + kv_row_bytes(type, width);
}

const std::byte* decode_row(KvType type, const std::byte* bytes, uint32_t width, double* row) {
  std::vector<float> values(width);
  if (type == KvType::q8_0) {
    format_info(Format::q8_0).decode(bytes, values.data(), width);
  } else if (type == KvType::f32) {
    std::memcpy(values.data(), bytes, width * sizeof(float));
  } else {
    for (uint32_t i = 0; i < width; ++i) {
      uint16_t half;
      std::memcpy(&half, bytes + i * sizeof half, sizeof half);
      values[i] = f16_to_f32(half);
    }
  }
  std::copy(values.begin(), values.end(), row);
  return bytes + kv_row_bytes(type, width);
}

}  // namespace

KvCache::KvCache(const Program& program, const Limits& limits)
    : layers_(program.layers),
      key_width_(program.key_width),
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

void KvCache::copy_out(uint64_t cell, std::byte* bytes) const {
  for (uint32_t layer = 0; layer < layers_; ++layer) {
    bytes = encode_row(type_, &data_[index(layer, false, cell)], key_width_, bytes);
    if (value_width_ > 0) bytes = encode_row(type_, &data_[index(layer, true, cell)], value_width_, bytes);
  }
}

void KvCache::copy_in(uint64_t cell, const std::byte* bytes) {
  for (uint32_t layer = 0; layer < layers_; ++layer) {
    bytes = decode_row(type_, bytes, key_width_, &data_[index(layer, false, cell)]);
    if (value_width_ > 0) bytes = decode_row(type_, bytes, value_width_, &data_[index(layer, true, cell)]);
  }
}

}  // namespace hearth::reference
