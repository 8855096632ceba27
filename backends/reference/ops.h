// One function per op, on rows of doubles.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/program.h"

namespace hearth::reference {

using Row = std::vector<double>;

// Row `row` of a weight, decoded.
void decode_row(const Weight& weight, uint64_t row, std::vector<float>& values);
// out[r][i] = sum over j of weight[first_row + i][j] * in[r][j], for i < count and r < rows; the rows of in and of out
// lie one after the other. out and in may not overlap.
void multiply(const Weight& weight, uint64_t first_row, uint64_t count, const double* in, double* out, size_t rows = 1);
// The values of a vector, or nothing for kNoWeight.
std::vector<float> vector_of(const Program& program, WeightId id, uint64_t row = 0);
// Norms each run of gain.width of in[count] into out, as program.h says; in place is allowed.
void rms_norm(const Weight& gain, double eps, const double* in, double* out, uint64_t count);
void layer_norm(const Weight& gain, const std::vector<float>& bias, double eps, const double* in, double* out,
                uint64_t count);
double activate(Activation act, double x);
// act(gate) * up, or what clamped stands for, in place of gate; both [count].
void gate(Activation act, double* gate, const double* up, uint64_t count);
// log(1 + exp(x))
double softplus(double x);
// Divides values[count] by their length, or by eps where that is more.
void divide_by_length(double* values, uint64_t count, double eps);
// Turns one head[head_size] by `position`.
void rope(const RopeTable& table, RopeStyle style, uint32_t position, double* head);
// values[count] to probabilities, in place; `sink`, if any, is a value more that gets none.
void softmax(double* values, uint64_t count, const float* sink = nullptr);
// Chooses by probabilities[count] + bias; the lower id wins a tie.
void route(const Route& op, const double* probabilities, const std::vector<float>& bias, uint32_t count,
           double* ids_and_weights);

}  // namespace hearth::reference
