// Where the whole machine is emulated, no others.
#include "tests/kernels/emulated_tables.h"

namespace hearth::cpu {

std::vector<NamedTable> emulated_tables() { return {}; }

}  // namespace hearth::cpu
