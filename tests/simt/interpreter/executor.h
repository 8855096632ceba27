// Runs kernels, one block after another.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "tests/simt/interpreter/block.h"
#include "tests/simt/interpreter/kernels.h"
#include "tests/simt/interpreter/memory.h"

namespace hearth::simt {

// Not for several threads at once.
class Executor {
 public:
  // With a seed other than 0, blocks and threads run in an order of its making, so that what depends on order is found.
  explicit Executor(Memory& memory, uint32_t seed = 0);

  // What was found, empty where all is well. A race is reported once for an array and goes on; what leaves a thread no
  // way to go on ends the launch. Threads of a block: the kernel's. Nothing is thrown.
  [[nodiscard]] std::vector<Report> launch(std::string_view kernel, Index3 grid, uint32_t dynamic_shared_bytes,
                                           std::span<const std::byte> parameters,
                                           const cuda::Constants& constants = {});

 private:
  std::vector<Report> reports_;
  uint32_t seed_;
  std::vector<std::byte> parameters_;
  Block block_;
};

}  // namespace hearth::simt
