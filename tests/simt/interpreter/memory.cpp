// Allocations, and finding them by address.
#include "tests/simt/interpreter/memory.h"

#include <cstring>
#include <stdexcept>
#include <utility>

namespace hearth::simt {
namespace {

constexpr size_t kAlignment = 256;
constexpr size_t kGap = 256;  // around each, so that none begins where another ends

}  // namespace

Address Memory::allocate(size_t bytes, std::string name) {
  Allocation made;
  made.storage = std::make_unique_for_overwrite<std::byte[]>(bytes + 2 * kGap + kAlignment);
  const auto storage = reinterpret_cast<Address>(made.storage.get());
  const Address begin = (storage + kGap + kAlignment - 1) / kAlignment * kAlignment;
  std::memset(reinterpret_cast<void*>(begin), 0xff, bytes);
  if (name.empty()) name = "an allocation";
  made.range = {begin, begin + bytes, std::move(name)};
  allocations_.emplace(begin, std::move(made));
  allocated_ += bytes;
  return begin;
}

void Memory::free(Address address) {
  const auto found = allocations_.find(address);
  if (found == allocations_.end()) throw std::invalid_argument("simt: freed what was not allocated");
  allocated_ -= found->second.range.end - found->second.range.begin;
  allocations_.erase(found);
  recent_ = {};
}

std::byte* Memory::bytes_at(Address address, size_t bytes) const {
  auto after = allocations_.upper_bound(address);
  if (after != allocations_.begin()) {
    const Range& range = std::prev(after)->second.range;
    if (address <= range.end && bytes <= range.end - address) return reinterpret_cast<std::byte*>(address);
  }
  throw std::invalid_argument("simt: the host copies " + describe(address, bytes));
}

void Memory::upload(Address to, std::span<const std::byte> bytes) {
  if (!bytes.empty()) std::memcpy(bytes_at(to, bytes.size()), bytes.data(), bytes.size());
}
void Memory::download(Address from, std::span<std::byte> bytes) const {
  if (!bytes.empty()) std::memcpy(bytes.data(), bytes_at(from, bytes.size()), bytes.size());
}
void Memory::fill(Address to, size_t bytes, std::byte value) {
  if (bytes != 0) std::memset(bytes_at(to, bytes), std::to_integer<int>(value), bytes);
}

const Range* Memory::find(Address address) {
  for (const Range* range : recent_)
    if (range != nullptr && address >= range->begin && address < range->end) return range;
  const auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) return nullptr;
  const Range& range = std::prev(after)->second.range;
  if (address >= range.end) return nullptr;
  recent_[next_recent_++ % recent_.size()] = &range;
  return &range;
}

std::string Memory::describe(Address address, size_t bytes) const {
  const auto text = [](uint64_t number) { return std::to_string(number); };
  const std::string what = text(bytes) + " bytes ";
  const auto of = [&](const Range& range) { return range.name + " of " + text(range.end - range.begin) + " bytes"; };
  const auto after = allocations_.upper_bound(address);
  const Range* before = after == allocations_.begin() ? nullptr : &std::prev(after)->second.range;
  if (before != nullptr && address < before->end)
    return what + "at byte " + text(address - before->begin) + " of " + of(*before);
  const Range* behind = after == allocations_.end() ? nullptr : &after->second.range;
  if (address == 0 || (before == nullptr && behind == nullptr)) return what + "at address " + text(address);
  if (before != nullptr && (behind == nullptr || address - before->end <= behind->begin - address))
    return what + text(address - before->end) + " bytes behind the end of " + of(*before);
  return what + text(behind->begin - address) + " bytes before " + of(*behind);
}

}  // namespace hearth::simt
