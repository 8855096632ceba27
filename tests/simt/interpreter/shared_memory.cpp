// Records of accesses to shared memory.
#include "tests/simt/interpreter/shared_memory.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace hearth::simt {
namespace {

constexpr size_t kArrayAlignment = 16;
constexpr uint32_t kNobody = ~0u;

void add_known(Known& to, const Known& from) {
  for (size_t i = 0; i < from.size(); ++i) to[i] = std::max(to[i], from[i]);
}

}  // namespace

void SharedMemory::begin(uint32_t dynamic_bytes) {
  if (clock_ > UINT32_MAX / 2) {
    clock_ = 0;
    std::ranges::fill(of_words_, Record{});
  }
  block_time_ = begin_time_ = ++clock_;
  std::ranges::fill(warp_time_, clock_);
  arrays_.clear();
  arrays_.push_back({nullptr, "dynamic shared memory", 0, dynamic_bytes, 1});
  used_ = dynamic_bytes;
  keeps_known_ = false;
}

uint32_t SharedMemory::array(const void* key, const char* name, uint32_t bytes, uint32_t element) {
  for (uint32_t i = 1; i < arrays_.size(); ++i)
    if (arrays_[i].key == key) return i;
  const auto begin = static_cast<uint32_t>((used_ + kArrayAlignment - 1) / kArrayAlignment * kArrayAlignment);
  arrays_.push_back({key, name, begin, bytes, element});
  used_ = begin + bytes;
  return static_cast<uint32_t>(arrays_.size() - 1);
}

uint32_t SharedMemory::dynamic(const char* name, uint32_t element) {
  if (arrays_[0].key == nullptr) arrays_[0] = {name, name, 0, arrays_[0].bytes, element};
  return 0;
}

bool SharedMemory::read(Record& record, uint32_t offset, uint32_t thread) {
  const uint32_t warp = thread / 32, lane = 1u << thread % 32;
  bool sound = true;
  if (record.copied >= begin_time_)
    sound = conflicts(Fault::copy_not_waited_for, offset, record.writer, true);
  else if (record.written < begin_time_)
    sound = conflicts(Fault::uninitialised, offset, thread, false);
  else if (races_with_write(record, thread))
    sound = conflicts(Fault::race, offset, record.writer, true);
  if (record.reader == warp && record.read >= block_time_ && record.read >= warp_time_[warp]) {
    record.lanes |= lane;
    return sound;
  }
  // Of two warps that have read since the last barrier, one at least is not a later writer's.
  if (record.read >= block_time_ && record.reader != warp) {
    record.other_read = record.read;
    record.other_reader = record.reader;
    record.other_lanes = record.lanes;
  }
  record.read = clock_;
  record.reader = static_cast<uint8_t>(warp);
  record.lanes = lane;
  return sound;
}

uint32_t SharedMemory::racing_reader(uint32_t time, uint32_t warp, uint32_t lanes, uint32_t thread) const {
  if (time < block_time_ || (warp == thread / 32 && time < warp_time_[warp])) return kNobody;
  for (; lanes != 0; lanes &= lanes - 1) {
    const uint32_t reader = warp * 32 + static_cast<uint32_t>(std::countr_zero(lanes));
    if (reader != thread && !knows(thread, reader, time)) return reader;
  }
  return kNobody;
}

bool SharedMemory::write(Record& record, uint32_t offset, uint32_t thread, bool atomically) {
  bool sound = true;
  if (record.copied >= begin_time_)
    sound = conflicts(Fault::copy_not_waited_for, offset, record.writer, true);
  else if (atomically && record.written < begin_time_)
    sound = conflicts(Fault::uninitialised, offset, thread, false);
  else if (!(atomically && record.atomically) && races_with_write(record, thread))
    sound = conflicts(Fault::race, offset, record.writer, true);
  else if (uint32_t other = racing_reader(record.read, record.reader, record.lanes, thread); other != kNobody)
    sound = conflicts(Fault::race, offset, other, false);
  else if (other = racing_reader(record.other_read, record.other_reader, record.other_lanes, thread); other != kNobody)
    sound = conflicts(Fault::race, offset, other, false);
  record.read = record.other_read = 0;  // whoever is ordered after this write is ordered after them
  record.written = clock_;
  record.writer = static_cast<uint16_t>(thread);
  record.atomically = atomically;
  return sound;
}

void SharedMemory::grow() {
  bytes_.resize(used_);
  of_words_.resize(used_ / 4 + 1);
  of_bytes_.resize(of_words_.size() * 4);
}

// Words have one record until some of their bytes are touched alone, and then one for each byte to the block's end.
template <class Each>
void SharedMemory::each_record(uint32_t offset, uint32_t bytes, Each each) {
  const uint32_t last = offset + bytes;
  for (uint32_t at = offset; at < last;) {
    Record& word = of_words_[at / 4];
    const uint32_t end = std::min(last, at / 4 * 4 + 4);
    if (word.split != begin_time_) {
      if (end - at == 4) {
        each(word, at);
        at = end;
        continue;
      }
      std::fill_n(&of_bytes_[at / 4 * 4], 4, word);
      word.split = begin_time_;
    }
    for (; at < end; ++at) each(of_bytes_[at], at);
  }
}

bool SharedMemory::touch(Touch kind, uint32_t offset, uint32_t bytes, uint32_t thread) {
  if (bytes_.size() < used_) grow();
  bool sound = true;
  if (kind == Touch::read)
    each_record(offset, bytes, [&](Record& record, uint32_t at) { sound &= read(record, at, thread); });
  else
    each_record(offset, bytes,
                [&](Record& record, uint32_t at) { sound &= write(record, at, thread, kind == Touch::atomic); });
  return sound;
}

void SharedMemory::begin_copy(uint32_t offset, uint32_t bytes) {
  each_record(offset, bytes, [&](Record& record, uint32_t) { record.copied = clock_; });
  std::memset(bytes_.data() + offset, 0xff, bytes);
}

void SharedMemory::end_copy(uint32_t offset, const std::byte* from, uint32_t valid, uint32_t bytes, uint32_t thread) {
  each_record(offset, bytes, [&](Record& record, uint32_t) {
    record.copied = 0;
    record.written = clock_;
    record.writer = static_cast<uint16_t>(thread);
    record.atomically = false;
  });
  if (valid != 0) std::memcpy(bytes_.data() + offset, from, valid);
  std::memset(bytes_.data() + offset + valid, 0, bytes - valid);
}

void SharedMemory::warp_synced(uint32_t warp) {
  if (keeps_known_) {
    Known all(known_.size());
    for (uint32_t thread = 32 * warp; thread < 32 * warp + 32; ++thread) release(thread, all);
    for (uint32_t thread = 32 * warp; thread < 32 * warp + 32; ++thread) acquire(thread, all);
  }
  warp_time_[warp] = ++clock_;
}

void SharedMemory::keep_known(uint32_t threads) {
  if (keeps_known_) return;
  keeps_known_ = true;
  known_.assign(threads, Known(threads));
}

void SharedMemory::release(uint32_t thread, Known& into) {
  known_[thread][thread] = clock_++;
  add_known(into, known_[thread]);
}
void SharedMemory::acquire(uint32_t thread, const Known& from) { add_known(known_[thread], from); }

}  // namespace hearth::simt
