// The checks on a batch that every backend relies on.
#include <algorithm>
#include <cmath>
#include <string>

#include "backends/backend.h"

namespace hearth {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw DeviceError(std::string("batch: ") + what);
}

// `begin` cuts [0, count) into consecutive ranges.
void require_ranges(const std::vector<uint32_t>& begin, size_t count, const char* what) {
  require(!begin.empty() && begin.front() == 0 && begin.back() == count, what);
  for (size_t i = 1; i < begin.size(); ++i) require(begin[i - 1] <= begin[i], what);
}

void check_states(const Batch& batch, const Program& program, const Limits& limits) {
  if (program.state_width.empty()) {
    require(batch.states.empty() && batch.state_copies.empty(), "the program keeps no states");
    return;
  }
  require(batch.states.size() + 1 == batch.row_begin.size(), "as many states as sequences are needed");
  std::vector<bool> used(limits.states);
  for (const uint32_t state : batch.states) {
    require(state < limits.states, "a state is out of range");
    require(!used[state], "two sequences share a state");
    used[state] = true;
  }
  for (const Batch::Copy& copy : batch.state_copies)
    require(copy.from < limits.states && copy.to < limits.states, "a state is out of range");
}

// Of a row; 0 of programs that receive nothing.
size_t received_width(const Program& program) {
  const auto* receive = program.ops.empty() ? nullptr : std::get_if<Receive>(&program.ops.front());
  return receive == nullptr ? 0 : program.slot_width[receive->out];
}

}  // namespace

bool selects(const Program& program) {
  return std::any_of(program.ops.begin(), program.ops.end(),
                     [](const Op& op) { return std::holds_alternative<Select>(op); });
}

void check_batch(const Batch& batch, const Program& program, const Limits& limits) {
  const size_t rows = batch.tokens.size();
  require(rows > 0 && rows <= limits.rows, "the number of rows is 0 or past the limit");
  require(batch.positions.size() == rows, "as many positions as tokens are needed");
  require_ranges(batch.row_begin, rows, "row_begin does not cut the rows");
  require_ranges(batch.page_begin, batch.pages.size(), "page_begin does not cut the pages");
  require(batch.row_begin.size() == batch.page_begin.size(), "row_begin and page_begin differ in their sequences");
  for (const int32_t token : batch.tokens)
    require(token >= 0 && static_cast<uint32_t>(token) < program.vocabulary, "a token is out of range");
  for (const uint32_t position : batch.positions)
    require(program.positions == 0 || position < program.positions, "a position lies past the model's last");
  for (const uint32_t page : batch.pages) require(page < limits.pages, "a page is out of range");
  for (size_t s = 0; s + 1 < batch.row_begin.size(); ++s) {
    const uint64_t cells = uint64_t{batch.page_begin[s + 1] - batch.page_begin[s]} * limits.page_size;
    for (uint32_t row = batch.row_begin[s]; row < batch.row_begin[s + 1]; ++row) {
      require(batch.positions[row] < cells, "a position lies past the pages of its sequence");
      require(row == batch.row_begin[s] || batch.positions[row] == batch.positions[row - 1] + 1,
              "positions must rise by one");
    }
  }
  check_states(batch, program, limits);
  const std::vector<float>& scales = batch.adapter_scales;
  require(scales.empty() || scales.size() == (batch.row_begin.size() - 1) * program.adapters,
          "a scale for each sequence and adapter is needed");
  require(std::all_of(scales.begin(), scales.end(), [](float scale) { return std::isfinite(scale); }),
          "a scale of an adapter is no number");
  for (size_t i = 0; i < batch.outputs.size(); ++i) {
    require(batch.outputs[i] < rows, "an output is out of range");
    require(i == 0 || batch.outputs[i - 1] < batch.outputs[i], "outputs must rise");
  }
  const std::vector<uint32_t>& candidates = batch.candidates;
  require(candidates.empty() || candidates.size() == batch.outputs.size(),
          "a number of candidates is needed for each output");
  require(std::all_of(candidates.begin(), candidates.end(), [](uint32_t count) { return count <= kMostCandidates; }),
          "more candidates are wanted than there can be");
  require(candidates.empty() || selects(program), "candidates are wanted of a program that selects no rows");
  require(batch.received.size() == rows * received_width(program), "the rows that are received are others");
}

}  // namespace hearth
