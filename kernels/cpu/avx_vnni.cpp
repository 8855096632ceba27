// The kernels for AVX2 with AVX-VNNI.
#include "kernels/cpu/generic/table_of.h"
#include "kernels/cpu/isa/avx2.h"
#include "kernels/cpu/tables.h"

namespace hearth::cpu {

constinit const KernelTable kAvxVnniTable = table_of<AvxVnni>();

}  // namespace hearth::cpu
