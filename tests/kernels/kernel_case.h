// Every table of kernels, those of other processors emulated, as the parameter of a test.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "kernels/cpu/tables.h"
#include "tests/kernels/emulated_tables.h"

namespace hearth::cpu {

inline std::vector<NamedTable> tables() {
  std::vector<NamedTable> result;
  for (const KernelTable* table : available_kernels()) result.push_back({table->name, table});
  for (const NamedTable& table : emulated_tables()) result.push_back(table);
  return result;
}

inline std::vector<NamedTable> attention_tables() {
  std::vector<NamedTable> result = tables();
  for (const NamedTable& table : checked_attention()) result.push_back(table);
  return result;
}

inline std::vector<float> random_floats(size_t count, uint32_t seed, float size = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, size);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

class Kernels : public testing::TestWithParam<NamedTable> {
 protected:
  const KernelTable& table() const { return *GetParam().table; }
};

// The name of a test's table.
inline std::string table_name(const testing::TestParamInfo<NamedTable>& info) { return info.param.name; }

}  // namespace hearth::cpu
