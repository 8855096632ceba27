// One function per op, on rows of doubles.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/program.h"

namespace hearth::reference {

using Row = std::vector<double>;

// Row `row` of a weight, decoded.
void decode_row(const Weight& weight, uint64_t row, std::vector<float>& values);
// out[i] = sum over j of weight[first_row + i][j] * in[j], for i < count. out and in may not overlap.
void multiply(const Weight& weight, uint64_t first_row, uint64_t count, const double* in, double* out);
// out[width] = in / sqrt(mean(in^2) + eps) * gain; in place is allowed.
void rms_norm(const Weight& gain, double eps, const double* in, double* out);
// act(gate) * up, in place of gate; both [count].
void activate(Activation act, double* gate, const double* up, uint64_t count);
// Turns one head[head_size] by `position`.
void rope(const RopeTable& table, RopeStyle style, uint32_t position, double* head);
// values[count] to probabilities, in place.
void softmax(double* values, uint64_t count);
// ids and weights of the `used` largest of probabilities[count], weights divided by their sum; the lower id wins a tie.
void route(const double* probabilities, uint32_t count, uint32_t used, double* ids_and_weights);

}  // namespace hearth::reference
