// What a shader's SPIR-V says of it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hearth::vulkan {

struct ShaderFacts {
  uint32_t threads = 0;     // of a workgroup
  bool reduces = false;     // it has sums or maxima over subgroups, whose order is that of a subgroup's size
  bool multiplies = false;  // it has cooperative matrices
};

// Of the code with its constants 0, 1, ... set to those values, and others as they are by themselves.
ShaderFacts facts_of(std::span<const uint32_t> code, std::span<const uint32_t> constants = {});
// The code, declaring that zeros keep their signs, and infinity and NaN stay what they are (SignedZeroInfNanPreserve of
// 32 bits); for devices that can.
std::vector<uint32_t> keeping_not_finite(std::span<const uint32_t> code);
// The largest number of threads of any shader that there is.
uint32_t most_threads();

// The sizes of subgroups that a device lets be chosen for a shader; `most` is 0 where it lets none.
struct SubgroupSizes {
  uint32_t usual = 0, least = 0, most = 0;
};
// The size to ask for, so that all threads of a workgroup are in full subgroups: the usual one or the next smaller that
// is allowed; 0: none can be asked for.
uint32_t subgroup_size_for(uint32_t threads, const SubgroupSizes& sizes);

}  // namespace hearth::vulkan
