// Uploading weights in pieces.
#include "backends/gpu/weights.h"

#include <algorithm>
#include <vector>

#include "quant/decode_tables.h"
#include "quant/planes.h"

namespace hearth::gpu {

std::shared_ptr<Buffer> SharedMatrices::find_or_make(const Key& key, const std::function<Buffer()>& make) {
  const std::lock_guard lock(mutex_);
  std::weak_ptr<Buffer>& known = known_[key];
  std::shared_ptr<Buffer> buffer = known.lock();
  if (buffer == nullptr) known = buffer = std::make_shared<Buffer>(make());
  return buffer;
}

bool SharedMatrices::holds(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(key);
  return found != known_.end() && !found->second.expired();
}

Weights::Place Weights::take(uint64_t bytes, const char* what) {
  bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (chunks_.empty() || chunks_.back().size() - used_ < bytes) {
    chunks_.push_back(machine_.take(std::max(bytes, kChunkBytes), gpu::Place::device, what));
    used_ = 0;
  }
  const Place place{&chunks_.back(), used_};
  used_ += bytes;
  return place;
}

void Weights::fill(const Weight& weight, const Buffer& to, uint64_t offset) {
  const FormatInfo& info = format_info(weight.format);
  const uint64_t blocks = weight.rows * (weight.width / info.block_size);
  const Planes planes = planes_of(weight.format, blocks);
  for (uint32_t plane = 0; plane < planes.count; ++plane) {
    const uint64_t size = planes.size[plane];
    machine_.fill(to, offset + planes.begin[plane], blocks * size, size, [&](uint64_t at, std::span<std::byte> out) {
      const std::byte* from = weight.bytes.data() + at / size * info.block_bytes;
      fill_plane(weight.format, from, out.size() / size, plane, out.data());
    });
  }
}

Address Weights::matrix(const Weight& weight) {
  Address& known = known_[{weight.bytes.data(), weight.rows, weight.width, false}];
  if (known != 0) return known;
  const uint64_t bytes = matrix_bytes(weight);
  if (bytes < kLarge) {
    const Place place = take(bytes, weight.name.c_str());
    fill(weight, *place.buffer, place.offset);
    return known = place.address();
  }
  const SharedMatrices::Key key{weight.bytes.data(), weight.rows, weight.width, weight.format};
  matrices_.push_back(shared_.find_or_make(key, [&] {
    Buffer buffer = machine_.take(bytes, gpu::Place::device, weight.name.c_str());
    fill(weight, buffer, 0);
    return buffer;
  }));
  return known = matrices_.back()->address();
}

Address Weights::floats(const Weight& weight) {
  Address& known = known_[{weight.bytes.data(), weight.rows, weight.width, true}];
  if (known != 0) return known;
  const FormatInfo& info = format_info(weight.format);
  const uint64_t row_bytes = weight.width / info.block_size * info.block_bytes;
  const Place place = take(weight.rows * weight.width * sizeof(float), weight.name.c_str());
  // Many rows are short, so that they go together.
  const uint64_t together = std::max<uint64_t>(1, (1 << 20) / (weight.width * sizeof(float)));
  for (uint64_t first = 0; first < weight.rows; first += together) {
    const uint64_t count = std::min(together, weight.rows - first);
    std::vector<float> values(count * weight.width);
    for (uint64_t i = 0; i < count; ++i)
      info.decode(weight.bytes.data() + (first + i) * row_bytes, values.data() + i * weight.width, weight.width);
    machine_.upload(*place.buffer, place.offset + first * weight.width * sizeof(float),
                    std::as_bytes(std::span(values)));
  }
  return known = place.address();
}

Address Weights::scales(const Weight& weight, uint32_t matrices) {
  if (weight.scales.empty()) return 0;
  std::vector<float> each(matrices);
  for (uint32_t i = 0; i < matrices; ++i) each[i] = weight.scale_of(i * (weight.rows / matrices));
  Address& known = scales_[each];
  if (known != 0) return known;
  const Place place = take(matrices * sizeof(float), "scales of weights");
  machine_.upload(*place.buffer, place.offset, std::as_bytes(std::span(each)));
  return known = place.address();
}

Address Weights::decode_tables() {
  if (decode_tables_ != 0) return decode_tables_;
  const DecodeTables tables = hearth::decode_tables();
  const Place place = take(sizeof tables, "codebooks");
  machine_.upload(*place.buffer, place.offset, std::as_bytes(std::span(&tables, 1)));
  return decode_tables_ = place.address();
}

uint64_t matrix_bytes(const Weight& weight) {
  return planes_of(weight.format, weight.rows * (weight.width / format_info(weight.format).block_size)).bytes;
}

}  // namespace hearth::gpu
