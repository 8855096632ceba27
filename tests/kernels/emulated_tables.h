// The tables of processors that this machine need not be, compiled over SIMDe.
#pragma once

#include <string>
#include <vector>

#include "kernels/cpu/table.h"

namespace hearth::cpu {

struct NamedTable {
  std::string name;
  const KernelTable* table;
};

std::vector<NamedTable> emulated_tables();
// Tables for tests of attention alone.
std::vector<NamedTable> checked_attention();

}  // namespace hearth::cpu
