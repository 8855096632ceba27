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

}  // namespace
}  // namespace hearth
