// Sums of profiles, what attention reads, and the stages of the CPU.
#include "backends/cpu/device.h"
#include "backends/reference/device.h"
#include "tests/backends/profiled.h"

namespace hearth {
namespace {

TEST(Profiles, AddUpByName) {
  StepProfile sum;
  sum.add(StepProfile{{{"linear Q4_K", 2, 0.5, 100, 1000}, {"norm", 1, 0.25, 10}}, 1});
  sum.add(StepProfile{{{"norm", 1, 0.5, 10}, {"linear Q4_K", 1, 0.5, 50, 500}}, 2});
  ASSERT_EQ(sum.ops.size(), 2u);
  EXPECT_EQ(sum.ops[0].launches, 3u);
  EXPECT_EQ(sum.ops[0].operations, 1500);
  EXPECT_EQ(sum.ops[1].seconds, 0.75);
  EXPECT_EQ(sum.sum().bytes, 170);
  EXPECT_EQ(sum.sum().launches, 5u);
  EXPECT_EQ(sum.seconds, 3);
}

TEST(Profiles, CountPositionsThatAttentionReads) {
  // 3 rows behind 4 others, and one alone.
  const Batch batch{.tokens = {1, 2, 3, 4},
                    .positions = {4, 5, 6, 0},
                    .row_begin = {0, 3, 3, 4},
                    .page_begin = {0, 2, 2, 3},
                    .pages = {0, 1, 2},
                    .outputs = {}};
  EXPECT_EQ(seen_in(batch, 0, true).positions, 7 + 1);
  EXPECT_EQ(seen_in(batch, 0, true).of_rows, 5 + 6 + 7 + 1);
  EXPECT_EQ(seen_in(batch, 2, true).positions, 4 + 1);  // 3 to 6
  EXPECT_EQ(seen_in(batch, 2, true).of_rows, 2 + 2 + 2 + 1);
  EXPECT_EQ(seen_in(batch, 0, false).positions, 7 + 1);
  EXPECT_EQ(seen_in(batch, 0, false).of_rows, 3 * 7 + 1);
}

TEST(CpuProfile, TellsTheStagesOfAStepAndWhatTheyNeed) {
  const RandomProgram random = random_program(kProfiledShape, 5);
  const Text text = random_text({6}, 100, kProfiledLimits, 3);
  for (const uint32_t threads : {1u, 3u}) {
    const auto device = make_cpu_device({threads, ""});
    const auto ops = profiled_ops(*device, random.program, kProfiledLimits, text, 4);
    const std::map<std::string, uint32_t> expected{{"embed Q8_0", 1},  {"linear Q8_0+Q4_0", 2}, {"rope_kv f16", 2},
                                                   {"attend f16", 2},  {"linear Q8_0", 3},      {"gate_up Q8_0", 2},
                                                   {"linear Q4_0", 2}, {"select", 1},           {"logits", 1}};
    EXPECT_EQ(launches_of(ops), expected);
    for (const auto& [name, op] : ops) EXPECT_GT(op.seconds, 0) << name;
    // down: the matrix of each layer, what it multiplies, and what it adds to and writes.
    EXPECT_EQ(ops.at("linear Q4_0").bytes, 2 * (64 * 96 / 32 * 18 + 4 * (96 + 64 + 64)));
    EXPECT_EQ(ops.at("linear Q4_0").operations, 2 * 2 * 64 * 96);
    // q, k and v share what they multiply.
    EXPECT_EQ(ops.at("linear Q8_0+Q4_0").bytes,
              2 * ((64 + 32) * 64 / 32 * 34 + 32 * 64 / 32 * 18 + 4 * (64 + 64 + 32 + 32)));
    // Six positions of keys and values; q and what is made of it.
    EXPECT_EQ(ops.at("attend f16").bytes, 2 * (6 * 2 * 32 * 2 + 4 * (64 + 64)));
    EXPECT_EQ(ops.at("attend f16").operations, 2 * 2 * 6 * (64 + 64));
  }
}

TEST(CpuProfile, ReadsOnlyExpertsThatRowsCanChoose) {
  const Shape shape{.layers = 1, .experts = 8, .used = 3, .format = Format::q8_0, .other = Format::q8_0};
  const RandomProgram random = random_program(shape, 5);
  const auto device = make_cpu_device({1, ""});
  const auto need = [&](uint32_t rows) {
    const Text text = random_text({rows}, 100, kProfiledLimits, 3);
    return profiled_ops(*device, random.program, kProfiledLimits, text, rows).at("experts Q8_0");
  };
  const double expert = 3 * 96 * 64 / 32 * 34, row = 4 * (64 + 6 + 64 + 64);
  EXPECT_EQ(need(1).bytes, 3 * expert + row);
  EXPECT_EQ(need(2).bytes, 6 * expert + 2 * row);
  EXPECT_EQ(need(4).bytes, 8 * expert + 4 * row);
  EXPECT_EQ(need(4).operations, 2.0 * 4 * 3 * 3 * 96 * 64);
}

TEST(Profiles, AreRefusedByADeviceThatCannotTell) {
  const RandomProgram random = random_program(kProfiledShape, 5);
  const auto plan = make_reference_device()->compile(random.program, kProfiledLimits);
  try {
    plan->profile(batch_of(random_text({4}, 100, kProfiledLimits, 3), 0, 4));
    ADD_FAILURE() << "no error";
  } catch (const DeviceError& error) {
    EXPECT_STREQ(error.what(), "this device does not tell how long the ops of a step take");
  }
}

}  // namespace
}  // namespace hearth
