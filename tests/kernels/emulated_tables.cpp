// The tables that no x86 machine without AVX-512 can run.
#include "tests/kernels/emulated_tables.h"

namespace hearth::cpu {

extern const KernelTable kEmulatedAvx512Table, kEmulatedAvx512VnniTable, kEmulatedNeonTable;

std::vector<NamedTable> emulated_tables() {
  return {{"avx512_emulated", &kEmulatedAvx512Table},
          {"avx512_vnni_emulated", &kEmulatedAvx512VnniTable},
          {"neon_emulated", &kEmulatedNeonTable}};
}

}  // namespace hearth::cpu
