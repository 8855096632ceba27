// Logits of the golden models on the CUDA backend, whose kernels the interpreter runs.
#include "backends/gpu/device.h"
#include "tests/engine/model/golden_cases.h"
#include "tests/simt/fake_driver.h"

namespace hearth {
namespace {

class CudaGolden : public testing::TestWithParam<GoldenCase> {};

// Weights are decoded exactly and nothing is rounded, so that the bound is that of 32-bit floats for all formats.
TEST_P(CudaGolden, GivesTheRecordedLogits) {
  const GoldenCase& one = GetParam();
  HEARTH_REQUIRE_SHARED(golden_path(one, ".gguf"));
  const auto device = gpu::make_device(simt::make_interpreted_machine(), false);
  EXPECT_LE(difference(*device, KvType::f32, one).largest, 2e-4);
}

class RoundedCudaGolden : public CudaGolden {};

// As models run, where that is not the same.
TEST_P(RoundedCudaGolden, GivesTheRecordedLogits) {
  const GoldenCase& one = GetParam();
  HEARTH_REQUIRE_SHARED(golden_path(one, ".gguf"));
  const Difference allowed = tolerance(nlohmann::json::parse(std::ifstream(golden_path(one, ".golden.json"))));
  const auto device = gpu::make_device(simt::make_interpreted_machine(), true);
  const Difference apart = difference(*device, KvType::f32, one);
  EXPECT_LE(apart.largest, allowed.largest);
  EXPECT_LE(apart.mean_divergence, allowed.mean_divergence);
}

// All files of a folder, in steps of several sizes: the interpreter takes its time.
std::vector<GoldenCase> cases_by_13(const std::string& folder) {
  std::vector<GoldenCase> all = golden_cases();
  std::erase_if(all, [&](const GoldenCase& one) {
    return !one.path.starts_with(folder) || (one.chunk != 13 && !is_encoder(one.path));
  });
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, CudaGolden, testing::ValuesIn(cases_by_13("")),
                         [](const auto& one) { return name_of(one.param); });
INSTANTIATE_TEST_SUITE_P(All, RoundedCudaGolden, testing::ValuesIn(cases_by_13("quantized/")),
                         [](const auto& one) { return name_of(one.param); });

}  // namespace
}  // namespace hearth
