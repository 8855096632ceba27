// The device memory of the interpreter: allocations of the host's, which every access of a kernel is checked against.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "tests/simt/interpreter/report.h"

namespace hearth::simt {

// Bytes that belong together, [begin, end).
struct Range {
  Address begin = 0, end = 0;
  std::string name;
};

// Not for several threads at once. Errors are std::invalid_argument.
class Memory {
 public:
  // Aligned to 256; filled with ones, so that what is read before it is written is NaN.
  Address allocate(size_t bytes, std::string name = {});
  void free(Address address);

  void upload(Address to, std::span<const std::byte> bytes);
  void download(Address from, std::span<std::byte> bytes) const;
  void fill(Address to, size_t bytes, std::byte value);

  // The allocation that holds `address`; null where none does. Stays until it is freed.
  const Range* find(Address address);
  // Says where `bytes` from `address` on lie, for a report.
  std::string describe(Address address, size_t bytes) const;
  size_t allocated() const { return allocated_; }

 private:
  struct Allocation {
    Range range;
    std::unique_ptr<std::byte[]> storage;
  };
  std::byte* bytes_at(Address address, size_t bytes) const;

  std::map<Address, Allocation> allocations_;  // by begin
  std::array<const Range*, 8> recent_ = {};    // found by kernels lately
  size_t next_recent_ = 0, allocated_ = 0;
};

}  // namespace hearth::simt
