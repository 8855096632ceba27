// The kernels for AVX2, FMA and F16C.
#include "kernels/cpu/isa/avx2.h"

#include "kernels/cpu/generic/table_of.h"
#include "kernels/cpu/tables.h"

namespace hearth::cpu {

constinit const KernelTable kAvx2Table = table_of<Avx2>();

}  // namespace hearth::cpu
