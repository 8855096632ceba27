// The tables that an x86 machine with no more than AVX2 cannot run.
#include "tests/kernels/emulated_tables.h"

namespace hearth::cpu {

extern const KernelTable kEmulatedAvxVnniTable, kEmulatedAvx512Table, kEmulatedAvx512VnniTable, kEmulatedNeonTable;

std::vector<NamedTable> emulated_tables() {
  return {{"avx_vnni_emulated", &kEmulatedAvxVnniTable},
          {"avx512_emulated", &kEmulatedAvx512Table},
          {"avx512_vnni_emulated", &kEmulatedAvx512VnniTable},
          {"neon_emulated", &kEmulatedNeonTable}};
}

}  // namespace hearth::cpu
