// What kernels read and nobody changes: matrices in planes, vectors as floats, the codebooks.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <tuple>
#include <vector>

#include "backends/gpu/machine.h"
#include "backends/program.h"
#include "kernels/gpu/parameters.h"

namespace hearth::gpu {

// Large matrices that plans of one device share as long as any of them needs them: a program views the bytes that it
// was made of as long as its plan lives, so that equal places mean equal weights. May be used by several threads.
class SharedMatrices {
 public:
  using Key = std::tuple<const std::byte*, uint64_t, uint64_t, Format>;  // bytes, rows, width
  std::shared_ptr<Buffer> find_or_make(const Key& key, const std::function<Buffer()>& make);
  bool holds(const Key& key);

 private:
  std::mutex mutex_;
  std::map<Key, std::weak_ptr<Buffer>> known_;
};

// Each weight is uploaded once, when its address is first asked for; then it stays where it is. The Machine must
// outlive this.
class Weights {
 public:
  Weights(Machine& machine, SharedMatrices& shared) : machine_(machine), shared_(shared) {}

  Address matrix(const Weight& weight);                     // see quant/planes.h
  Address floats(const Weight& weight);                     // [rows x width]
  Address scales(const Weight& weight, uint32_t matrices);  // [matrices], 0 where they are 1
  Address decode_tables();

 private:
  static constexpr uint64_t kChunkBytes = 4 << 20, kAlignment = 256;
  static constexpr uint64_t kLarge = 1 << 20;  // bytes of a matrix that gets a buffer of its own
  using Key = std::tuple<const std::byte*, uint64_t, uint64_t, bool>;  // bytes, rows, width, whether as floats
  struct Place {
    const Buffer* buffer;
    uint64_t offset;
    Address address() const { return buffer->address() + offset; }
  };

  Place take(uint64_t bytes, const char* what);

  // Puts the planes of a matrix there.
  void fill(const Weight& weight, const Buffer& to, uint64_t offset);

  Machine& machine_;
  SharedMatrices& shared_;
  std::vector<std::shared_ptr<Buffer>> matrices_;  // that others may use, too
  std::deque<Buffer> chunks_;
  uint64_t used_ = 0;  // of the last chunk
  std::map<Key, Address> known_;
  std::map<std::vector<float>, Address> scales_;
  Address decode_tables_ = 0;
};

// Bytes that a weight will take as a matrix.
uint64_t matrix_bytes(const Weight& weight);

}  // namespace hearth::gpu
