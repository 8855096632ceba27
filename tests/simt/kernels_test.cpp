// The first kernels of kernels/cuda on the interpreter, against plain loops.
#include <cmath>

#include "kernels/gpu/row_parameters.h"
#include "tests/simt/device.h"

namespace hearth::simt {
namespace {

using gpu::HeaderWord;

TEST(CudaKernels, GateMultipliesByTheActivation) {
  const uint32_t width = 100, rows = 3;
  std::vector<uint32_t> header(gpu::kHeaderWords);
  header[HeaderWord::outputs] = rows - 1;
  std::vector<float> gate(width * rows), in(width * rows);
  for (uint32_t i = 0; i < gate.size(); ++i) {
    gate[i] = static_cast<float>(i % 37) / 4 - 4;
    in[i] = static_cast<float>(i % 11) * 2 - 9;
  }
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  for (const uint32_t act : {0u, 1u, 2u, 3u, 4u}) {
    Device device(act);
    const Address out = device.put(std::vector<float>(width * rows, -1.0f));
    const gpu::GateParameters p{.gate = device.put(gate),
                                .in = device.put(in),
                                .out = out,
                                .batch = device.put(header),
                                .width = width,
                                .rows_at = HeaderWord::outputs,
                                .act = act};
    expect_none(device.launch("gate", {(width + 63) / 64, rows}, p));
    const std::vector<float> found = device.get<float>(out, width * rows);
    for (uint32_t i = 0; i < width * rows; ++i) {
      const double g = gate[i], x = in[i];
      const double expected[] = {g * x, g * sigmoid(g) * x,
                                 g * sigmoid(1.5957691216057308 * (g + 0.044715 * g * g * g)) * x, sigmoid(g) * x,
                                 std::min(g, 7.0) * sigmoid(1.702 * std::min(g, 7.0)) * (std::clamp(x, -7.0, 7.0) + 1)};
      if (i < width * (rows - 1))
        EXPECT_NEAR(found[i], expected[act], 1e-5 * (1 + std::fabs(expected[act]))) << act << ' ' << i;
      else
        EXPECT_EQ(found[i], -1.0f);
    }
  }
}

TEST(CudaKernels, StatesAreCopiedAndBegun) {
  const uint32_t width = 300, places = 4;
  std::vector<float> states(width * places);
  for (uint32_t i = 0; i < states.size(); ++i) states[i] = static_cast<float>(i + 1);
  // Sequence 0 begins, in place 2; 1 goes on in place 1; 2 has no rows.
  std::vector<uint32_t> batch(gpu::kHeaderWords);
  const auto add = [&](HeaderWord::Word word, std::initializer_list<uint32_t> values) {
    batch[word] = static_cast<uint32_t>(batch.size());
    batch.insert(batch.end(), values);
  };
  batch[HeaderWord::sequences] = 3;
  batch[HeaderWord::state_copies] = 2;
  add(HeaderWord::copied_states, {0, 3, 3, 1});
  add(HeaderWord::states, {2, 1, 0});
  add(HeaderWord::row_begin, {0, 2, 3, 3});
  add(HeaderWord::positions, {0, 1, 5});
  Device device;
  const Address at = device.put(states);
  expect_none(device.launch("states", {2}, gpu::StatesParameters{at, device.put(batch), width}));
  const std::vector<float> found = device.get<float>(at, states.size());
  for (uint32_t i = 0; i < width; ++i) {
    EXPECT_EQ(found[i], states[i]);
    EXPECT_EQ(found[width + i], states[i]);
    EXPECT_EQ(found[2 * width + i], 0.0f);
    EXPECT_EQ(found[3 * width + i], states[i]);
  }
}

}  // namespace
}  // namespace hearth::simt
