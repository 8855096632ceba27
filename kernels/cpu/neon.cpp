// The kernels for AArch64 with the dot product extension (ARMv8.2 and later).
#include "kernels/cpu/isa/neon.h"

#include "kernels/cpu/generic/table_of.h"
#include "kernels/cpu/tables.h"

namespace hearth::cpu {

constinit const KernelTable kNeonTable = table_of<Neon>();

}  // namespace hearth::cpu
