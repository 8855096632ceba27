// The kernel of all words runs here; that nvcc compiles it is seen when this test is built.
#include "tests/simt/every_word.cu"

#include "tests/simt/device.h"

namespace hearth::simt {
namespace {

TEST(EveryWord, Runs) {
  Device device;
  const Address in = device.put(std::vector<uint32_t>(128, 0x3c003c00)), out = device.put(std::vector<uint32_t>(40));
  expect_none(device.launch("every_word", {1}, cuda::EveryWordParameters{in, out}, {}, 48 * 16 + 32 * 4));
  EXPECT_EQ(device.get<float>(out, 33)[32], 32.0f);
  EXPECT_EQ(device.get<uint32_t>(out, 35)[33], 32u);
  EXPECT_EQ(device.get<uint32_t>(out, 35)[34], 7u);
}

}  // namespace
}  // namespace hearth::simt
