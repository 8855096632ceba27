// The CUDA backend and its kernels, run by the interpreter, against the reference: what every device is held to, and
// what the backend does with a driver.
#include "tests/backends/conformance.h"

#include "backends/gpu/device.h"
#include "tests/simt/fake_driver.h"

namespace hearth {
namespace {

// The interpreter that tests of numbers share, whose blocks and threads run in an odd order.
const std::shared_ptr<cuda::CudaMachine>& machine() {
  static const std::shared_ptr<cuda::CudaMachine> one = simt::make_interpreted_machine(7);
  return one;
}
template <bool rounds>
std::shared_ptr<Device> device_of() {
  static const std::shared_ptr<Device> one = gpu::make_device(machine(), rounds);
  return one;
}

const DeviceUnderTest kCuda{"cuda", device_of<false>, false};

INSTANTIATE_TEST_SUITE_P(Cuda, Conformance, testing::Values(kCuda), [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Cuda, RoundedConformance,
                         testing::Values(DeviceUnderTest{"cuda_rounding", device_of<true>, true}),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Cuda, Pages, testing::Values(kCuda), [](const auto& info) { return info.param.name; });

// Products of few rows by runs of 32 weights, of which some formats have their own.
TEST(CudaProducts, MultiplyFewRoundedInputsByEveryFormat) {
  const auto rounding = device_of<true>();
  for (const FormatInfo& info : formats()) {
    if (info.block_size == 1) continue;
    SCOPED_TRACE(info.name);
    const RandomProgram random = random_program(
        {.width = 256, .head_size = 64, .hidden = 256, .layers = 1, .format = info.format, .other = info.format}, 9);
    const Limits limits{.rows = 3, .pages = 4, .page_size = 8, .kv_type = KvType::f32};
    const Text text = random_text({6}, 100, limits, 4);
    const std::vector<float> found = logits_of(*rounding, random.program, limits, text, 3).at(0);
    const std::vector<float> expected = logits_of(*make_reference_device(), random.program, limits, text, 3).at(0);
    double squares = 0, error = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      squares += double{expected[i]} * expected[i];
      error += (double{found[i]} - expected[i]) * (double{found[i]} - expected[i]);
    }
    EXPECT_LE(error, 2e-3 * squares);  // inputs are off by up to 1/254 of the largest of 32
    EXPECT_GT(error, 0);
  }
}

}  // namespace
}  // namespace hearth
