// What tells how long steps take.
#pragma once

#include <chrono>
#include <functional>

namespace hearth {

// Seconds since some moment. Tests give one that goes as they say, so that no decision depends on the machine.
using StepClock = std::function<double()>;

inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace hearth
