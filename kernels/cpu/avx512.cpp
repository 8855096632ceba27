// The kernels for AVX-512: F, BW, VL and DQ.
#include "kernels/cpu/isa/avx512.h"

#include "kernels/cpu/generic/table_of.h"
#include "kernels/cpu/tables.h"

namespace hearth::cpu {

constinit const KernelTable kAvx512Table = table_of<Avx512>();

}  // namespace hearth::cpu
