// The tables of kernels that this build contains, and which of them this machine can run.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "kernels/cpu/table.h"

namespace hearth::cpu {

extern const KernelTable kScalarTable, kAvx2Table, kAvxVnniTable, kAvx512Table, kAvx512VnniTable, kNeonTable;

// All names, also of tables that this build or machine lacks.
std::span<const std::string_view> kernel_names() noexcept;
// The tables that this machine's processor runs and that agree with the scalar one on a block of every format, best
// first. Never empty: the scalar table is always the last.
std::vector<const KernelTable*> available_kernels();
// The available table of that name, or null.
const KernelTable* find_kernels(std::string_view name);
// Whether a table computes what the scalar one does, on a little of everything.
bool agrees_with_scalar(const KernelTable& table) noexcept;

}  // namespace hearth::cpu
