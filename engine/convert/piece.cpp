// Decoding values and repacking blocks.
#include "engine/convert/piece.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "quant/format.h"
#include "quant/half.h"

namespace hearth {
namespace {

constexpr uint64_t kBlockValues = 32, kBlockBytes = 16;  // of MXFP4, as stored; its scale lies elsewhere

// A sign, 4 bits of exponent and 3 of mantissa.
float f8_e4m3_to_f32(uint8_t byte) {
  const int exponent = (byte >> 3) & 15, mantissa = byte & 7;
  if ((byte & 0x7f) == 0x7f) return std::numeric_limits<float>::quiet_NaN();
  const float magnitude =
      exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -9) : std::ldexp(1 + mantissa / 8.0f, exponent - 7);
  return byte >= 0x80 ? -magnitude : magnitude;
}

const std::array<float, 256>& f8_e4m3_values() {
  static const std::array<float, 256> values = [] {
    std::array<float, 256> all{};
    for (size_t i = 0; i < all.size(); ++i) all[i] = f8_e4m3_to_f32(static_cast<uint8_t>(i));
    return all;
  }();
  return values;
}

void decode(const SafetensorsTensor& tensor, uint64_t first, uint64_t count, float* values) {
  const std::byte* bytes = tensor.bytes.data() + first * bytes_of(tensor.type);
  switch (tensor.type) {
    case SafetensorsType::f16:
      return format_info(Format::f16).decode(bytes, values, count);
    case SafetensorsType::bf16:
      return format_info(Format::bf16).decode(bytes, values, count);
    case SafetensorsType::f64:
      for (uint64_t i = 0; i < count; ++i) {
        double value;
        std::memcpy(&value, bytes + i * sizeof value, sizeof value);
        values[i] = static_cast<float>(value);
      }
      return;
    case SafetensorsType::f8_e4m3:
      for (uint64_t i = 0; i < count; ++i) values[i] = f8_e4m3_values()[std::to_integer<uint8_t>(bytes[i])];
      return;
    case SafetensorsType::f8_e5m2:
      for (uint64_t i = 0; i < count; ++i)
        values[i] = f16_to_f32(static_cast<uint16_t>(std::to_integer<uint16_t>(bytes[i]) << 8));
      return;
    default:  // is_weight_type leaves no other
      format_info(Format::f32).decode(bytes, values, count);
  }
}

void apply_scales(const Piece& piece, uint64_t first, float* values) {
  const Scales& scales = piece.scales;
  const auto scale = [&](uint64_t row, uint64_t column) {
    return scales.values[row / scales.block_rows * scales.per_row + column / scales.block_columns];
  };
  for (uint64_t x = 0; x < piece.width; ++x) {
    const uint64_t at = first + x * piece.column_step;
    values[x] *= scale(at / scales.width, at % scales.width);
  }
}

uint64_t row_of(const Piece& piece, uint64_t y) { return piece.order.empty() ? y : piece.order[y]; }

}  // namespace

bool is_weight_type(SafetensorsType type) {
  return type == SafetensorsType::f32 || type == SafetensorsType::f16 || type == SafetensorsType::bf16 ||
         type == SafetensorsType::f64 || type == SafetensorsType::f8_e4m3 || type == SafetensorsType::f8_e5m2;
}

void read_rows(const Piece& piece, uint64_t begin, uint64_t count, float* values) {
  std::vector<float> stored(piece.columns.empty() ? 0 : piece.width);
  for (uint64_t y = begin; y < begin + count; ++y, values += piece.width) {
    const uint64_t row = row_of(piece, y), first = piece.first + row * piece.row_step;
    if (piece.column_step == 1)
      decode(*piece.tensor, first, piece.width, values);
    else
      for (uint64_t x = 0; x < piece.width; ++x) decode(*piece.tensor, first + x * piece.column_step, 1, values + x);
    if (!piece.scales.values.empty()) apply_scales(piece, first, values);
    if (piece.columns.empty()) continue;
    std::copy_n(values, piece.width, stored.begin());
    for (uint64_t x = 0; x < piece.width; ++x) values[x] = stored[piece.columns[x]];
  }
}

// As stored, a byte has two neighbours; in GGUF, two values that are 16 apart. The lower half of a byte comes first.
void repack_rows(const Piece& piece, uint64_t begin, uint64_t count, std::byte* blocks) {
  const uint64_t blocks_per_row = piece.width / kBlockValues;
  const auto value = [](const std::byte* block, uint64_t i) { return (block[i / 2] >> (4 * (i % 2))) & std::byte{15}; };
  for (uint64_t y = begin; y < begin + count; ++y) {
    const uint64_t first = (piece.first + row_of(piece, y) * piece.row_step) / kBlockValues;
    for (uint64_t b = first; b < first + blocks_per_row; ++b) {
      const std::byte* stored = piece.tensor->bytes.data() + b * kBlockBytes;
      *blocks++ = piece.block_scales->bytes[b];
      for (uint64_t i = 0; i < kBlockBytes; ++i) *blocks++ = value(stored, i) | value(stored, i + kBlockBytes) << 4;
    }
  }
}

}  // namespace hearth
