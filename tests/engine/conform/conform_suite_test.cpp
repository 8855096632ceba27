// What the suite covers, and that it passes where nothing is wrong.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "backends/reference/device.h"
#include "engine/conform/cases.h"
#include "engine/conform/conform.h"
#include "engine/conform/products.h"
#include "tests/shared_data.h"
#include "tools/conform/report.h"

namespace hearth {
namespace {

using conform::Case;
using conform::Outcome;
using conform::Record;

TEST(ConformSuite, EveryOpThatMultipliesIsExaminedInEveryFormat) {
  for (const bool quick : {false, true}) {
    std::map<std::string, std::set<std::string>> formats_of;
    for (const auto& one : conform::list_cases({.quick = quick, .ops = {}, .formats = {}}))
      if (one.property == "accuracy") formats_of[one.op].insert(one.format);
    for (const char* op : {"embed", "linear", "gate_up", "each_head", "route", "experts"})
      for (const FormatInfo& info : formats()) EXPECT_TRUE(formats_of[op].contains(info.name)) << op << info.name;
    for (const char* op : {"rms_norm", "layer_norm", "rope_kv", "attend", "convolve", "delta_rule", "gate", "select",
                           "logits", "candidates", "send", "receive"})
      EXPECT_TRUE(formats_of.contains(op)) << op;
    EXPECT_EQ(formats_of.size(), std::variant_size_v<Op> + 1);  // candidates are another result of Logits
  }
}

TEST(ConformSuite, EveryOpIsExaminedForEveryPropertyThatItCanHave) {
  std::map<std::string, std::set<std::string>> properties;
  for (const auto& one : conform::list_cases({})) properties[one.op].insert(one.property);
  for (const auto& [op, has] : properties) {
    if (op == "model") continue;
    EXPECT_TRUE(has.contains("repeat")) << op;
    EXPECT_TRUE(has.contains("batch")) << op;
    EXPECT_TRUE(op == "route" || op == "embed" || has.contains("poison")) << op;
  }
}

TEST(ConformSuite, CasesHaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const auto& one : conform::list_cases({}))
    EXPECT_TRUE(names.insert(one.op + one.property + one.format + one.cache + one.shape).second)
        << one.op << " " << one.format << " " << one.cache << " " << one.shape << " " << one.property;
}

TEST(ConformSuite, SelectionsTakeNamesInEitherCase) {
  const auto some = conform::list_cases({.ops = {"LINEAR"}, .formats = {"q4_k"}});
  EXPECT_GT(some.size(), 3u);
  for (const auto& one : some) {
    EXPECT_EQ(one.op, "linear");
    EXPECT_EQ(one.format, "Q4_K");
  }
  const auto cached = conform::list_cases({.ops = {"attend"}, .formats = {"q8_0"}});
  EXPECT_GT(cached.size(), 3u);
  for (const auto& one : cached) EXPECT_EQ(one.cache, "q8_0");
}

TEST(ConformSuite, EveryToleranceHasAReasonAndALimitThatFindsALostValueInAThousand) {
  for (const conform::Tolerance& row : conform::tolerances()) {
    EXPECT_GT(row.reason.size(), 20u) << row.op;
    EXPECT_LT(row.nmse, 5e-3) << row.op;
  }
  EXPECT_THROW(conform::find_tolerance("dance", conform::FormatClass::none, conform::Precision::f32, KvType::f32),
               std::logic_error);
}

TEST(ConformSuite, RandomBlocksOfEveryFormatHaveTheSizeThatIsAskedFor) {
  conform::BlockPool pool(3);
  std::mt19937 random(4);
  for (const FormatInfo& info : formats()) {
    const size_t count = 4096;
    const auto bytes = pool.draw(info.format, count, 0.125f, random);
    std::vector<float> values(count);
    info.decode(bytes.data(), values.data(), count);
    double squares = 0;
    for (const float value : values) squares += double{value} * double{value};
    const double size = std::sqrt(squares / count);
    EXPECT_GT(size, 0.05) << info.name;
    EXPECT_LT(size, 0.3) << info.name;
  }
}

TEST(ConformSuite, BoundsOfProductsGrowWithTheirTermsAndHoldWhatRoundingDoes) {
  const std::vector<float> matrix = {1, -2, 3, 0.5f}, x = {10, 0.25f, -1, 2};
  const auto exact = conform::product(matrix, conform::exactly(x), conform::Precision::f32);
  EXPECT_DOUBLE_EQ(exact.value[0], 10 - 0.5 - 3 + 1);
  EXPECT_LT(exact.error[0], 2e-5);
  const auto bytes = conform::product(matrix, conform::exactly(x), conform::Precision::int8);
  // Each x may be off by 10 / 254, times 1 + 2 + 3 + 0.5.
  EXPECT_NEAR(bytes.error[0], 6.5 * 10 / 254, 2e-3);
}

TEST(ConformSuite, TheReferenceAgreesWithItself) {
  size_t count = 0;
  conform::run_cases(conform::find_candidates({"reference"}, false),
                     {.quick = true, .ops = {"attend", "route", "delta_rule", "embed", "model"}},
                     [&](const Record& record) {
                       ++count;
                       EXPECT_EQ(record.outcome, Outcome::passed) << record.op << record.shape << record.message;
                       EXPECT_EQ(record.error, 0) << record.op << record.shape;
                     });
  EXPECT_GT(count, 100u);
}

TEST(ConformSuite, ACaseIsTheSameWhateverElseIsSelected) {
  const auto records = [](std::vector<std::string> ops) {
    std::vector<Record> found;
    conform::run_cases(conform::find_candidates({"cpu:scalar"}, false),
                       {.quick = true, .ops = std::move(ops), .formats = {"Q5_1"}}, [&](const Record& record) {
                         if (record.op == "gate_up") found.push_back(record);
                       });
    return found;
  };
  const auto alone = records({"gate_up"}), among = records({"linear", "gate_up"});
  ASSERT_FALSE(alone.empty());
  ASSERT_EQ(alone.size(), among.size());
  for (size_t i = 0; i < alone.size(); ++i) EXPECT_EQ(alone[i].nmse, among[i].nmse);
}

TEST(ConformSuite, DevicesAreFoundByNameAndUnknownOnesAreNamed) {
  const auto all = conform::find_candidates({}, false);
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.back().name, "cpu scalar");
  EXPECT_EQ(conform::find_candidates({"cpu"}, false).size(), all.size());
  EXPECT_EQ(conform::find_candidates({"cpu:scalar", "cpu", "cpu scalar"}, false).size(), all.size());
  EXPECT_THROW(conform::find_candidates({"abacus"}, false), DeviceError);
  EXPECT_THROW(conform::find_candidates({"cpu:mmx"}, false), DeviceError);
}

TEST(ConformSuite, ADeviceThatCannotBeOpenedFailsAndOthersAreExamined) {
  auto candidates = conform::find_candidates({"reference"}, false);
  candidates.insert(candidates.begin(), {"broken", "", []() -> std::unique_ptr<Device> {
                                           throw DeviceError("vulkan: its driver failed to start");
                                         }});
  size_t passed = 0;
  std::vector<Record> failed;
  conform::run_cases(candidates, {.quick = true, .ops = {"route"}}, [&](const Record& record) {
    if (record.outcome == Outcome::passed) ++passed;
    if (record.outcome == Outcome::failed) failed.push_back(record);
  });
  EXPECT_GT(passed, 0u);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].device, "broken");
  EXPECT_EQ(failed[0].message, "vulkan: its driver failed to start");
}

// The recorded results of two models; other tests run all of them.
TEST(ConformSuite, RecordedResultsAreCompared) {
  const auto folder = shared_data("golden/models/qwen2.gguf").parent_path();
  HEARTH_REQUIRE_SHARED(folder);
  std::vector<conform::GoldenModel> models = conform::read_golden(folder.string());
  std::erase_if(models, [](const auto& one) { return one.name != "qwen2" && one.name != "llama-moe"; });
  ASSERT_EQ(models.size(), 2u);
  const auto run = [&] {
    std::vector<Record> records;
    conform::run_golden(conform::find_candidates({"cpu:scalar"}, false), models,
                        [&](const Record& record) { records.push_back(record); });
    return records;
  };
  for (const Record& record : run()) EXPECT_EQ(record.outcome, Outcome::passed) << record.shape << record.message;
  models[1].sequences[2].results[1][5] += 0.01f;
  const auto records = run();
  EXPECT_EQ(records[0].outcome, Outcome::passed);
  EXPECT_EQ(records[1].outcome, Outcome::failed);
  EXPECT_NE(records[1].message.find("value 5"), std::string::npos) << records[1].message;
}

}  // namespace
}  // namespace hearth
