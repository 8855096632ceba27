// Trials of what keeps states.
#include <algorithm>
#include <array>
#include <cmath>

#include "backends/program.h"
#include "backends/vulkan/trials.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::vulkan {
using gpu::ConvolveParameters, gpu::DeltaRuleParameters, gpu::HeaderWord, gpu::kDeltaRuleShared, gpu::StatesParameters;

namespace {

constexpr size_t kSequenceRows = 5;  // of two sequences: 3 and 2
constexpr std::array<uint32_t, 3> kBegins = {0, 3, 5};
constexpr std::array<uint32_t, 2> kStatePlaces = {1, 0};

std::vector<uint32_t> two_sequences() {
  TrialBatch batch;
  batch.count(HeaderWord::rows, kSequenceRows).count(HeaderWord::sequences, 2);
  batch.array(HeaderWord::row_begin, kBegins).array(HeaderWord::states, kStatePlaces);
  return batch.words;
}

std::vector<double> doubles_of(const std::vector<float>& values) { return {values.begin(), values.end()}; }

}  // namespace

// One sequence begins, one goes on and one has no rows; two copies, the second of what the first wrote.
bool Trials::states() {
  constexpr uint32_t kWidth = 300, kStates = 5;
  TrialBatch words;
  words.count(HeaderWord::rows, 2).count(HeaderWord::sequences, 3).count(HeaderWord::state_copies, 2);
  words.array(HeaderWord::positions, {0, 5}).array(HeaderWord::row_begin, {0, 1, 2, 2});
  words.array(HeaderWord::states, {1, 0, 4}).array(HeaderWord::copied_states, {0, 2, 2, 3});
  const std::vector<float> before = uneven_values(size_t{kStates} * kWidth, 1);
  const Buffer batch = put(words.words), states = put(before);
  run("states", {}, StatesParameters{states.address(), batch.address(), kWidth}, {(kWidth + 255) / 256});
  std::vector<double> expected = doubles_of(before);
  for (const size_t copy : {2, 3}) std::copy_n(expected.begin(), kWidth, expected.begin() + copy * kWidth);
  std::fill_n(expected.begin() + kWidth, kWidth, 0.0);
  return are_near(values_of(states), expected, 0);
}

bool Trials::convolution(uint32_t taps) {
  constexpr size_t kChannels = 70;
  const size_t before = taps - 1;
  const std::vector<float> in = uneven_values(kSequenceRows * kChannels, 2),
                           kernel = uneven_values(kChannels * taps, 3), kept = uneven_values(2 * before * kChannels, 4);
  const Buffer batch = put(two_sequences()), from = put(in), weights = put(kernel), states = put(kept),
               out = put(std::vector<float>(in.size()));
  ConvolveParameters push{};
  push.in = from.address();
  push.out = out.address();
  push.kernel = weights.address();
  push.states = states.address();
  push.batch = batch.address();
  push.channels = kChannels;
  push.act = static_cast<uint32_t>(Activation::silu);
  const uint32_t constant = taps - 1;
  run("convolve", {&constant, 1}, push, {(kChannels + 63) / 64});
  std::vector<double> expected(in.size()), after = doubles_of(kept);
  for (size_t s = 0; s < 2; ++s)
    for (size_t c = 0; c < kChannels; ++c) {
      std::vector<double> seen;
      for (size_t j = 0; j < before; ++j) seen.push_back(double{kept[(kStatePlaces[s] * before + j) * kChannels + c]});
      for (size_t row = kBegins[s]; row < kBegins[s + 1]; ++row) {
        seen.push_back(double{in[row * kChannels + c]});
        double sum = 0;
        for (size_t j = 0; j < taps; ++j) sum += double{kernel[c * taps + j]} * seen[seen.size() - taps + j];
        expected[row * kChannels + c] = sum * sigmoid(sum);
      }
      for (size_t j = 0; j < before; ++j)
        after[(kStatePlaces[s] * before + j) * kChannels + c] = seen[seen.size() - before + j];
    }
  return are_near(values_of(out), expected, 1e-4) && are_near(values_of(states), after, 0);
}

// Four heads that share two keys, as neighbours and in turn.
bool Trials::delta_rule(uint32_t key_size, uint32_t value_size) {
  constexpr uint32_t kHeads = 4, kKeyHeads = 2;
  const uint32_t room = (key_size + 63) / 64 * 64;
  if (kDeltaRuleShared + 2 * room * sizeof(float) > gpu_.about().limits.maxComputeSharedMemorySize)
    return true;  // refused
  const size_t width = 2 * size_t{kKeyHeads} * key_size + size_t{kHeads} * value_size;
  const size_t matrix = size_t{key_size} * value_size, keys = size_t{kKeyHeads} * key_size;
  const std::vector<float> in = uneven_values(kSequenceRows * width, 5),
                           decays = uneven_values(kSequenceRows * kHeads, 6),
                           betas = uneven_values(kSequenceRows * kHeads, 7), biases = uneven_values(kHeads, 8),
                           rates = {-0.1f, -0.5f, -1, -2}, kept = uneven_values(2 * kHeads * matrix, 9);
  const Buffer batch = put(two_sequences()), from = put(in), decay = put(decays), beta = put(betas), rate = put(rates),
               bias = put(biases);
  for (const bool cyclic : {false, true}) {
    const Buffer states = put(kept), out = put(std::vector<float>(kSequenceRows * kHeads * value_size));
    DeltaRuleParameters push{};
    push.in = from.address();
    push.decay = decay.address();
    push.beta = beta.address();
    push.out = out.address();
    push.rate = rate.address();
    push.decay_bias = bias.address();
    push.states = states.address();
    push.batch = batch.address();
    push.key_heads = kKeyHeads;
    push.heads = kHeads;
    push.key_size = key_size;
    push.value_size = value_size;
    push.cyclic = cyclic ? 1 : 0;
    push.eps = 1e-6f;
    run("delta_rule", {&room, 1}, push, {(value_size + 63) / 64, 1, kHeads});
    std::vector<double> expected(kSequenceRows * kHeads * value_size), after = doubles_of(kept);
    for (size_t s = 0; s < 2; ++s)
      for (size_t row = kBegins[s]; row < kBegins[s + 1]; ++row)
        for (size_t head = 0; head < kHeads; ++head) {
          const size_t shared = cyclic ? head % kKeyHeads : head / (kHeads / kKeyHeads);
          const float* values = in.data() + row * width;
          const auto unit = [&](size_t first) {
            std::vector<double> one(values + first, values + first + key_size);
            double squares = 0;
            for (const double value : one) squares += value * value;
            for (double& value : one) value /= std::sqrt(squares);
            return one;
          };
          const std::vector<double> q = unit(shared * key_size), k = unit(keys + shared * key_size);
          const double x = double{decays[row * kHeads + head]} + double{biases[head]};
          const double fades = std::exp(double{rates[head]} * std::log1p(std::exp(x)));
          const double learns = sigmoid(double{betas[row * kHeads + head]});
          double* state = after.data() + (kStatePlaces[s] * kHeads + head) * matrix;
          for (size_t column = 0; column < value_size; ++column) {
            double known = 0, result = 0;
            for (size_t i = 0; i < key_size; ++i) known += k[i] * fades * state[i * value_size + column];
            const double change = learns * (double{values[2 * keys + head * value_size + column]} - known);
            for (size_t i = 0; i < key_size; ++i) {
              double& now = state[i * value_size + column];
              now = fades * now + k[i] * change;
              result += q[i] * now;
            }
            expected[(row * kHeads + head) * value_size + column] = result / std::sqrt(static_cast<double>(key_size));
          }
        }
    if (!are_near(values_of(out), expected, 1e-3) || !are_near(values_of(states), after, 1e-3)) return false;
  }
  return true;
}

}  // namespace hearth::vulkan
