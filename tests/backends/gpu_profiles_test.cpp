// What profiles of steps on GPUs count.
#include <gtest/gtest.h>

#include "kernels/gpu/row_parameters.h"
#include "tests/backends/profiled.h"
#include "tests/backends/recorder.h"

namespace hearth::gpu {
namespace {

TEST(GpuProfiles, CountAttentionInTiles) {
  const RandomProgram random = random_program({.heads = 4, .kv_heads = 2, .head_size = 64, .layers = 1}, 5);
  const Limits limits{.rows = 64, .pages = 32, .page_size = 4, .kv_type = KvType::f16};
  const auto ops = profiled_ops(*make_device(std::make_shared<Recorder>(true, kAttends), true), random.program, limits,
                                random_text({40}, 100, limits, 3), 40);
  EXPECT_EQ(ops.at("attend_tiles f16").operations, 2 * (40 * 41 / 2) * 2 * 4 * 64);
  EXPECT_EQ(ops.at("attend_tiles f16").bytes, 40 * 2 * 2 * 64 * 2 + 40 * 2 * 4 * 64 * 4);
}

TEST(GpuProfiles, TellEachKernelAndWhatItNeeds) {
  const auto ops = expect_profiles_of_gpu(*make_device(std::make_shared<Recorder>(false), false));
  EXPECT_EQ(ops[0].at("matmul Q4_0").seconds, 4 * 0.5);  // of each launch the time of its own
}

TEST(GpuProfiles, CountInputsOfBfloatsByHalfOfFloats) {
  const auto recorder = std::make_shared<Recorder>(true);
  const RandomProgram random =
      random_program({.hidden = 96, .layers = 1, .format = Format::q8_0, .other = Format::q8_0}, 5);
  const Limits limits{.rows = 128, .pages = 32, .page_size = 4, .kv_type = KvType::f16};
  const double rows = 70;
  const auto ops =
      profiled_ops(*make_device(recorder, true), random.program, limits, random_text({70}, 100, limits, 3), 70);
  // q, k, v, o, gate with up, down; o and down are added to.
  const double blocks = (64 + 32 + 32 + 64 + 3 * 96) * 64 / 32 * 34;
  const double in = 2 * (5 * 64 + 96), out = 4 * (64 + 32 + 32 + 2 * 64 + 96 + 2 * 64);
  EXPECT_EQ(ops.at("bfloat_tiles Q8_0").launches, 6u);
  EXPECT_EQ(ops.at("bfloat_tiles Q8_0").bytes, blocks + rows * (in + out));
  EXPECT_EQ(ops.at("round_inputs").bytes, rows * ((4 + 2) * 64 + (4 + 2) * 96));
}

TEST(GpuProfiles, CountProductsThatAreMadeAtOnce) {
  const auto recorder = std::make_shared<Recorder>(true, Machine::About{.joins = true});
  const RandomProgram random = random_program({.layers = 1, .format = Format::q8_0, .other = Format::q8_0}, 5);
  const auto ops = profiled_ops(*make_device(recorder, true), random.program, kProfiledLimits,
                                random_text({3}, 100, kProfiledLimits, 3), 3);
  const OpProfile& q_k_v = ops.at("joined_matmul Q8_0");
  EXPECT_EQ(q_k_v.launches, 1u);
  EXPECT_EQ(q_k_v.bytes, (64 + 32 + 32) * 64 / 32 * 34 + 3 * 4 * (rounded_words(64) + 64 + 32 + 32));
  EXPECT_EQ(q_k_v.operations, 2 * 3 * (64 + 32 + 32) * 64);
}

TEST(GpuProfiles, CountRoundedInputsAndExpertsThatRowsCanChoose) {
  const auto recorder = std::make_shared<Recorder>(true);
  const RandomProgram random =
      random_program({.layers = 1, .experts = 8, .used = 3, .format = Format::q8_0, .other = Format::q8_0}, 5);
  const auto ops_of = [&](uint32_t rows) {
    return profiled_ops(*make_device(recorder, true), random.program, kProfiledLimits,
                        random_text({rows}, 100, kProfiledLimits, 3), rows);
  };
  const auto one = ops_of(1), four = ops_of(4);
  // q, k, v, o and logits; then gate with up, and down, of three experts or all.
  const double dense = (64 + 32 + 32 + 64 + 100) * 64 / 32 * 34, expert = 96 * 64 / 32 * 34;
  const double in = 4 * rounded_words(64), hidden = 4 * rounded_words(96);
  const auto rest = [&](double rows) {
    return rows * (4 * in + 4 * (64 + 32 + 32 + 64 + 64)) + in + 4 * 100 + rows * (in + 3 * (4 * 96 + hidden + 4 * 64));
  };
  EXPECT_EQ(one.at("byte_matmul Q8_0").launches, 7u);
  EXPECT_EQ(one.at("byte_matmul Q8_0").bytes, dense + 3 * 3 * expert + rest(1));
  EXPECT_EQ(four.at("byte_matmul Q8_0").bytes, dense + 8 * 3 * expert + rest(4));
  EXPECT_EQ(four.at("combine").bytes, 4 * 4 * 64 * (3 + 2));
  // The norm before q, k and v makes rounded rows alone.
  EXPECT_EQ(one.at("round_inputs").bytes, 4 * 64 + in + 3 * (4 * 96 + hidden));
  EXPECT_GT(one.at("norm_round").bytes, 4 * 64 + in);
}

}  // namespace
}  // namespace hearth::gpu
