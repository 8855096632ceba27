// Texts to batches, and results by sequence.
#include "engine/conform/trial.h"

#include <algorithm>
#include <cstring>

namespace hearth::conform {
namespace {

// The rows [begin, end) of every sequence, as far as it has them; places of states: the last sequence's first.
Batch batch_of(const Text& text, uint32_t begin, uint32_t end, bool states) {
  Batch batch;
  batch.row_begin = {0};
  batch.page_begin = {0};
  for (size_t s = text.tokens.size(); s-- > 0 && states;) batch.states.push_back(static_cast<uint32_t>(s));
  for (size_t s = 0; s < text.tokens.size(); ++s) {
    for (uint32_t i = begin; i < end && i < text.tokens[s].size(); ++i) {
      batch.outputs.push_back(static_cast<uint32_t>(batch.tokens.size()));
      batch.tokens.push_back(text.tokens[s][i]);
      batch.positions.push_back(i);
    }
    batch.row_begin.push_back(static_cast<uint32_t>(batch.tokens.size()));
    batch.pages.insert(batch.pages.end(), text.pages[s].begin(), text.pages[s].end());
    batch.page_begin.push_back(static_cast<uint32_t>(batch.pages.size()));
    if (!text.scales.empty())
      batch.adapter_scales.insert(batch.adapter_scales.end(), text.scales[s].begin(), text.scales[s].end());
  }
  return batch;
}

std::vector<float> received_rows(const Program& program, const Batch& batch) {
  std::vector<float> rows;
  if (!std::holds_alternative<Receive>(program.ops.front())) return rows;
  const Weight& table = program.weights.front();  // of floats, that lie anyhow
  for (const int32_t token : batch.tokens) {
    rows.resize(rows.size() + table.width);
    const size_t bytes = table.width * sizeof(float);
    std::memcpy(rows.data() + rows.size() - table.width, table.bytes.data() + static_cast<size_t>(token) * bytes,
                bytes);
  }
  return rows;
}

std::vector<float> values_of(std::span<const hearth::Candidate> candidates) {
  std::vector<float> values;
  for (const hearth::Candidate& one : candidates) {
    values.push_back(one.logit);
    values.push_back(static_cast<float>(one.token));
  }
  return values;
}

// `count` values of a key or value from `bytes` on, which then stand behind them.
void decode_kept(KvType type, uint32_t count, const std::byte*& bytes, std::vector<float>& out) {
  const Format format = type == KvType::f32 ? Format::f32 : type == KvType::f16 ? Format::f16 : Format::q8_0;
  out.resize(out.size() + count);
  format_info(format).decode(bytes, out.data() + out.size() - count, count);
  bytes += kv_row_bytes(type, count);
}

// A layer's keys and values of a sequence, [position x values].
std::vector<float> kept(const Plan& plan, const Program& program, const Limits& limits, const Text& text, size_t s,
                        uint16_t layer) {
  std::vector<float> values;
  const uint64_t size = position_bytes(program, limits.kv_type);
  const auto length = static_cast<uint32_t>(text.tokens[s].size());
  for (uint32_t begin = 0; begin < length; begin += limits.page_size) {
    const uint32_t count = std::min(limits.page_size, length - begin);
    std::vector<std::byte> bytes(size * count);
    plan.read_page(text.pages[s][begin / limits.page_size], count, bytes);
    for (uint32_t i = 0; i < count; ++i) {
      const std::byte* at = bytes.data() + i * size + size / program.layers * layer;
      decode_kept(limits.kv_type, program.key_width, at, values);
      decode_kept(limits.kv_type, program.value_width, at, values);
    }
  }
  return values;
}

}  // namespace

uint32_t result_width(const Program& program) {
  const auto* send = std::get_if<Send>(&program.ops.back());
  return program.slot_width[send == nullptr ? std::get<Logits>(program.ops.back()).in : send->in];
}

Results run_text(Plan& plan, const Program& program, const Limits& limits, const Text& text, uint32_t chunk,
                 std::optional<uint16_t> cached_layer, uint32_t most_steps, uint32_t candidates) {
  Results results(text.tokens.size());
  const size_t width = candidates > 0 ? 2 * candidates : result_width(program);
  size_t longest = 0;
  for (const auto& tokens : text.tokens) longest = std::max(longest, tokens.size());
  for (uint32_t begin = 0; begin < longest && begin / chunk < most_steps; begin += chunk) {
    Batch batch = batch_of(text, begin, begin + chunk, !program.state_width.empty());
    const std::vector<float> received = received_rows(program, batch);
    batch.received = received;
    if (candidates > 0) batch.candidates.assign(batch.outputs.size(), candidates);
    plan.submit(batch);
    const StepResult result = plan.wait();
    const bool sends = std::holds_alternative<Send>(program.ops.back());
    const std::vector<float> largest = values_of(result.candidates);
    const std::span<const float> found = sends ? result.sent : candidates > 0 ? largest : result.logits;
    if (found.size() != batch.outputs.size() * width)
      throw DeviceError("a step gave " + std::to_string(found.size()) + " values instead of " +
                        std::to_string(batch.outputs.size() * width));
    for (size_t s = 0; s < results.size(); ++s)
      results[s].insert(results[s].end(), found.begin() + static_cast<ptrdiff_t>(batch.row_begin[s] * width),
                        found.begin() + static_cast<ptrdiff_t>(batch.row_begin[s + 1] * width));
  }
  for (size_t s = 0; s < results.size() && cached_layer; ++s) {
    const std::vector<float> cached = kept(plan, program, limits, text, s, *cached_layer);
    const size_t rows = text.tokens[s].size(), more = cached.size() / rows;
    std::vector<float> joined;
    for (size_t i = 0; i < rows; ++i) {
      joined.insert(joined.end(), &results[s][i * width], &results[s][i * width] + width);
      joined.insert(joined.end(), &cached[i * more], &cached[i * more] + more);
    }
    results[s] = std::move(joined);
  }
  return results;
}

}  // namespace hearth::conform
