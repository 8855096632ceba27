// How many layers fit, on a device whose memory a test chooses.
#include "engine/placement.h"

#include <gtest/gtest.h>

#include "backends/cpu/device.h"
#include "engine/include/hearth/hearth.h"
#include "engine/model/decoder.h"
#include "tests/backends/random_program.h"

namespace hearth {
namespace {

class SmallGpu : public Device {
 public:
  explicit SmallGpu(uint64_t free) : free_(free) {}
  std::string name() const override { return "gpu"; }
  std::optional<uint64_t> free_memory() const override { return free_; }
  std::unique_ptr<Plan> compile(const Program& program, const Limits& limits) override {
    const auto taken = memory_of(program, limits).total();
    if (taken > free_) throw DeviceError("gpu: more than there is");
    free_ -= taken;
    return cpu_->compile(program, limits);
  }

 private:
  uint64_t free_;
  const std::unique_ptr<Device> cpu_ = make_cpu_device({1, ""});
};

class Placing : public testing::Test {
 protected:
  const RandomProgram random_ = random_program({.vocabulary = 500, .layers = 5}, 9);
  const Limits limits_{.rows = 40, .pages = 16, .page_size = 8, .kv_type = KvType::f16};
  const PlannedProgram plan_{&random_.program, &limits_};
  const LayerNeeds needs_{{plan_}};

  Placement place(uint64_t free, std::optional<uint32_t> layers = {}, std::optional<PlannedProgram> draft = {}) const {
    return place_model(
        std::make_shared<SmallGpu>(free),
        [] {
          return std::shared_ptr<Device>(make_cpu_device({1, ""}));
        },
        layers, {plan_}, draft);
  }
  // Of which a twentieth stays free.
  static uint64_t with_room(const MemoryNeed& need) { return need.total() / 19 * 20 + 40; }
  std::vector<std::vector<float>> logits(Device& device) const {
    return logits_of(device, random_.program, limits_, random_text({20, 9}, 500, limits_, 4), 7);
  }
};

TEST_F(Placing, CountsWhatEachPieceTakes) {
  EXPECT_EQ(needs_.layers(), 5u);
  const MemoryNeed all = needs_.of_all();
  uint64_t weights = 0;
  for (const Weight& weight : random_.program.weights) weights += weight.bytes.size();
  EXPECT_EQ(all.weights, weights);
  EXPECT_EQ(all.cache, 5u * 128 * 2 * (32 + 32));
  for (uint32_t layers = 0; layers <= 5; ++layers) {
    const MemoryNeed last = needs_.of_last(layers), before = needs_.before_last(layers);
    EXPECT_EQ(last.weights + before.weights, all.weights);
    EXPECT_EQ(last.cache, layers * all.cache / 5);
    EXPECT_EQ(last.cache + before.cache, all.cache);
    EXPECT_GT(last.activations, 0u);
  }
}

TEST_F(Placing, TakesAsManyLayersAsFitAndComputesTheSame) {
  const auto expected = logits(*make_cpu_device({1, ""}));
  for (uint32_t layers = 1; layers <= 5; ++layers) {
    const Placement placement = place(with_room(needs_.of_last(layers)));
    EXPECT_EQ(placement.split_layers, layers);
    EXPECT_EQ(placement.device->name(), "cpu+gpu");
    EXPECT_EQ(logits(*placement.device), expected);
  }
  const Placement whole = place(with_room(needs_.of_all()), kLayersThatFit);
  EXPECT_EQ(whole.split_layers, 0u);
  EXPECT_EQ(whole.device->name(), "gpu");
  EXPECT_EQ(logits(*whole.device), expected);
}

TEST_F(Placing, SaysWhatIsWhere) {
  const uint64_t much = uint64_t{3} << 30;
  EXPECT_TRUE(place(much).line.starts_with("gpu: all 5 layers, ")) << place(much).line;
  EXPECT_TRUE(place(much).line.ends_with(" of 3.0 GiB")) << place(much).line;
  const std::string some = place(much, 2).line;
  EXPECT_TRUE(some.starts_with("gpu: the last 2 of 5 layers and the output, ")) << some;
  EXPECT_NE(some.find(" of 3.0 GiB; cpu: the first 3 of 5 layers, "), std::string::npos) << some;
  EXPECT_NE(place(much, 5).line.find("; cpu: the table of tokens, "), std::string::npos);
  EXPECT_EQ(place(much, 0).line, "cpu: all 5 layers");
  EXPECT_EQ(place(much, 0).device->name(), "cpu");
  EXPECT_EQ(place(much, 99).device->name(), "gpu");
}

TEST_F(Placing, GivesADraftModelItsMemoryFirst) {
  const RandomProgram small = random_program({.vocabulary = 500, .layers = 1}, 9);
  const PlannedProgram draft{&small.program, &limits_};
  const uint64_t both = with_room(needs_.of_last(3)) + memory_of(small.program, limits_).total() / 19 * 20 + 40;
  const Placement placement = place(both, {}, draft);
  EXPECT_EQ(placement.split_layers, 3u);
  EXPECT_EQ(placement.draft_device->name(), "gpu");
  EXPECT_EQ(place(both).device->name(), "gpu") << "without it there is room for all";
}

// The plan of embeddings shares the weights and has a cache of its own.
TEST_F(Placing, CountsFurtherPlansOfTheModel) {
  const Program headless = without_head(random_.program);
  const LayerNeeds both({plan_, {&headless, &limits_}});
  EXPECT_EQ(both.of_last(2).weights, needs_.of_last(2).weights);
  EXPECT_EQ(both.of_last(2).cache, 2 * needs_.of_last(2).cache);
}

TEST_F(Placing, RefusesWithWhatWouldBeTaken) {
  try {
    place(needs_.of_last(1).total() - 1);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
    const std::string text = error.what();
    EXPECT_NE(text.find("but one of 5 layers with the output needs "), std::string::npos) << text;
    EXPECT_NE(text.find("the whole model "), std::string::npos) << text;
  }
}

TEST_F(Placing, RefusesANumberOfLayersWithoutAGpu) {
  const auto cpu = std::shared_ptr<Device>(make_cpu_device({1, ""}));
  for (const uint32_t layers : {0u, 3u, kLayersThatFit}) {
    try {
      place_model(cpu, [&] { return cpu; }, layers, {plan_});
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_STREQ(error.what(), "a number of layers (gpu_layers) is for GPUs alone; the device cpu computes all");
    }
  }
  const Placement placement = place_model(cpu, [&] { return cpu; }, {}, {plan_});
  EXPECT_EQ(placement.device, cpu);
  EXPECT_EQ(placement.line, "");
}

}  // namespace
}  // namespace hearth
