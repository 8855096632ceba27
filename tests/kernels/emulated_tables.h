// The tables that no x86 machine without AVX-512 can run, compiled over SIMDe instead.
#pragma once

#include "kernels/cpu/table.h"

namespace hearth::cpu {

extern const KernelTable kEmulatedAvx512Table, kEmulatedAvx512VnniTable, kEmulatedNeonTable;

}  // namespace hearth::cpu
