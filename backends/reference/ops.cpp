// The ops, written for reading.
#include "backends/reference/ops.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hearth::reference {

void decode_row(const Weight& weight, uint64_t row, std::vector<float>& values) {
  const FormatInfo& info = format_info(weight.format);
  values.resize(weight.width);
  info.decode(weight.bytes.data() + row * (weight.width / info.block_size) * info.block_bytes, values.data(),
              weight.width);
}

void multiply(const Weight& weight, uint64_t first_row, uint64_t count, const double* in, double* out) {
  std::vector<float> values;
  for (uint64_t i = 0; i < count; ++i) {
    decode_row(weight, first_row + i, values);
    double sum = 0;
    for (uint64_t j = 0; j < weight.width; ++j) sum += double{values[j]} * in[j];
    out[i] = sum;
  }
}

void rms_norm(const Weight& gain, double eps, const double* in, double* out) {
  std::vector<float> gains;
  decode_row(gain, 0, gains);
  double squares = 0;
  for (uint64_t i = 0; i < gain.width; ++i) squares += in[i] * in[i];
  const double scale = 1 / std::sqrt(squares / static_cast<double>(gain.width) + eps);
  for (uint64_t i = 0; i < gain.width; ++i) out[i] = in[i] * scale * double{gains[i]};
}

void activate(Activation act, double* gate, const double* up, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    switch (act) {
      case Activation::silu:
        gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
        break;
    }
  }
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

void softmax(double* values, uint64_t count) {
  const double top = *std::max_element(values, values + count);
  double sum = 0;
  for (uint64_t i = 0; i < count; ++i) sum += values[i] = std::exp(values[i] - top);
  for (uint64_t i = 0; i < count; ++i) values[i] /= sum;
}

void route(const double* probabilities, uint32_t count, uint32_t used, double* ids_and_weights) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return probabilities[a] > probabilities[b]; });
  double sum = 0;
  for (uint32_t i = 0; i < used; ++i) sum += probabilities[order[i]];
  for (uint32_t i = 0; i < used; ++i) {
    ids_and_weights[i] = order[i];
    ids_and_weights[used + i] = probabilities[order[i]] / sum;
  }
}

}  // namespace hearth::reference
