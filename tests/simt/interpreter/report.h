// What the interpreter finds wrong in a kernel.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/cuda/types.h"

namespace hearth::simt {

using cuda::Address;
using cuda::Index3;

enum class Fault {
  out_of_bounds,
  misaligned,
  race,                 // of two threads in shared memory, without a barrier between
  uninitialised,        // shared memory read before it was written
  copy_not_waited_for,  // bytes of an asynchronous copy touched before it was waited for, or never waited for
  divergent_barrier,    // some threads wait at sync_block, others wait elsewhere or have returned
  divergent_warp,       // the same of warp operations
  too_early,            // a kernel touches memory, or ends, and has not waited for the one before
  bad_launch,
};

struct Report {
  Fault fault;
  std::string text;  // names kernel, block, thread or threads, and the place
};

// Ends a kernel's thread, and with it the block; the report is of the launch.
struct Found {
  Report report;
};

}  // namespace hearth::simt
