// Pointers to global and shared memory whose every access is checked.
#pragma once

#include <cstring>
#include <type_traits>
#include <utility>

#include "tests/simt/interpreter/block.h"

namespace hearth::cuda {

// Keeps to the allocation that its address lay in when it was made.
template <class T>
class Global {
 public:
  Global() = default;
  Global(Address at, const simt::Range* range) : at_(at), range_(range) {}
  template <class U>
  requires std::is_same_v<const U, T> Global(const Global<U>& other) : at_(other.address()), range_(other.range()) {}

  T& operator[](int64_t i) const { return (*this + i).checked(sizeof(T), alignof(T)); }
  T& operator*() const { return (*this)[0]; }
  T* operator->() const { return &(*this)[0]; }
  Global operator+(int64_t n) const { return {at_ + static_cast<uint64_t>(n) * sizeof(T), range_}; }
  Global operator-(int64_t n) const { return *this + -n; }
  Global& operator+=(int64_t n) { return *this = *this + n; }
  Global& operator-=(int64_t n) { return *this = *this - n; }
  Global& operator++() { return *this += 1; }
  bool operator==(const Global& other) const { return at_ == other.at_; }
  explicit operator bool() const { return at_ != 0; }

  Address address() const { return at_; }
  const simt::Range* range() const { return range_; }
  // The element, aligned to `alignment`.
  T& checked(uint32_t bytes, uint32_t alignment) const {
    if (!simt::current->has_waited)
      simt::current->block->too_early("touches " + simt::current->block->memory().describe(at_, bytes));
    return within(bytes, alignment);
  }
  // The same without a look at who touches it.
  T& within(uint32_t bytes, uint32_t alignment) const {
    const simt::Range* range = range_;
    if (range == nullptr) range = simt::current->block->memory().find(at_);
    if (range == nullptr || at_ < range->begin || at_ > range->end || bytes > range->end - at_)
      simt::current->block->out_of_bounds(std::is_const_v<T> ? "reads" : "touches", at_, bytes, range_);
    if (at_ % alignment != 0)
      simt::current->block->misaligned(simt::current->block->memory().describe(at_, bytes), alignment);
    return *reinterpret_cast<T*>(at_);
  }

 private:
  Address at_ = 0;
  const simt::Range* range_ = nullptr;
};

template <class T>
Global<T> global(Address address) {
  return {address, simt::current->block->memory().find(address)};
}

template <class T>
class Shared;

// An element of shared memory in an expression: read or written where it stands, so it cannot be kept in a variable.
template <class T>
class SharedElement {
 public:
  explicit SharedElement(Shared<T> at) : at_(at) {}
  SharedElement(const SharedElement&) = delete;

  operator T() && { return at_.load(); }
  T operator=(T value) && { return at_.store(value); }
  T operator=(SharedElement&& other) && { return at_.store(other.at_.load()); }
  T operator+=(T value) && { return at_.store(static_cast<T>(at_.load() + value)); }
  T operator-=(T value) && { return at_.store(static_cast<T>(at_.load() - value)); }
  T operator*=(T value) && { return at_.store(static_cast<T>(at_.load() * value)); }
  T operator|=(T value) && { return at_.store(static_cast<T>(at_.load() | value)); }
  T operator&=(T value) && { return at_.store(static_cast<T>(at_.load() & value)); }
  T operator^=(T value) && { return at_.store(static_cast<T>(at_.load() ^ value)); }

 private:
  Shared<T> at_;
};

// A place in a shared array, as a byte of it.
template <class T>
class Shared {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Shared(uint32_t array, int64_t offset) : array_(array), offset_(offset) {}
  template <class U>
  requires std::is_same_v<const U, T> Shared(const Shared<U>& other) : array_(other.array()), offset_(other.offset()) {}
  static Shared declared(const void* key, const char* name, size_t bytes) {
    return {simt::current->block->shared_array(key, name, static_cast<uint32_t>(bytes), sizeof(T)), 0};
  }
  static Shared dynamic(const char* name) { return {simt::current->block->dynamic_array(name, sizeof(T)), 0}; }

  auto operator[](int64_t i) const {
    if constexpr (std::is_const_v<T>)
      return (*this + i).load();
    else
      return SharedElement<T>(*this + i);
  }
  auto operator*() const { return (*this)[0]; }
  Shared operator+(int64_t n) const { return {array_, offset_ + n * static_cast<int64_t>(sizeof(T))}; }
  Shared operator-(int64_t n) const { return *this + -n; }
  Shared& operator+=(int64_t n) { return *this = *this + n; }
  Shared& operator-=(int64_t n) { return *this = *this - n; }
  Shared& operator++() { return *this += 1; }

  std::remove_const_t<T> load() const {
    std::remove_const_t<T> value;
    std::memcpy(&value, touch(simt::Touch::read), sizeof value);
    return value;
  }
  T store(T value) const {
    std::memcpy(touch(simt::Touch::write), &value, sizeof value);
    return value;
  }
  std::byte* touch(simt::Touch kind) const {
    return simt::current->block->touch(kind, array_, offset_, sizeof(T), alignof(T), simt::current->index);
  }
  uint32_t array() const { return array_; }
  int64_t offset() const { return offset_; }

 private:
  uint32_t array_;
  int64_t offset_;
};

template <class To, class From>
Global<To> cast(const Global<From>& from) {
  return {from.address(), from.range()};
}
template <class To, class From>
Shared<To> cast(const Shared<From>& from) {
  return {from.array(), from.offset()};
}

// Before the kernel before has ended, too: streams are of weights.
template <class T>
std::remove_const_t<T> load_stream(const Global<T>& from) {
  static_assert(sizeof(T) <= 16 && (sizeof(T) & (sizeof(T) - 1)) == 0);
  return Global<const std::remove_const_t<T>>(from.address(), from.range()).within(sizeof(T), sizeof(T));
}
template <class T>
std::remove_const_t<T> load_constant(const Global<T>& from) {
  static_assert(sizeof(T) <= 16 && (sizeof(T) & (sizeof(T) - 1)) == 0);
  return Global<const std::remove_const_t<T>>(from.address(), from.range()).checked(sizeof(T), sizeof(T));
}
template <class T>
std::remove_const_t<T> load_early(const Global<T>& from) {
  static_assert(sizeof(T) <= 16 && (sizeof(T) & (sizeof(T) - 1)) == 0);
  return Global<const std::remove_const_t<T>>(from.address(), from.range()).within(sizeof(T), sizeof(T));
}
template <class T>
std::remove_const_t<T> load_fresh(const Global<T>& from) {
  static_assert(sizeof(T) >= 4 && sizeof(T) <= 16 && (sizeof(T) & (sizeof(T) - 1)) == 0);
  return Global<const std::remove_const_t<T>>(from.address(), from.range()).checked(sizeof(T), sizeof(T));
}
template <class T>
void prefetch_l2(const Global<T>& at) {
  at.within(sizeof(T), alignof(T));
}

template <class T>
T exchange_sum(T& at, T value) {
  return std::exchange(at, at + value);
}
inline uint32_t atomic_add(const Global<uint32_t>& at, uint32_t value) { return exchange_sum(*at, value); }
inline float atomic_add(const Global<float>& at, float value) { return exchange_sum(*at, value); }
inline uint32_t atomic_max(const Global<uint32_t>& at, uint32_t value) {
  return std::exchange(*at, *at < value ? value : *at);
}
template <class T, class Change>
T change_atomically(const Shared<T>& at, Change change) {
  std::byte* place = at.touch(simt::Touch::atomic);
  T before;
  std::memcpy(&before, place, sizeof before);
  const T after = change(before);
  std::memcpy(place, &after, sizeof after);
  return before;
}
inline uint32_t atomic_add(const Shared<uint32_t>& at, uint32_t value) {
  return change_atomically(at, [&](uint32_t before) { return before + value; });
}
inline float atomic_add(const Shared<float>& at, float value) {
  return change_atomically(at, [&](float before) { return before + value; });
}
inline uint32_t atomic_max(const Shared<uint32_t>& at, uint32_t value) {
  return change_atomically(at, [&](uint32_t before) { return before < value ? value : before; });
}

}  // namespace hearth::cuda
