// A program for one device as a list of dispatches, whose sizes depend on a batch's number of rows only.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backends/gpu/machine.h"
#include "kernels/gpu/parameters.h"

namespace hearth::gpu {

// What the y of a grid follows; the last two are outputs by what the host gets of them.
enum class Follows : uint8_t { nothing, rows, outputs, whole, chosen };

// Of steps that make attention: whether they do so row by row, there where positions are cut into parts between
// workgroups, or by tiles of rows of a sequence.
enum class Cut : uint8_t { either, whole, parts, tiles };

struct Step {
  std::string kernel;
  std::vector<uint32_t> constants;
  std::array<std::byte, kArgsBytes> args;
  uint32_t args_bytes;
  uint32_t x, z;
  Follows follows;
  uint32_t y_times = 1, y_over = 1, y_more = 0;  // y is ceil(rows * y_times / y_over)
  uint32_t least = 0, most = UINT32_MAX;         // numbers of rows for which this step is taken
  // Numbers of rows for which positions are cut, where there are enough; z is then at most that of a batch's parts.
  Cut cut = Cut::either;
  uint32_t cut_rows = 0;
  bool z_of_parts = false;
  uint32_t tile_rows = UINT32_MAX;  // numbers of rows from which on tiles are made, where sequences have enough of them
  bool after_barrier = false;       // also where the step is not taken: then before the next that is
};

// What a step reads and writes, by the addresses of whole buffers; 0 stands for nothing.
struct Uses {
  std::vector<Address> reads, writes;
};

constexpr uint32_t pieces_of(uint64_t count, uint32_t size) { return static_cast<uint32_t>((count + size - 1) / size); }

// Appends steps, with barriers between those that depend on each other.
class StepList {
 public:
  template <class Args>
  Step& add(std::string kernel, const Args& args, Uses uses) {
    static_assert(sizeof(Args) <= kArgsBytes && sizeof(Args) % 4 == 0);
    Step step{};
    step.kernel = std::move(kernel);
    std::memcpy(step.args.data(), &args, sizeof args);
    step.args_bytes = sizeof args;
    step.x = step.z = 1;
    step.after_barrier = depends(std::move(uses));
    steps_.push_back(std::move(step));
    return steps_.back();
  }
  std::vector<Step> take() { return std::move(steps_); }

 private:
  bool depends(Uses uses);

  std::vector<Step> steps_;
  std::set<Address> read_, written_;  // since the last barrier
};

}  // namespace hearth::gpu
