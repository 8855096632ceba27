// Writing a batch, with the angles that its positions turn by.
#include "backends/gpu/batch_words.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/gpu/parameters.h"

namespace hearth::gpu {
namespace {

uint64_t pairs_of(const Program& program) {
  uint64_t pairs = 0;
  for (const RopeTable& table : program.rope_tables) pairs += table.frequency.size();
  return pairs;
}

class Writer {
 public:
  explicit Writer(std::span<uint32_t> words) : words_(words) { std::fill_n(words_.begin(), kHeaderWords, 0u); }

  uint32_t& header(HeaderWord::Word word) { return words_[word]; }
  // Begins an array, whose place the header says.
  void begin(HeaderWord::Word word) { words_[word] = static_cast<uint32_t>(at_); }
  void put(uint32_t value) { words_[at_++] = value; }
  template <class T>
  void array(HeaderWord::Word word, const std::vector<T>& values) {
    begin(word);
    for (const T value : values) put(static_cast<uint32_t>(value));
  }

 private:
  const std::span<uint32_t> words_;
  uint64_t at_ = kHeaderWords;
};

}  // namespace

Wanted wanted_of(const Batch& batch, const Program& program) {
  if (!selects(program)) return {.whole = static_cast<uint32_t>(batch.tokens.size())};
  Wanted wanted;
  for (size_t output = 0; output < batch.outputs.size(); ++output) {
    const uint32_t count = batch.candidates_of(output);
    ++(count == 0 ? wanted.whole : wanted.chosen);
    wanted.candidates += count;
  }
  return wanted;
}

uint64_t words_of(const Batch& batch, const Program& program) {
  const Wanted wanted = wanted_of(batch, program);
  return kHeaderWords + batch.tokens.size() * (3 + 2 * pairs_of(program)) + 2 * batch.row_begin.size() +
         batch.pages.size() + 2 * batch.outputs.size() + wanted.whole + 3 * wanted.chosen + batch.states.size() +
         2 * batch.state_copies.size() + batch.adapter_scales.size();
}

void write_words(const Batch& batch, const Program& program, std::span<uint32_t> words) {
  Writer writer(words);
  const auto sequences = static_cast<uint32_t>(batch.row_begin.size() - 1);
  writer.header(HeaderWord::rows) = static_cast<uint32_t>(batch.tokens.size());
  writer.header(HeaderWord::outputs) = static_cast<uint32_t>(batch.outputs.size());
  writer.header(HeaderWord::sequences) = sequences;
  writer.header(HeaderWord::state_copies) = static_cast<uint32_t>(batch.state_copies.size());
  writer.array(HeaderWord::tokens, batch.tokens);
  writer.array(HeaderWord::positions, batch.positions);
  std::vector<uint32_t> sequence_of_row(batch.tokens.size());
  for (uint32_t s = 0; s < sequences; ++s)
    std::fill(sequence_of_row.begin() + batch.row_begin[s], sequence_of_row.begin() + batch.row_begin[s + 1], s);
  writer.array(HeaderWord::sequence_of_row, sequence_of_row);
  writer.array(HeaderWord::row_begin, batch.row_begin);
  writer.array(HeaderWord::page_begin, batch.page_begin);
  writer.array(HeaderWord::pages, batch.pages);
  writer.array(HeaderWord::output_rows, batch.outputs);
  writer.begin(HeaderWord::sequence_of_output);
  for (const uint32_t row : batch.outputs) writer.put(sequence_of_row[row]);
  writer.array(HeaderWord::states, batch.states);
  writer.begin(HeaderWord::copied_states);
  for (const Batch::Copy& copy : batch.state_copies) {
    writer.put(copy.from);
    writer.put(copy.to);
  }
  if (!batch.adapter_scales.empty()) writer.begin(HeaderWord::adapter_scales);
  for (const float scale : batch.adapter_scales) writer.put(std::bit_cast<uint32_t>(scale));
  const Wanted wanted = wanted_of(batch, program);
  writer.header(HeaderWord::whole) = wanted.whole;
  writer.header(HeaderWord::chosen) = wanted.chosen;
  writer.begin(HeaderWord::whole_rows);
  for (uint32_t row = 0; row < wanted.whole + wanted.chosen; ++row)
    if (batch.candidates_of(row) == 0) writer.put(row);
  writer.begin(HeaderWord::chosen_rows);
  uint32_t before = 0;
  for (uint32_t row = 0; row < batch.candidates.size(); ++row) {
    const uint32_t count = batch.candidates[row];
    if (count == 0) continue;
    for (const uint32_t word : {row, count, before}) writer.put(word);
    before += count;
  }
  writer.begin(HeaderWord::rope_angles);
  for (const uint32_t position : batch.positions)
    for (const RopeTable& table : program.rope_tables)
      for (const double frequency : table.frequency) {
        const double angle = position * frequency;
        writer.put(std::bit_cast<uint32_t>(static_cast<float>(std::cos(angle) * table.magnitude)));
        writer.put(std::bit_cast<uint32_t>(static_cast<float>(std::sin(angle) * table.magnitude)));
      }
}

}  // namespace hearth::gpu
