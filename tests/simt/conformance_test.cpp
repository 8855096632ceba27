// The CUDA backend and its kernels, run by the interpreter, against the reference: what every device is held to, and
// what the backend does with a driver.
#include "tests/backends/conformance.h"

#include "backends/gpu/device.h"
#include "tests/backends/gpu_attention.h"
#include "tests/backends/profiled.h"
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
INSTANTIATE_TEST_SUITE_P(Cuda, GpuAttention, testing::Values(GpuUnderTest{"cuda", machine}),
                         [](const auto& info) { return info.param.name; });

// The driver that acts as one lets each launch take a millisecond.
TEST(CudaProfiles, TellHowLongEachKernelTakes) {
  for (const auto& ops : expect_profiles_of_gpu(*device_of<false>()))
    for (const auto& [name, op] : ops) EXPECT_NEAR(op.seconds, op.launches * 1e-3, 1e-9) << name;
}

// A step of so many rows, with weights of the format: the part of the logits' squares that they are off by is above 0,
// but at most `most`.
void multiply_by(const FormatInfo& info, uint32_t rows, double most) {
  SCOPED_TRACE(std::string(info.name) + " for " + std::to_string(rows));
  const RandomProgram random = random_program(
      {.width = 256, .head_size = 64, .hidden = 256, .layers = 1, .format = info.format, .other = info.format}, 9);
  const Limits limits{.rows = rows, .pages = 20, .page_size = 8, .kv_type = KvType::f32};
  const Text text = random_text({rows + 2}, 100, limits, 4);
  const std::vector<float> found = logits_of(*device_of<true>(), random.program, limits, text, rows).at(0);
  const std::vector<float> expected = logits_of(*make_reference_device(), random.program, limits, text, rows).at(0);
  double squares = 0, error = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    squares += double{expected[i]} * expected[i];
    error += (double{found[i]} - expected[i]) * (double{found[i]} - expected[i]);
  }
  EXPECT_LE(error, most * squares);
  EXPECT_GT(error, 0);
}
void multiply_by_every_format(uint32_t rows, double most) {
  for (const FormatInfo& info : formats())
    if (info.block_size > 1) multiply_by(info, rows, most);
}

// By runs of 32 weights, of which some formats have their own; inputs are off by up to 1/254 of the largest of 32.
TEST(CudaProducts, MultiplyFewRoundedInputsByEveryFormat) { multiply_by_every_format(3, 2e-3); }
// By byte_columns, in each of its shapes for short matrices.
TEST(CudaProducts, MultiplySomeTensOfRoundedInputs) {
  for (const Format format : {Format::q4_0, Format::q8_0, Format::q4_k, Format::q5_k, Format::q6_k})
    for (const uint32_t rows : {5u, 12u, 20u, 40u}) multiply_by(format_info(format), rows, 2e-3);
}
// One launch for several matrices, and norms and attention that round their results, give the bits of one launch after
// the other: in each of the kernels for few rows, and where adapters change some matrices.
TEST(CudaProducts, AreTheSameInFewerLaunches) {
  const auto device = [](bool fewer) {
    return gpu::make_device(machine(), [fewer](const Program&, const Limits&) {
      return gpu::Ways{.rounds = true, .rounds_norms = fewer, .joins = fewer};
    });
  };
  Shape shape{.width = 256, .kv_heads = 1, .head_size = 64, .hidden = 256, .layers = 1, .bias = true};
  for (const auto& [format, other, adapters] :
       {std::tuple(Format::q4_k, Format::q6_k, 0), {Format::q8_0, Format::q8_0, 2}})
    for (const uint32_t rows : {1u, 2u, 5u, 12u, 20u, 40u}) {
      shape.format = format;
      shape.other = other;
      shape.adapters = static_cast<uint16_t>(adapters);
      const RandomProgram random = random_program(shape, 9);
      const Limits limits{.rows = rows + 1, .pages = 20, .page_size = 8, .kv_type = KvType::f16};
      Text text = random_text({rows, 1}, 100, limits, 4);
      for (const bool adapted : {false, true}) {
        if (adapted && adapters == 0) continue;
        if (adapted) text.scales = {{0.5f, 0}, {0, -1}};
        EXPECT_EQ(logits_of(*device(true), random.program, limits, text, rows),
                  logits_of(*device(false), random.program, limits, text, rows))
            << rows << " rows" << (adapted ? " with adapters" : "");
      }
    }
}

// By bfloat16 numbers; both sides are off by up to 1/512.
TEST(CudaProducts, MultiplyVeryManyInputsByEveryFormat) { multiply_by_every_format(70, 1e-4); }

}  // namespace
}  // namespace hearth
