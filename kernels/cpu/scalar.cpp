// The kernels in plain C++.
#include "kernels/cpu/isa/scalar.h"

#include "kernels/cpu/generic/table_of.h"
#include "kernels/cpu/tables.h"

namespace hearth::cpu {

constinit const KernelTable kScalarTable = table_of<Scalar>();

}  // namespace hearth::cpu
