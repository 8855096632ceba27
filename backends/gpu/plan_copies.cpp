// Pages of the cache and states, to the host and back.
#include <algorithm>
#include <cstring>

#include "backends/gpu/plan.h"

namespace hearth::gpu {

// In the staging a layer's keys lie together, then its values; in a page's bytes a position's do.
template <class F>
void GpuPlan::each_part(uint32_t page, uint32_t positions, F&& f) const {
  const uint64_t cell = uint64_t{page} * limits_.page_size;
  uint64_t at = 0;
  for (uint32_t layer = 0; layer < program_.layers; ++layer) {
    f(keys_[layer], cell * key_bytes_, at, positions * key_bytes_);
    at += positions * key_bytes_;
    f(values_[layer], cell * value_bytes_, at, positions * value_bytes_);
    at += positions * value_bytes_;
  }
}

template <class F>
void GpuPlan::each_row(uint32_t positions, F&& f) const {
  const uint64_t layer_bytes = key_bytes_ + value_bytes_;
  for (uint32_t i = 0; i < positions; ++i)
    for (uint32_t layer = 0; layer < program_.layers; ++layer) {
      const uint64_t to = (uint64_t{i} * program_.layers + layer) * layer_bytes;
      const uint64_t keys = uint64_t{layer} * positions * layer_bytes, values = keys + positions * key_bytes_;
      f(page_staging_.mapped() + keys + i * key_bytes_, to, key_bytes_);
      f(page_staging_.mapped() + values + i * value_bytes_, to + key_bytes_, value_bytes_);
    }
}

void GpuPlan::read_page(uint32_t page, uint32_t positions, std::span<std::byte> bytes) const {
  check_page(page, positions, bytes.size(), program_, limits_);
  machine_->run_once([&](Work& commands) {
    each_part(page, positions, [&](const Buffer& part, uint64_t offset, uint64_t at, uint64_t size) {
      commands.copy(part, offset, page_staging_, at, size);
    });
  });
  each_row(positions,
           [&](const std::byte* row, uint64_t to, uint64_t size) { std::memcpy(bytes.data() + to, row, size); });
}

void GpuPlan::write_page(uint32_t page, uint32_t positions, std::span<const std::byte> bytes) {
  check_page(page, positions, bytes.size(), program_, limits_);
  each_row(positions, [&](std::byte* row, uint64_t to, uint64_t size) { std::memcpy(row, bytes.data() + to, size); });
  machine_->run_once([&](Work& commands) {
    each_part(page, positions, [&](const Buffer& part, uint64_t offset, uint64_t at, uint64_t size) {
      commands.copy(page_staging_, at, part, offset, size);
    });
  });
}

void GpuPlan::read_state(uint32_t place, std::span<float> values) const {
  check_state(place, values.size(), program_, limits_);
  for (StateId id = 0; id < program_.state_width.size(); ++id) {
    const uint64_t width = program_.state_width[id];
    machine_->download(states_[id], place * width * sizeof(float), std::as_writable_bytes(values.first(width)));
    values = values.subspan(width);
  }
}

void GpuPlan::write_state(uint32_t place, std::span<const float> values) {
  check_state(place, values.size(), program_, limits_);
  for (StateId id = 0; id < program_.state_width.size(); ++id) {
    const uint64_t width = program_.state_width[id];
    machine_->upload(states_[id], place * width * sizeof(float), std::as_bytes(values.first(width)));
    values = values.subspan(width);
  }
}

}  // namespace hearth::gpu
