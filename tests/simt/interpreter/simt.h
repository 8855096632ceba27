// The vocabulary of CUDA kernels, for the host's compiler: each word of kernels/cuda/hardware/simt.h, whose contracts
// stand there, by the interpreter.
#pragma once

#include "tests/simt/interpreter/arithmetic.h"
#include "tests/simt/interpreter/barriers.h"
#include "tests/simt/interpreter/copies.h"
#include "tests/simt/interpreter/matrices.h"
#include "tests/simt/interpreter/pointers.h"
#include "tests/simt/interpreter/qualifiers.h"
#include "tests/simt/interpreter/threads.h"
#include "tests/simt/interpreter/warp.h"
