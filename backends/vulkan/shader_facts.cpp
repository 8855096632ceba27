// Reading SPIR-V: words of instructions, of which the first has the length above and the kind below.
#include "backends/vulkan/shader_facts.h"

#include <algorithm>
#include <array>
#include <map>

#include "kernels/vulkan/shaders.h"

namespace hearth::vulkan {
namespace {

constexpr size_t kFirstInstruction = 5;
constexpr uint32_t kExecutionMode = 16, kCapability = 17, kConstant = 43, kSpecConstant = 50, kEntryPoint = 15,
                   kFunction = 54, kDecorate = 71, kExecutionModeId = 331;
constexpr uint32_t kGroupArithmetic = 63, kMatrices = 6022, kLocalSize = 17, kLocalSizeId = 38, kSpecId = 1;

}  // namespace

ShaderFacts facts_of(std::span<const uint32_t> code, std::span<const uint32_t> constants) {
  ShaderFacts facts;
  std::array<uint32_t, 3> size_ids{};
  std::map<uint32_t, uint32_t> numbers, values;  // of constants, by id
  for (size_t at = kFirstInstruction; at < code.size();) {
    const uint32_t kind = code[at] & 0xffffu;
    const size_t length = code[at] >> 16;
    if (length == 0 || length > code.size() - at || kind == kFunction) break;
    const auto words = code.subspan(at, length);
    if (kind == kCapability && length == 2 && words[1] == kGroupArithmetic) facts.reduces = true;
    if (kind == kCapability && length == 2 && words[1] == kMatrices) facts.multiplies = true;
    if (kind == kDecorate && length == 4 && words[2] == kSpecId) numbers[words[1]] = words[3];
    if ((kind == kConstant || kind == kSpecConstant) && length == 4) {
      const auto number = numbers.find(words[2]);
      const bool set = number != numbers.end() && number->second < constants.size();
      values[words[2]] = set ? constants[number->second] : words[3];
    }
    if (kind == kExecutionMode && length == 6 && words[2] == kLocalSize) facts.threads = words[3] * words[4] * words[5];
    if (kind == kExecutionModeId && length == 6 && words[2] == kLocalSizeId)
      std::copy(words.begin() + 3, words.end(), size_ids.begin());
    at += length;
  }
  if (size_ids[0] != 0) {
    facts.threads = 1;
    for (const uint32_t id : size_ids) facts.threads *= values.contains(id) ? values[id] : 0;
  }
  return facts;
}

std::vector<uint32_t> keeping_not_finite(std::span<const uint32_t> code) {
  constexpr uint32_t kPreserveCapability = 4466, kPreserveMode = 4461, kBits = 32;
  std::vector<uint32_t> result;
  result.reserve(code.size() + 6);
  for (size_t at = 0; at < code.size();) {
    const bool header = at == 0;
    const size_t length = header ? kFirstInstruction : code[at] >> 16;
    if (length == 0 || length > code.size() - at) return {code.begin(), code.end()};
    const auto words = code.subspan(at, length);
    result.insert(result.end(), words.begin(), words.end());
    if (header) result.insert(result.end(), {2u << 16 | kCapability, kPreserveCapability});
    if (!header && (words[0] & 0xffffu) == kEntryPoint && length > 2)
      result.insert(result.end(), {4u << 16 | kExecutionMode, words[2], kPreserveMode, kBits});
    at += length;
  }
  return result;
}

uint32_t most_threads() {
  uint32_t most = 0;
  for (const Shader& shader : shaders()) most = std::max(most, facts_of(shader.code).threads);
  return most;
}

uint32_t subgroup_size_for(uint32_t threads, const SubgroupSizes& sizes) {
  if (threads == 0 || sizes.most == 0) return 0;
  uint32_t size = std::clamp(sizes.usual, sizes.least, sizes.most);
  while (size > 0 && threads % size != 0) size /= 2;
  return size >= sizes.least ? size : 0;
}

}  // namespace hearth::vulkan
