// Steps whose ops are timed, beside the same steps that are not.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>

#include "tests/backends/random_program.h"

namespace hearth {

// By name, the ops of the last step of a text of which the first has so many rows of each sequence, and each other one.
// Results must be those of another plan's steps that are not profiled, bit by bit.
inline std::map<std::string, OpProfile> profiled_ops(Device& device, const Program& program, const Limits& limits,
                                                     const Text& text, uint32_t first) {
  const auto profiled = device.compile(program, limits), plain = device.compile(program, limits);
  StepProfile last;
  for (uint32_t begin = 0, end = first; begin < text.tokens[0].size(); begin = end++) {
    Batch batch = batch_of(text, begin, end, !program.state_width.empty());
    batch.outputs = {static_cast<uint32_t>(batch.tokens.size()) - 1};
    last = profiled->profile(batch);
    plain->submit(batch);
    const std::span<const float> found = profiled->wait().logits, expected = plain->wait().logits;
    EXPECT_EQ(std::vector(found.begin(), found.end()), std::vector(expected.begin(), expected.end()));
    EXPECT_EQ(found.size(), program.vocabulary);
  }
  EXPECT_GT(last.seconds, 0);
  std::map<std::string, OpProfile> ops;
  for (const OpProfile& op : last.ops) EXPECT_TRUE(ops.emplace(op.name, op).second) << op.name << " is there twice";
  return ops;
}

inline std::map<std::string, uint32_t> launches_of(const std::map<std::string, OpProfile>& ops) {
  std::map<std::string, uint32_t> launches;
  for (const auto& [name, op] : ops) launches[name] = op.launches;
  return launches;
}

// Two layers, of 96 x 64 blocks of Q4_0 in v and down.
inline const Shape kProfiledShape{.hidden = 96, .format = Format::q8_0, .other = Format::q4_0};
inline constexpr Limits kProfiledLimits{.rows = 16, .pages = 8, .page_size = 4, .kv_type = KvType::f16};

// Of a device of kernels/gpu whose products round nothing: one row behind five others, and then nine rows at once.
// Returns the ops of both.
inline std::array<std::map<std::string, OpProfile>, 2> expect_profiles_of_gpu(Device& device) {
  const RandomProgram random = random_program(kProfiledShape, 5);
  const auto ops_of = [&](uint32_t rows, uint32_t first) {
    return profiled_ops(device, random.program, kProfiledLimits, random_text({rows}, 100, kProfiledLimits, 3), first);
  };
  const auto one = ops_of(6, 5), nine = ops_of(9, 9);
  std::map<std::string, uint32_t> expected{{"embed Q8_0", 1},  {"norm", 5},       {"matmul Q8_0", 9},
                                           {"matmul Q4_0", 4}, {"rope", 2},       {"store f16", 2},
                                           {"attend f16", 2},  {"copy_heads", 1}, {"logits", 1}};
  EXPECT_EQ(launches_of(one), expected);
  // Of nine rows, the output matrix meets one.
  expected["matmul Q8_0"] = 1;
  expected["matmul_tiles Q8_0"] = 8;
  expected.erase("matmul Q4_0");
  expected["matmul_tiles Q4_0"] = 4;
  EXPECT_EQ(launches_of(nine), expected);
  // v, and down, which adds to what it writes: the matrices, what they multiply and what they make.
  const double v = 32 * 64 / 32 * 18, down = 64 * 96 / 32 * 18, v_row = 4 * (64 + 32), down_row = 4 * (96 + 64 + 64);
  EXPECT_EQ(one.at("matmul Q4_0").bytes, 2 * (v + down + v_row + down_row));
  EXPECT_EQ(nine.at("matmul_tiles Q4_0").bytes, 2 * (v + down + 9 * (v_row + down_row)));
  EXPECT_EQ(nine.at("matmul_tiles Q4_0").operations, 2 * 2 * 9 * (32 * 64 + 64 * 96));
  EXPECT_EQ(nine.at("matmul Q8_0").bytes, 100 * 64 / 32 * 34 + 4 * (64 + 100));
  EXPECT_EQ(one.at("attend f16").bytes, 2 * (6 * 2 * 32 * 2 + 4 * (64 + 64)));
  EXPECT_EQ(nine.at("attend f16").operations, 2 * 2 * 45 * (64 + 64));
  EXPECT_EQ(one.at("norm").bytes, 5 * 2 * 4 * 64);
  for (const auto& ops : {one, nine})
    for (const auto& [name, op] : ops) EXPECT_GT(op.seconds, 0) << name;
  return {one, nine};
}

}  // namespace hearth
