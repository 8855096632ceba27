// Memory aligned for vectors, not initialised, so that the system gives pages only where they are used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "backends/backend.h"

namespace hearth::cpu {

// For std::free; null where memory is refused. Aligned to 64 bytes, and in large pages where there are that many.
void* allocate(size_t bytes) noexcept;

template <class T>
class Buffer {
 public:
  Buffer() = default;
  // Throws DeviceError naming `what` where the sizes multiply past the address space or memory is refused.
  Buffer(const char* what, uint64_t a, uint64_t b = 1, uint64_t c = 1) {
    constexpr uint64_t kMost = uint64_t{1} << 46;  // bytes; no machine has more
    uint64_t bytes = sizeof(T);
    for (const uint64_t factor : {a, b, c}) {
      if (factor != 0 && bytes > kMost / factor) refuse(what);
      bytes *= factor;
    }
    if (bytes == 0) return;
    data_.reset(static_cast<T*>(allocate(bytes)));
    if (data_ == nullptr) refuse(what);
  }
  T* data() const noexcept { return data_.get(); }
  T& operator[](size_t i) const noexcept { return data_.get()[i]; }

 private:
  struct Free {
    void operator()(T* p) const noexcept { std::free(p); }
  };
  [[noreturn]] static void refuse(const char* what) {
    throw DeviceError(std::string("cpu: not enough memory for ") + what);
  }
  std::unique_ptr<T, Free> data_;
};

}  // namespace hearth::cpu
