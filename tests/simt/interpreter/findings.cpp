// Of a block: its accesses to memory, and the words for what is wrong.
#include <algorithm>
#include <cstring>
#include <utility>

#include "tests/simt/interpreter/block.h"

namespace hearth::simt {
namespace {

std::string number(uint64_t value) { return std::to_string(value); }

}  // namespace

std::string Block::place() const {
  return std::string("kernel ") + launch_->kernel->name + ", block (" + number(index_.x) + ", " + number(index_.y) +
         ", " + number(index_.z) + ")";
}

Found Block::found(Fault fault, const std::string& text) const {
  return {{fault, place() + ", thread " + number(current->index) + ": " + text}};
}

std::string Block::place_of(uint32_t array, uint32_t offset) const {
  const SharedMemory::Array& of = shared_[array];
  return of.name + "[" + number((offset - of.begin) / of.element) + "]";
}

void Block::add(Fault fault, std::string text) { reports_.push_back({fault, std::move(text)}); }

void Block::out_of_bounds(const char* verb, Address at, uint32_t bytes, const Range* range) const {
  std::string text = memory_.describe(at, bytes);
  if (range != nullptr)
    text += ", with a pointer into " + range->name + " of " + number(range->end - range->begin) + " bytes";
  throw found(Fault::out_of_bounds, std::string(verb) + " " + text);
}

void Block::misaligned(const std::string& what, uint64_t to) const {
  throw found(Fault::misaligned, "touches " + what + ", which is not aligned to " + number(to));
}

void Block::too_early(const std::string& what) const {
  throw found(Fault::too_early, what + " without having waited for the kernel before");
}

uint32_t Block::shared_array(const void* key, const char* name, uint32_t bytes, uint32_t element) {
  const uint32_t made = shared_.array(key, name, bytes, element);
  if (shared_.static_bytes() > cuda::kMostStaticSharedBytes ||
      shared_.static_bytes() + launch_->dynamic_bytes > cuda::kMostSharedBytes)
    throw found(Fault::bad_launch, "declares " + number(shared_.static_bytes()) + " bytes of shared arrays beside " +
                                       number(launch_->dynamic_bytes) + " of the launch");
  return made;
}

uint32_t Block::dynamic_array(const char* name, uint32_t element) { return shared_.dynamic(name, element); }

std::byte* Block::touch(Touch kind, uint32_t array, int64_t offset, uint32_t bytes, uint32_t alignment,
                        uint32_t thread) {
  const SharedMemory::Array& of = shared_[array];
  const char* verb = kind == Touch::read ? "reads " : "writes ";
  if (offset < 0 || offset + bytes > of.bytes)
    throw found(Fault::out_of_bounds, verb + number(bytes) + " bytes at byte " + std::to_string(offset) +
                                          " of shared " + of.name + " of " + number(of.bytes) + " bytes");
  if (offset % alignment != 0)
    misaligned(number(bytes) + " bytes at byte " + number(static_cast<uint64_t>(offset)) + " of shared " + of.name,
               alignment);
  const uint32_t at = of.begin + static_cast<uint32_t>(offset);
  if (!shared_.touch(kind, at, bytes, thread)) report_conflict(kind, array, thread);
  return shared_.bytes(at);
}

void Block::report_conflict(Touch kind, uint32_t array, uint32_t thread) {
  const SharedMemory::Conflict& conflict = shared_.conflict();
  const std::string once = shared_[array].name + " " + number(static_cast<uint64_t>(conflict.fault));
  if (std::ranges::find(told_, once) != told_.end()) return;
  told_.push_back(once);
  const std::string where = place_of(array, conflict.offset), other = number(conflict.other_thread);
  const std::string begin =
      place() + ", thread " + number(thread) + (kind == Touch::read ? " reads " : " writes ") + where;
  switch (conflict.fault) {
    case Fault::uninitialised:
      return add(conflict.fault, begin + ", which nobody has written");
    case Fault::copy_not_waited_for:
      return add(conflict.fault, begin + " while an asynchronous copy to it is under way");
    default:
      return add(Fault::race, begin + ", which thread " + other + (conflict.other_wrote ? " wrote" : " read") +
                                  " with no barrier between");
  }
}

void Block::copy_async(uint32_t array, int64_t offset, Address from, const Range* range, uint32_t bytes,
                       uint32_t valid) {
  if (valid > bytes) throw found(Fault::bad_launch, "copies " + number(valid) + " of " + number(bytes) + " bytes");
  if (valid != 0 && from % bytes != 0) misaligned(memory_.describe(from, valid), bytes);
  if (valid != 0 && (range == nullptr || from < range->begin || from + valid > range->end))
    out_of_bounds("copies", from, valid, range);
  touch(Touch::write, array, offset, bytes, bytes, current->index);
  const uint32_t at = shared_[array].begin + static_cast<uint32_t>(offset);
  shared_.begin_copy(at, bytes);
  current->copies.push_back({at, bytes, valid, current->group, from});
}

void Block::commit_copies() { ++current->group; }

void Block::wait_copies(uint32_t pending) {
  std::vector<AsyncCopy>& copies = current->copies;
  const auto later = std::ranges::find_if(
      copies, [&](const AsyncCopy& copy) { return uint64_t{copy.group} + pending >= current->group; });
  for (auto copy = copies.begin(); copy != later; ++copy)
    shared_.end_copy(copy->to, reinterpret_cast<const std::byte*>(copy->from), copy->valid, copy->bytes,
                     current->index);
  copies.erase(copies.begin(), later);
}

// No thread can go on and some have not returned.
void Block::explain_standstill() {
  bool at_barrier = false;
  std::string text;
  for (size_t i = 0; i < threads_.size();) {
    const Together what = threads_[i].waits_at;
    size_t end = i + 1;
    while (end < threads_.size() && threads_[end].waits_at == what) ++end;
    at_barrier |= what == Together::sync_block || what == Together::sync_some || what == Together::wait_phase;
    text += (i == 0 ? ": thread " : ", thread ") + number(i) + (end == i + 1 ? "" : " to " + number(end - 1)) +
            (what == Together::returned ? " returned" : std::string(" waits at ") + name_of(what));
    i = end;
  }
  add(at_barrier ? Fault::divergent_barrier : Fault::divergent_warp, place() + text);
  cancel();
}

}  // namespace hearth::simt
