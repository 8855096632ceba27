// The kernels for AVX-512 with VNNI.
#include "kernels/cpu/generic/table_of.h"
#include "kernels/cpu/isa/avx512.h"
#include "kernels/cpu/tables.h"

namespace hearth::cpu {

constinit const KernelTable kAvx512VnniTable = table_of<Avx512Vnni>();

}  // namespace hearth::cpu
