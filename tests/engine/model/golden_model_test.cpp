// Logits of small models of every architecture and weight format, against recorded ones, on every device and in every
// way of feeding the tokens.
#include "backends/cpu/device.h"
#include "backends/reference/device.h"
#include "kernels/cpu/tables.h"
#include "tests/engine/model/golden_cases.h"

namespace hearth {
namespace {

class GoldenModel : public testing::TestWithParam<GoldenCase> {
 protected:
  static std::filesystem::path path(const char* extension) { return golden_path(GetParam(), extension); }
};

TEST_P(GoldenModel, ReferenceGivesTheRecordedLogits) {
  HEARTH_REQUIRE_SHARED(path(".gguf"));
  // The recorded figures were computed in F32; over these depths that is 1e-5 to 1e-4 from exact arithmetic.
  EXPECT_LE(difference(*make_reference_device(), KvType::f32, GetParam()).largest, 2e-4);
}

TEST_P(GoldenModel, EveryInstructionSetGivesTheRecordedLogits) {
  HEARTH_REQUIRE_SHARED(path(".gguf"));
  const Difference allowed = tolerance(nlohmann::json::parse(std::ifstream(path(".golden.json"))));
  for (const cpu::KernelTable* table : cpu::available_kernels()) {
    const auto device = make_cpu_device({2, std::string(table->name)});
    const Difference apart = difference(*device, KvType::f32, GetParam());
    EXPECT_LE(apart.largest, allowed.largest) << table->name;
    EXPECT_LE(apart.mean_divergence, allowed.mean_divergence) << table->name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenModel, testing::ValuesIn(golden_cases()),
                         [](const auto& one) { return name_of(one.param); });

}  // namespace
}  // namespace hearth
