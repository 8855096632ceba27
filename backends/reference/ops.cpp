// The ops, written for reading.
#include "backends/reference/ops.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>

namespace hearth::reference {

void decode_row(const Weight& weight, uint64_t row, std::vector<float>& values) {
  const FormatInfo& info = format_info(weight.format);
  values.resize(weight.width);
  info.decode(weight.bytes.data() + row * (weight.width / info.block_size) * info.block_bytes, values.data(),
              weight.width);
}

void multiply(const Weight& weight, uint64_t first_row, uint64_t count, const double* in, double* out, size_t rows) {
  std::vector<float> values;
  for (uint64_t i = 0; i < count; ++i) {
    decode_row(weight, first_row + i, values);
    for (size_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (uint64_t j = 0; j < weight.width; ++j) sum += double{values[j]} * in[r * weight.width + j];
      out[r * count + i] = sum * double{weight.scale_of(first_row + i)};
    }
  }
}

std::vector<float> vector_of(const Program& program, WeightId id, uint64_t row) {
  std::vector<float> values;
  if (id != kNoWeight) decode_row(program.weights[id], row, values);
  return values;
}

void rms_norm(const Weight& gain, double eps, const double* in, double* out, uint64_t count) {
  std::vector<float> gains;
  uint64_t begin = 0;
  for (; begin + gain.width <= count; begin += gain.width) {
    decode_row(gain, begin / gain.width % gain.rows, gains);
    double squares = 0;
    for (uint64_t i = 0; i < gain.width; ++i) squares += in[begin + i] * in[begin + i];
    const double scale = 1 / std::sqrt(squares / static_cast<double>(gain.width) + eps);
    for (uint64_t i = 0; i < gain.width; ++i) out[begin + i] = in[begin + i] * scale * double{gains[i]};
  }
  std::copy(in + begin, in + count, out + begin);
}

void layer_norm(const Weight& gain, const std::vector<float>& bias, double eps, const double* in, double* out,
                uint64_t count) {
  std::vector<float> gains;
  uint64_t begin = 0;
  for (; begin + gain.width <= count; begin += gain.width) {
    decode_row(gain, begin / gain.width % gain.rows, gains);
    const auto width = static_cast<double>(gain.width);
    const double mean = std::accumulate(in + begin, in + begin + gain.width, 0.0) / width;
    double squares = 0;
    for (uint64_t i = 0; i < gain.width; ++i) squares += (in[begin + i] - mean) * (in[begin + i] - mean);
    const double scale = 1 / std::sqrt(squares / width + eps);
    for (uint64_t i = 0; i < gain.width; ++i)
      out[begin + i] = (in[begin + i] - mean) * scale * double{gains[i]} + (bias.empty() ? 0.0 : double{bias[i]});
  }
  std::copy(in + begin, in + count, out + begin);
}

double activate(Activation act, double x) {
  switch (act) {
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::gelu:
      return x / (1 + std::exp(-2 * std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::none:
    case Activation::clamped:
      break;
  }
  return x;
}

void gate(Activation act, double* gate, const double* up, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    if (act == Activation::clamped) {
      const double g = std::min(gate[i], 7.0), u = std::clamp(up[i], -7.0, 7.0);
      gate[i] = g / (1 + std::exp(-1.702 * g)) * (u + 1);
    } else {
      gate[i] = activate(act, gate[i]) * up[i];
    }
  }
}

double softplus(double x) { return x > 30 ? x : std::log1p(std::exp(x)); }

void divide_by_length(double* values, uint64_t count, double eps) {
  const double length = std::sqrt(std::inner_product(values, values + count, values, 0.0));
  for (uint64_t i = 0; i < count; ++i) values[i] /= std::max(length, eps);
}

void rope(const RopeTable& table, RopeStyle style, uint32_t position, double* head) {
  const size_t pairs = table.frequency.size();
  for (size_t i = 0; i < pairs; ++i) {
    const double angle = position * table.frequency[i];
    const double cosine = std::cos(angle) * table.magnitude, sine = std::sin(angle) * table.magnitude;
    double& x = head[style == RopeStyle::adjacent ? 2 * i : i];
    double& y = head[style == RopeStyle::adjacent ? 2 * i + 1 : i + pairs];
    const double turned = x * cosine - y * sine;
    y = x * sine + y * cosine;
    x = turned;
  }
}

void softmax(double* values, uint64_t count, const float* sink) {
  double top = *std::max_element(values, values + count);
  if (sink != nullptr) top = std::max(top, double{*sink});
  double sum = sink == nullptr ? 0 : std::exp(double{*sink} - top);
  for (uint64_t i = 0; i < count; ++i) sum += values[i] = std::exp(values[i] - top);
  for (uint64_t i = 0; i < count; ++i) values[i] /= sum;
}

namespace {

// Whether each group of neighbours is one of the best `used` by the sum of its two largest scores.
std::vector<bool> best_groups(const std::vector<double>& scores, uint32_t groups, uint32_t used) {
  const size_t size = scores.size() / groups;
  std::vector<double> sums(groups);
  for (uint32_t g = 0; g < groups; ++g) {
    std::vector<double> members(scores.begin() + static_cast<ptrdiff_t>(g * size),
                                scores.begin() + static_cast<ptrdiff_t>((g + 1) * size));
    std::sort(members.begin(), members.end(), std::greater<>());
    sums[g] = members[0] + (size > 1 ? members[1] : 0);
  }
  std::vector<uint32_t> order(groups);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return sums[a] > sums[b]; });
  std::vector<bool> chosen(groups);
  for (uint32_t i = 0; i < used; ++i) chosen[order[i]] = true;
  return chosen;
}

}  // namespace

void route(const Route& op, const double* probabilities, const std::vector<float>& bias, uint32_t count,
           double* ids_and_weights) {
  std::vector<double> scores(probabilities, probabilities + count);
  for (uint32_t i = 0; i < count && !bias.empty(); ++i) scores[i] += double{bias[i]};
  const std::vector<bool> open = best_groups(scores, op.groups, op.groups_used);
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < count; ++i)
    if (open[i / (count / op.groups)]) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return scores[a] > scores[b]; });
  double sum = 0;
  for (uint32_t i = 0; i < op.used; ++i) sum += probabilities[order[i]];
  if (!op.normalised) sum = 1;
  for (uint32_t i = 0; i < op.used; ++i) {
    ids_and_weights[i] = order[i];
    ids_and_weights[op.used + i] = probabilities[order[i]] / sum * double{op.scale};
  }
}

}  // namespace hearth::reference
