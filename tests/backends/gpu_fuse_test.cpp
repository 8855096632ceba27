// The rewriting of a program's ops to stages of GPUs.
#include <gtest/gtest.h>

#include <string>

#include "backends/gpu/fuse.h"

namespace hearth::gpu {
namespace {

// Slots: 0 to 3 as wide as the gain of weight 0, which weight 1 is half of. Weight 5 is of another format than 2 to 4,
// and 6 has a scale.
Program program_of(std::vector<Op> ops) {
  Program program;
  program.slot_width = {64, 64, 64, 64, 2};
  program.weights = {{"gain", Format::f32, 64, 1, {}}, {"half a gain", Format::f32, 32, 1, {}}};
  for (const char* name : {"a", "b", "c"}) program.weights.push_back({name, Format::q8_0, 64, 64, {}});
  program.weights.push_back({"d", Format::q6_k, 64, 64, {}});
  program.weights.push_back({"e", Format::q8_0, 64, 64, {}, {0.5f}});
  program.ops = std::move(ops);
  return program;
}

// "norm+3" for products of three parts with the norm, "!" where their input is kept; "2&1" where two of three may be
// made at once.
std::string described(const std::vector<Op>& ops) {
  std::string text;
  for (const Stage& stage : fuse(program_of(ops))) {
    if (!text.empty()) text += ' ';
    const auto* products = std::get_if<Products>(&stage);
    if (products == nullptr) {
      text += std::holds_alternative<Norm>(stage) ? "norm" : "op";
      continue;
    }
    text += products->norm.has_value() ? "norm+" : products->attend.has_value() ? "attend+" : "";
    size_t others = products->parts.size();
    for (const Products::Part& part : products->parts)
      if (const auto* joined = std::get_if<Joined>(&part)) {
        text += std::to_string(joined->ops.size()) + "&";
        --others;
      }
    text += (others == 0 ? "" : std::to_string(others)) + (products->kept ? "!" : "");
  }
  return text;
}

const RmsNorm kNorm{0, 1, 0, 1e-5f};

TEST(GpuFuse, JoinsANormWithTheProductsOfItsResult) {
  EXPECT_EQ(described({kNorm, Linear{1, 2, 2}}), "norm+1");
  EXPECT_EQ(described({kNorm, Linear{1, 2, 2}, Linear{1, 3, 3}, GateUp{1, 0, 2, 3, Activation::silu}}), "norm+2&1");
  EXPECT_EQ(described({LayerNorm{0, 1, 0, kNoWeight, 1e-5f}, Linear{1, 2, 2}}), "norm+1");
  EXPECT_EQ(described({RmsNorm{0, 1, 0, 1e-5f, 3}, Linear{1, 2, 2}}), "norm+1");
  EXPECT_EQ(described({kNorm, Route{1, 4, 2, 1}, Experts{1, 4, 0, 0, 2, 3, 4, 1, 1, Activation::silu}}), "norm+2");
}

TEST(GpuFuse, KeepsWhatTheNormSays) {
  const LayerNorm layer{0, 1, 0, 1, 0.5f};
  const std::vector<Stage> stages =
      fuse(program_of({layer, Linear{1, 2, 2}, RmsNorm{2, 1, 0, 0.25f, 3}, Linear{1, 0, 3}}));
  ASSERT_EQ(stages.size(), 2u);
  const Norm first = *std::get<Products>(stages[0]).norm, second = *std::get<Products>(stages[1]).norm;
  EXPECT_TRUE(first.in == 0 && first.out == 1 && first.gain == 0 && first.bias == 1 && first.add == kNoSlot);
  EXPECT_TRUE(first.centered && first.eps == 0.5f);
  EXPECT_TRUE(second.in == 2 && second.out == 1 && second.bias == kNoWeight && second.add == 3);
  EXPECT_TRUE(!second.centered && second.eps == 0.25f);
}

TEST(GpuFuse, LeavesANormByItselfThatIsNotOfWholeRowsOrNotTheInput) {
  EXPECT_EQ(described({RmsNorm{0, 1, 1, 1e-5f}, Linear{1, 2, 2}}), "norm 1");
  EXPECT_EQ(described({kNorm, Linear{0, 2, 2}}), "norm 1");
  EXPECT_EQ(described({kNorm, kNorm, Linear{1, 2, 2}}), "norm norm+1");
  EXPECT_EQ(described({kNorm, Gate{1, 1, 2, Activation::silu}, Linear{1, 2, 2}}), "norm op 1");
}

TEST(GpuFuse, JoinsNeighboursOfOneInputUntilItIsWritten) {
  EXPECT_EQ(described({Linear{1, 2, 2}, Linear{1, 3, 3}, Linear{2, 0, 4}}), "2& 1");
  EXPECT_EQ(described({Linear{1, 2, 2}, Linear{1, 1, 3}, Linear{1, 0, 4}}), "2 1");
  EXPECT_EQ(described({Linear{1, 2, 2}, Gate{2, 2, 2, Activation::silu}, Linear{1, 3, 4}}), "1! op 1");
  EXPECT_EQ(described({Select{0, 1}, Linear{1, 2, 2}, Logits{2}}), "op 1 op");
}

TEST(GpuFuse, JoinsAttentionWithTheProductsOfItsResult) {
  const Attend attend{0, 1, 0, 32, 2, 0.5f};
  EXPECT_EQ(described({attend, Linear{1, 2, 2}}), "attend+1");
  EXPECT_EQ(std::get<Products>(fuse(program_of({attend, Linear{1, 2, 2}})).at(0)).attend->scale, 0.5f);
  EXPECT_EQ(described({attend, Linear{1, 2, 2}, Linear{2, 3, 3, kNoWeight, 1}}), "attend+1! 1") << "added later";
  EXPECT_EQ(described({attend, Gate{1, 2, 1, Activation::sigmoid}, Linear{1, 2, 2}}), "op op 1");
  EXPECT_EQ(described({attend, Linear{0, 2, 2}}), "op 1") << "of something else";
  EXPECT_EQ(described({attend, kNorm, Linear{1, 2, 2}}), "op norm+1");
}

TEST(GpuFuse, JoinsWhatMayBeMadeAtOnce) {
  const Linear q{1, 2, 2}, k{1, 3, 3}, v{1, 0, 4};
  EXPECT_EQ(described({q, k, v, Linear{1, 4, 2}}), "3&1");
  const std::vector<Stage> stages = fuse(program_of({q, k, v}));
  const auto& joined = std::get<Joined>(std::get<Products>(stages.at(0)).parts.at(0));
  EXPECT_TRUE(joined.ops[0].weight == 2 && joined.ops[1].weight == 3 && joined.ops[2].weight == 4);
  EXPECT_EQ(described({q, k, Linear{1, 0, 5}}), "2&1") << "another format";
  EXPECT_EQ(described({q, Linear{1, 0, 5}, k}), "3") << "another format between";
  EXPECT_EQ(described({q, Linear{1, 3, 6}}), "2") << "a weight with a scale";
  EXPECT_EQ(described({q, Linear{1, 3, 3, kNoWeight, 0}}), "2") << "something added";
  EXPECT_EQ(described({q, Linear{1, 3, 3, kNoWeight, kNoSlot, Activation::gelu}}), "2");
  EXPECT_EQ(described({q, Linear{1, 3, 3, kNoWeight, kNoSlot, Activation::none, 2}}), "2");
  EXPECT_EQ(described({q, Linear{1, 3, 3, kNoWeight, kNoSlot, Activation::none, 1, 4}}), "2") << "a factor for rows";
  EXPECT_EQ(described({q, Linear{1, 2, 3}}), "2") << "into the same slot";
}

TEST(GpuFuse, KeepsTheInputThatIsReadOtherwise) {
  EXPECT_EQ(described({kNorm, Linear{1, 2, 2, kNoWeight, 1}}), "norm+1!") << "added by a part";
  EXPECT_EQ(described({kNorm, Linear{1, 2, 2}, Linear{2, 0, 3, kNoWeight, 1}}), "norm+1! 1") << "added later";
  EXPECT_EQ(described({kNorm, Linear{1, 2, 2}, kNorm, Linear{1, 2, 2}}), "norm+1 norm+1") << "written anew";
  EXPECT_EQ(described({kNorm, Linear{1, 1, 2}, Linear{1, 2, 3}}), "norm+1 1") << "written by the part";
  EXPECT_EQ(described({kNorm, Linear{1, 2, 2}, EachHead{0, 1, 2, 1, 0, 0, 64, 0, 0, 32}, Send{1}}), "norm+1! op op")
      << "written in part only";
  const Experts experts{1, 4, 0, 0, 2, 3, 4, 1, 1, Activation::silu};
  EXPECT_EQ(described({kNorm, experts, Linear{1, 2, 2}}), "norm+2!") << "multiplied behind experts";
  EXPECT_EQ(described({kNorm, Linear{1, 2, 2}, experts}), "norm+2");
}

}  // namespace
}  // namespace hearth::gpu
