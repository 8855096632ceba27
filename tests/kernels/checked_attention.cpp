// The attention of AVX-VNNI over SIMDe once more, with the checks of memory that builds with AddressSanitizer have: no
// other table checks what sets with 16-bit dot products alone have.
#include "kernels/cpu/generic/attention.h"
#include "kernels/cpu/isa/avx2.h"
#include "tests/kernels/emulated_tables.h"

namespace hearth::cpu {

extern const KernelTable kEmulatedAvxVnniTable;

std::vector<NamedTable> checked_attention() {
  static const KernelTable table = [] {
    KernelTable checked = kEmulatedAvxVnniTable;
    checked.attend = attend<AvxVnni>;
    checked.attend_row = attend_row<AvxVnni>;
    return checked;
  }();
  return {{"avx_vnni_checked", &table}};
}

}  // namespace hearth::cpu
