// A plan and tasks whose answers tell whether pages were mixed up.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "engine/decode/scheduler.h"

namespace hearth {

inline constexpr uint32_t kVocabulary = 97;

// The token that follows a sequence: a number made of all of it, or of its end alone, so that texts soon repeat.
inline int32_t successor(std::span<const int32_t> tokens, size_t memory = SIZE_MAX) {
  tokens = tokens.last(std::min(memory, tokens.size()));
  uint64_t hash = 1469598103934665603u;
  for (const int32_t token : tokens) hash = (hash ^ static_cast<uint64_t>(token)) * 1099511628211u;
  return static_cast<int32_t>(hash >> 33) % static_cast<int32_t>(kVocabulary);
}

// What keys and values are made of: a token, and what adapters make of it.
inline int32_t adapted(int32_t token, std::span<const float> scales) {
  float sum = 0;
  for (size_t i = 0; i < scales.size(); ++i) sum += scales[i] * static_cast<float>(i + 1);
  return token + 1000 * static_cast<int32_t>(8 * sum);
}

// Keeps tokens in its cells instead of keys and values, and gives logits that prefer the successor of what the pages of
// a sequence hold. So a wrong page, a page shared too early or one overwritten changes the answer. The state of a
// sequence is the tokens that it has seen, of a program that says so much of state_width.
class RecordingPlan : public Plan {
 public:
  RecordingPlan(const Program& program, const Limits& limits)
      : program_(program),
        limits_(limits),
        cells_(size_t{limits.pages} * limits.page_size, -1),
        states_(limits.states) {}

  void submit(const Batch& batch) override {
    check_batch(batch, program_, limits_);
    if (fails) throw DeviceError("the device fails");
    if (lost) throw DeviceLost("the device is lost");
    ++steps;
    if (clock != nullptr)
      *clock += std::chrono::duration<double>(pause).count();
    else
      std::this_thread::sleep_for(pause);
    logits_.assign(batch.outputs.size() * kVocabulary, 0);
    follow_states(batch);
    std::map<uint32_t, size_t> output_of_row;
    for (size_t i = 0; i < batch.outputs.size(); ++i) output_of_row[batch.outputs[i]] = i;
    // As on a device: what the step computes is there for all rows, and nothing later.
    std::set<uint64_t> written;
    for (uint32_t s = 0; s + 1 < batch.row_begin.size(); ++s)
      for (uint32_t row = batch.row_begin[s]; row < batch.row_begin[s + 1]; ++row) {
        const uint64_t cell = cell_of(batch, s, batch.positions[row]);
        EXPECT_TRUE(written.insert(cell).second) << "two rows write one cell";
        cells_[cell] = adapted(batch.tokens[row], scales_of(batch, s));
      }
    for (uint32_t s = 0; s + 1 < batch.row_begin.size(); ++s) {
      const uint32_t rows = batch.row_begin[s + 1] - batch.row_begin[s];
      most_rows_of_a_sequence = std::max(most_rows_of_a_sequence, rows);
      for (uint32_t row = batch.row_begin[s]; row < batch.row_begin[s + 1]; ++row) {
        const auto output = output_of_row.find(row);
        if (output == output_of_row.end()) continue;
        std::vector<int32_t> seen;
        for (uint32_t p = 0; p <= batch.positions[row]; ++p) seen.push_back(cells_[cell_of(batch, s, p)]);
        logits_[output->second * kVocabulary + static_cast<size_t>(successor(seen, memory))] = 1;
      }
    }
    most_sequences = std::max(most_sequences, batch.row_begin.size() - 1);
    give_candidates(batch);
  }
  StepResult wait() override { return {logits_, {}, candidates_}; }
  void read_page(uint32_t page, uint32_t positions, std::span<std::byte> bytes) const override {
    check_page(page, positions, bytes.size(), program_, limits_);
    std::memcpy(bytes.data(), &cells_[size_t{page} * limits_.page_size], bytes.size());
  }
  void write_page(uint32_t page, uint32_t positions, std::span<const std::byte> bytes) override {
    check_page(page, positions, bytes.size(), program_, limits_);
    std::memcpy(&cells_[size_t{page} * limits_.page_size], bytes.data(), bytes.size());
  }
  void read_state(uint32_t place, std::span<float> values) const override {
    check_state(place, values.size(), program_, limits_);
    std::fill(values.begin(), values.end(), -1.0f);
    std::copy(states_[place].begin(), states_[place].end(), values.begin());
  }
  void write_state(uint32_t place, std::span<const float> values) override {
    check_state(place, values.size(), program_, limits_);
    states_[place].assign(values.begin(), std::find(values.begin(), values.end(), -1.0f));
  }

  size_t steps = 0, most_sequences = 0;
  size_t whole_rows = 0;  // of all steps: outputs of which all logits were wanted
  uint32_t most_rows_of_a_sequence = 0;
  bool fails = false, lost = false;
  size_t memory = SIZE_MAX;            // of successors
  std::chrono::microseconds pause{0};  // that a step takes besides
  double* clock = nullptr;             // where that is added instead of spent, seconds

 private:
  void follow_states(const Batch& batch) {
    for (const Batch::Copy& copy : batch.state_copies) states_[copy.to] = states_[copy.from];
    for (uint32_t s = 0; s < batch.states.size(); ++s) {
      std::vector<int32_t>& state = states_[batch.states[s]];
      const uint32_t first = batch.row_begin[s], position = batch.positions[first];
      if (position == 0) state.clear();
      std::vector<int32_t> before;
      for (uint32_t p = 0; p < position; ++p) before.push_back(cells_[cell_of(batch, s, p)]);
      EXPECT_EQ(state, before) << "the state is not that after the position before";
      for (uint32_t row = first; row < batch.row_begin[s + 1]; ++row)
        state.push_back(adapted(batch.tokens[row], scales_of(batch, s)));
    }
  }
  // Of the outputs that want such; the rows of the others then follow one another.
  void give_candidates(const Batch& batch) {
    candidates_.clear();
    std::vector<float> whole;
    for (size_t i = 0; i < batch.outputs.size(); ++i) {
      const auto logits = std::span(logits_).subspan(i * kVocabulary, kVocabulary);
      const uint32_t count = batch.candidates_of(i);
      candidates_.resize(candidates_.size() + count);
      choose_candidates(logits, std::span(candidates_).last(count));
      if (count == 0) whole.insert(whole.end(), logits.begin(), logits.end());
    }
    logits_ = whole;
    whole_rows += logits_.size() / kVocabulary;
  }
  std::span<const float> scales_of(const Batch& batch, uint32_t s) const {
    if (batch.adapter_scales.empty()) return {};
    return std::span(batch.adapter_scales).subspan(size_t{s} * program_.adapters, program_.adapters);
  }
  uint64_t cell_of(const Batch& batch, uint32_t s, uint32_t position) const {
    return uint64_t{batch.pages[batch.page_begin[s] + position / limits_.page_size]} * limits_.page_size +
           position % limits_.page_size;
  }

  const Program& program_;
  Limits limits_;
  std::vector<int32_t> cells_;
  std::vector<std::vector<int32_t>> states_;
  std::vector<float> logits_;
  std::vector<Candidate> candidates_;
};

// Goes on with the likeliest token until it has `wanted_tokens`.
class Greedy : public Task {
 public:
  Greedy(std::vector<int32_t> prompt, size_t count) : prompt_size(prompt.size()), wanted_tokens(count) {
    tokens = std::move(prompt);
  }
  bool cancelled() const override { return cancel; }
  void on_start(uint32_t found) override { cached = found, ++starts; }
  void on_logits(uint32_t position, std::span<float> logits) override {
    EXPECT_EQ(logits.size(), kVocabulary);
    go_on(position, static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
  }
  uint32_t candidates(uint32_t ahead) const override { return largest == 0 ? 0 : largest + ahead; }
  void on_candidates(uint32_t position, std::span<const Candidate> found) override {
    EXPECT_GE(found.size(), largest);
    go_on(position, found.front().token);
  }
  void go_on(uint32_t position, int32_t token) {
    positions.push_back(position);
    if (throws) throw std::runtime_error("this task alone");
    if (position + 1 < tokens.size()) return;
    answer.push_back(token);
    if (answer.size() < wanted_tokens) tokens.push_back(token);
    if (speculates) guesses = static_cast<uint32_t>(wanted_tokens - std::min(wanted_tokens, answer.size() + 1));
  }
  void on_end(std::exception_ptr failure) override {
    EXPECT_FALSE(ended) << "ended twice";
    ended = true;
    error = failure;
    if (throws_at_end) throw std::runtime_error("too late");
  }
  std::vector<int32_t> expected() const {
    std::vector<int32_t> sequence, result;
    for (size_t i = 0; i < prompt_size; ++i) sequence.push_back(adapted(tokens[i], adapters));
    for (size_t i = 0; i < wanted_tokens; ++i) {
      result.push_back(successor(sequence, memory));
      sequence.push_back(adapted(result.back(), adapters));
    }
    return result;
  }

  size_t prompt_size, wanted_tokens;
  std::vector<int32_t> answer;
  std::vector<uint32_t> positions;
  uint32_t cached = 0, starts = 0;
  size_t memory = SIZE_MAX;  // of successors
  bool speculates = false;
  uint32_t largest = 0;  // logits that it asks for; 0: all
  bool cancel = false, ended = false, throws = false, throws_at_end = false;
  std::exception_ptr error;
};

inline std::vector<int32_t> prompt(uint32_t seed, size_t size) {
  std::mt19937 random(seed);
  std::vector<int32_t> tokens(size);
  for (int32_t& token : tokens) token = static_cast<int32_t>(random() % kVocabulary);
  return tokens;
}

}  // namespace hearth
