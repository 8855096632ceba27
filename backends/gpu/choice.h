// Which of a backend's devices a user means.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::gpu {

struct Choice {
  std::string name;
  std::string missing;  // what it lacks to run programs; empty: nothing
};

// The index of the device that `which` means among `all`, which are not none: its number, a part of its name in any
// case, or for "" `best`. Throws DeviceError, which begins with the backend's name, naming what there is, or what the
// chosen one lacks.
size_t choose(const std::string& backend, std::string_view which, const std::vector<Choice>& all, size_t best);

}  // namespace hearth::gpu
