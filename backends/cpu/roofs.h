// What this machine could do at best: the figures that speed is stated as a share of.
#pragma once

#include "backends/cpu/device.h"

namespace hearth {

struct Roofs {
  double read_gb_s;  // 1e9 bytes a second that all threads together read from memory, in long runs, none shared
  double int8_gops;  // 1e9 operations a second (a product and its addition are two) of all threads on bytes in
                     // registers, in the fastest sequence that the kernels have, that of 4-bit weights
};

// The best of a few runs, about half a second in all. Throws DeviceError as make_cpu_device does, and where there is no
// memory for the 256 MiB that are read.
Roofs measure_roofs(const CpuOptions& options = {});

}  // namespace hearth
