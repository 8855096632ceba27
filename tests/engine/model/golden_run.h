// Runs the cases of a golden file, as its README describes them.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "backends/backend.h"

namespace hearth {

inline constexpr uint32_t kContext = 256;  // of the recorded runs
inline constexpr uint32_t kPageSize = 32;

inline Limits golden_limits(KvType kv_type) {
  Limits limits;
  limits.rows = kContext;
  limits.pages = kContext / kPageSize;
  limits.page_size = kPageSize;
  limits.states = 1;
  limits.kv_type = kv_type;
  return limits;
}

// Feeds tokens of one sequence, `chunk` at a time, with these scales of adapters, and returns the logits after the
// wanted positions.
inline std::vector<std::vector<float>> run(Plan& plan, const Program& program, const std::vector<int32_t>& tokens,
                                           const std::vector<uint32_t>& wanted, uint32_t chunk,
                                           const std::vector<float>& adapter_scales = {}) {
  std::vector<uint32_t> pages(kContext / kPageSize);
  for (uint32_t i = 0; i < pages.size(); ++i) pages[i] = static_cast<uint32_t>(pages.size()) - 1 - i;
  std::vector<std::vector<float>> results;
  for (uint32_t begin = 0; begin < tokens.size(); begin += chunk) {
    const auto end = std::min<uint32_t>(begin + chunk, static_cast<uint32_t>(tokens.size()));
    Batch batch;
    batch.row_begin = {0, end - begin};
    batch.page_begin = {0, static_cast<uint32_t>(pages.size())};
    batch.pages = pages;
    batch.adapter_scales = adapter_scales;
    if (!program.state_width.empty()) batch.states = {0};
    for (uint32_t position = begin; position < end; ++position) {
      batch.tokens.push_back(tokens[position]);
      batch.positions.push_back(position);
      if (std::find(wanted.begin(), wanted.end(), position) != wanted.end()) batch.outputs.push_back(position - begin);
    }
    plan.submit(batch);
    const std::span<const float> logits = plan.wait().logits;
    const size_t count = batch.outputs.size(), vocabulary = count == 0 ? 0 : logits.size() / count;
    for (size_t i = 0; i < count; ++i)
      results.emplace_back(logits.begin() + static_cast<ptrdiff_t>(i * vocabulary),
                           logits.begin() + static_cast<ptrdiff_t>((i + 1) * vocabulary));
  }
  return results;
}

using Vectors = std::vector<std::vector<float>>;

// What a case of the file wants, of which positions. A GELU model's `exact` is free of its engine's rounding.
struct Wanted {
  std::vector<uint32_t> positions;
  Vectors results;
};

inline std::vector<float> exact(const nlohmann::json& output, const char* name) {
  return output.at(output.contains("exact") ? "exact" : name);
}

inline Wanted wanted_of(const nlohmann::json& one) {
  Wanted wanted;
  if (one.contains("embedding")) {
    for (uint32_t i = 0; i < one.at("tokens").size(); ++i) wanted.positions.push_back(i);
    wanted.results.push_back(exact(one, "embedding"));
    return wanted;
  }
  for (const auto& output : one.at("outputs")) {
    const uint32_t position = output.at("position");
    if (!wanted.positions.empty() && wanted.positions.back() == position) continue;
    wanted.positions.push_back(position);
    wanted.results.push_back(exact(output, "logits"));
  }
  return wanted;
}

inline std::vector<float> pooled(const Vectors& hidden, const std::string& rule) {
  if (rule == "cls") return hidden.front();
  if (rule == "last") return hidden.back();
  std::vector<float> mean(hidden[0].size());
  for (const auto& one : hidden)
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += one[i] / static_cast<float>(hidden.size());
  return mean;
}

}  // namespace hearth
