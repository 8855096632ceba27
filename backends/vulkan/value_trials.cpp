// Trials of what changes rows value by value, or moves their values.
#include <algorithm>
#include <cmath>

#include "backends/program.h"
#include "backends/vulkan/trials.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::vulkan {
using gpu::CopyHeadsParameters, gpu::GateParameters, gpu::HeaderWord, gpu::LogitsParameters, gpu::RopeParameters;

namespace {

double gated(Activation act, double gate, double in) {
  const double g = std::min(gate, 7.0);
  switch (act) {
    case Activation::none:
      break;
    case Activation::silu:
      return gate * sigmoid(gate) * in;
    case Activation::gelu:
      return gate * sigmoid(2 * std::sqrt(2 / std::acos(-1.0)) * (gate + 0.044715 * gate * gate * gate)) * in;
    case Activation::sigmoid:
      return sigmoid(gate) * in;
    case Activation::clamped:
      return g * sigmoid(1.702 * g) * (std::clamp(in, -7.0, 7.0) + 1);
  }
  return gate * in;
}

std::vector<float> scaled(std::vector<float> values, float factor) {
  for (float& value : values) value *= factor;
  return values;
}

}  // namespace

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Both styles, of a part of the head, by a table that is not the first, and with a temperature.
bool Trials::rope() {
  constexpr uint32_t kRows = 3, kQHeads = 2, kKHeads = 1, kHead = 160, kFirst = 10, kPairs = 70, kRowPairs = 73;
  const std::vector<uint32_t> positions = {0, 5, 9};
  const std::vector<float> angles = uneven_values(size_t{2} * kRows * kRowPairs, 1);
  TrialBatch words;
  words.count(HeaderWord::rows, kRows).array(HeaderWord::positions, positions).array(HeaderWord::rope_angles, angles);
  const std::vector<float> q = uneven_values(size_t{kRows} * kQHeads * kHead, 2),
                           k = uneven_values(size_t{kRows} * kKHeads * kHead, 3);
  const Buffer batch = put(words.words);
  for (const bool adjacent : {false, true}) {
    const Buffer queries = put(q), keys = put(k);
    RopeParameters push{};
    push.q = queries.address();
    push.k = keys.address();
    push.batch = batch.address();
    push.q_heads = kQHeads;
    push.k_heads = kKHeads;
    push.head_size = kHead;
    push.first = kFirst;
    push.pairs = kPairs;
    push.row_pairs = kRowPairs;
    push.first_pair = kRowPairs - kPairs;
    push.adjacent = adjacent ? 1 : 0;
    push.temperature = 0.5f;
    push.temperature_span = 4;
    run("rope", {}, push, {kQHeads + kKHeads, kRows});
    const auto turned = [&](const std::vector<float>& from, uint32_t heads, bool is_q) {
      std::vector<double> expected(from.begin(), from.end());
      for (size_t row = 0; row < kRows; ++row)
        for (size_t head = 0; head < heads; ++head) {
          double* values = expected.data() + (row * heads + head) * kHead;
          for (size_t i = 0; i < kPairs; ++i) {
            double& x = values[kFirst + (adjacent ? 2 * i : i)];
            double& y = values[kFirst + (adjacent ? 2 * i + 1 : i + kPairs)];
            const float* angle = angles.data() + 2 * (row * kRowPairs + push.first_pair + i);
            const double cosine = double{angle[0]}, sine = double{angle[1]}, before = x;
            x = before * cosine - y * sine;
            y = before * sine + y * cosine;
          }
          const double factor = is_q ? 1 + 0.5 * std::log(1.0 + positions[row] / push.temperature_span) : 1;
          for (size_t i = 0; i < kHead; ++i) values[i] *= factor;
        }
      return expected;
    };
    if (!are_near(values_of(queries), turned(q, kQHeads, true), 1e-4)) return false;
    if (!are_near(values_of(keys), turned(k, kKHeads, false), 1e-4)) return false;
  }
  return true;
}

bool Trials::gate() {
  constexpr uint32_t kRows = 2, kWidth = 70;
  const std::vector<float> gates = scaled(uneven_values(size_t{kRows} * kWidth, 4), 9),
                           in = scaled(uneven_values(size_t{kRows} * kWidth, 5), 9);
  const Buffer batch = put(TrialBatch().count(HeaderWord::rows, kRows).words), gate = put(gates), values = put(in);
  for (const Activation act : {Activation::silu, Activation::gelu, Activation::sigmoid, Activation::clamped}) {
    const Buffer out = put(std::vector<float>(in.size()));
    const GateParameters push{gate.address(),   values.address(),          out.address(), batch.address(), kWidth,
                              HeaderWord::rows, static_cast<uint32_t>(act)};
    run("gate", {}, push, {(kWidth + 63) / 64, kRows});
    std::vector<double> expected(in.size()), bounds(in.size());
    for (size_t i = 0; i < in.size(); ++i) {
      expected[i] = gated(act, double{gates[i]}, double{in[i]});
      bounds[i] = 1e-4 * (1 + std::fabs(expected[i]));
    }
    if (!are_near(values_of(out), expected, bounds)) return false;
  }
  return true;
}

// Parts of heads, of all rows or of those that outputs name; what lies between them stays.
bool Trials::copies(bool of_outputs) {
  constexpr uint32_t kRows = 4, kHeads = 3, kCount = 70, kFrom = 80, kTo = 75, kInWidth = kHeads * kFrom + 5;
  const std::vector<uint32_t> outputs = {3, 1, 0, 2};  // of which the batch has two; what is wrong may read more
  TrialBatch words;
  words.count(HeaderWord::rows, kRows).count(HeaderWord::outputs, 2).array(HeaderWord::output_rows, outputs);
  const std::vector<float> in = uneven_values(size_t{kRows} * kInWidth, 6);
  const uint32_t rows = of_outputs ? 2 : kRows, only_outputs = 1;
  std::vector<double> expected(size_t{rows} * kHeads * kTo, -2);
  const Buffer batch = put(words.words), from = put(in), to = put(std::vector<float>(expected.size(), -2));
  const CopyHeadsParameters push{from.address(),
                                 to.address(),
                                 batch.address(),
                                 kInWidth,
                                 kFrom,
                                 kHeads * kTo,
                                 kTo,
                                 kCount,
                                 of_outputs ? HeaderWord::outputs : HeaderWord::rows};
  run("copy_heads", {&only_outputs, of_outputs ? 1u : 0}, push, {(kCount + 63) / 64, kRows, kHeads});
  for (size_t row = 0; row < rows; ++row)
    for (size_t head = 0; head < kHeads; ++head)
      for (size_t i = 0; i < kCount; ++i)
        expected[(row * kHeads + head) * kTo + i] =
            double{in[(of_outputs ? outputs[row] : row) * kInWidth + head * kFrom + i]};
  return are_near(values_of(to), expected, 0);
}

bool Trials::logits() {
  constexpr uint32_t kRows = 3, kWidth = 300;
  const std::vector<float> in = scaled(uneven_values(size_t{kRows} * kWidth, 7), 100);
  const std::vector<uint32_t> whole = {2, 0};
  const Buffer batch = put(TrialBatch().count(HeaderWord::whole, 2).array(HeaderWord::whole_rows, whole).words),
               from = put(in);
  for (const float softcap : {0.0f, 30.0f}) {
    const Buffer to = put(std::vector<float>(size_t{2} * kWidth));
    const LogitsParameters push{from.address(), to.address(), batch.address(), kWidth, softcap};
    run("logits", {}, push, {(kWidth + 255) / 256, 2});
    std::vector<double> expected;
    for (const uint32_t row : whole)
      expected.insert(expected.end(), in.begin() + row * kWidth, in.begin() + (row + 1) * kWidth);
    if (softcap != 0)
      for (double& value : expected) value = double{softcap} * std::tanh(value / double{softcap});
    if (!are_near(values_of(to), expected, softcap == 0 ? 0 : 1e-3)) return false;
  }
  return true;
}

}  // namespace hearth::vulkan
