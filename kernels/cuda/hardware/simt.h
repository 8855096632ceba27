// The vocabulary of CUDA kernels, for nvcc. tests/simt/interpreter/simt.h has the same for the host's compiler; kernels
// say <simt.h> and the include path decides. Contracts stand here. What only a macro can do is one: qualifiers of
// functions and arrays, and a kernel's entry, whose name must be made.
//
// Rules that the interpreter checks: blocks have whole warps; warp operations (and sync_warp) are called by all 32
// lanes of a warp, sync_block by all threads of a block, none having returned; what threads exchange through shared
// memory has a sync_block (or within a warp, a sync_warp) between; all accesses are within allocations and aligned.
// Rules of style, for both compilers: an element of a shared array is read into a variable of a named type
// (`const float x = sums[i];`, no auto, no member access on sums[i]); templates are given such variables. A
// function that returns a struct has one return statement: nvcc 13.0 may never end on more.
#pragma once

#include "kernels/cuda/hardware/arithmetic.h"
#include "kernels/cuda/hardware/barriers.h"
#include "kernels/cuda/hardware/copies.h"
#include "kernels/cuda/hardware/matrices.h"
#include "kernels/cuda/hardware/memory.h"
#include "kernels/cuda/hardware/qualifiers.h"
#include "kernels/cuda/hardware/threads.h"
#include "kernels/cuda/hardware/warp.h"
