// The golden files, and how far a device's results are from what they record.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "engine/model/decoder.h"
#include "tests/engine/model/golden_run.h"
#include "tests/shared_data.h"

namespace hearth {

// How the tokens of a case are fed: `chunk` at a time.
struct GoldenCase {
  std::string path;  // without extension, relative to the golden folder
  uint32_t chunk;
};

inline void PrintTo(const GoldenCase& one, std::ostream* out) { *out << one.path << " in chunks of " << one.chunk; }

inline std::string name_of(const GoldenCase& one) {
  std::string name = one.path + "_by_" + std::to_string(one.chunk);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}

// What sees all of its sequence gets it in one batch.
inline bool is_encoder(const std::string& path) { return path == "models/bert" || path == "models/nomic-bert"; }

inline std::vector<GoldenCase> golden_cases() {
  const char* models[] = {"bert",
                          "cohere2",
                          "command-r",
                          "deepseek2",
                          "deepseek2-mla",
                          "exaone4",
                          "exaone4-full",
                          "falcon",
                          "gemma",
                          "gemma2",
                          "gemma3",
                          "gemma3-rope-linear",
                          "glm4",
                          "gpt-oss",
                          "gpt-oss-mxfp4",
                          "gpt2",
                          "gptneox",
                          "granite",
                          "granitemoe",
                          "llama-gqa-rope-freqs",
                          "llama-mha",
                          "llama-moe",
                          "llama-rope-linear",
                          "llama-rope-yarn",
                          "llama-tied",
                          "mistral3",
                          "nomic-bert",
                          "olmo2",
                          "olmo2-swa",
                          "olmoe",
                          "phi2",
                          "phi3",
                          "phi3-longrope-long",
                          "phi3-longrope-short",
                          "qwen2",
                          "qwen2moe",
                          "qwen3",
                          "qwen3next",
                          "qwen3next-fused",
                          "qwen35",
                          "qwen35moe",
                          "qwen3-embedding",
                          "qwen3moe",
                          "smollm3",
                          "stablelm",
                          "stablelm-parallel",
                          "starcoder2"};
  const char* quantized[] = {"llama-f16",    "llama-iq3_s",  "llama-bf16",    "llama-q4_0",   "llama-q4_1",
                             "llama-q5_0",   "llama-q5_1",   "llama-q8_0",    "llama-q2_k",   "llama-q3_k",
                             "llama-q4_k",   "llama-q5_k",   "llama-q6_k",    "llama-iq4_nl", "llama-iq4_xs",
                             "llama-q4_k_m", "llama-q3_k_m", "qwen3moe-q4_k", "qwen3moe-q8_0"};
  std::vector<GoldenCase> list;
  const auto add = [&](const std::string& path) {
    for (const uint32_t chunk : {kContext, 13u, 1u})
      if (chunk == kContext || !is_encoder(path)) list.push_back({path, chunk});
  };
  for (const std::string model : models) add("models/" + model);
  for (const std::string model : quantized) add("quantized/" + model);
  return list;
}

// Of the distributions that logits stand for, from the expected one.
inline double divergence(const std::vector<float>& expected, const std::vector<float>& found) {
  const auto log_sum = [](const std::vector<float>& logits) {
    double sum = 0;
    for (const float logit : logits) sum += std::exp(double{logit});
    return std::log(sum);
  };
  const double expected_sum = log_sum(expected), found_sum = log_sum(found);
  double result = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double log_probability = double{expected[i]} - expected_sum;
    result += std::exp(log_probability) * (log_probability - (double{found[i]} - found_sum));
  }
  return result;
}

struct Difference {
  double largest = 0, mean_divergence = 0;
};

inline std::filesystem::path golden_path(const GoldenCase& which, const char* extension) {
  return shared_data("golden/" + which.path + extension);
}

// From the recorded results, over all cases of the file.
inline Difference difference(Device& device, KvType kv_type, const GoldenCase& which) {
  const Gguf file = Gguf::open(golden_path(which, ".gguf"));
  const nlohmann::json golden = nlohmann::json::parse(std::ifstream(golden_path(which, ".golden.json")));
  const bool embeds = golden.contains("pooling");
  const Program decoder = build_decoder(file, read_config(file), kContext);
  const auto plan = device.compile(embeds ? without_head(decoder) : decoder, golden_limits(kv_type));
  Difference apart;
  size_t count = 0;
  for (const auto& one : golden.at("cases")) {
    const Wanted wanted = wanted_of(one);
    Vectors results = run(*plan, decoder, one.at("tokens"), wanted.positions, which.chunk);
    EXPECT_EQ(results.size(), wanted.positions.size());
    if (embeds) results = {pooled(results, golden.at("pooling"))};
    for (size_t i = 0; i < std::min(results.size(), wanted.results.size()); ++i, ++count) {
      const std::vector<float>&found = results[i], &expected = wanted.results[i];
      EXPECT_EQ(found.size(), expected.size());
      for (size_t j = 0; j < std::min(found.size(), expected.size()); ++j) {
        const double distance = std::abs(double{found[j]} - double{expected[j]});
        if (!(distance <= apart.largest)) apart.largest = distance;
      }
      if (std::isnan(apart.largest)) return apart;
      if (!embeds) apart.mean_divergence += divergence(expected, found);
    }
  }
  apart.mean_divergence /= static_cast<double>(std::max<size_t>(count, 1));
  return apart;
}

// What the README of the golden files allows for arithmetic like the CPU backend's: F32 throughout for float weights,
// and activations rounded to 8 bits for the others, which may err by twice what other engines do. A mixture's choice
// may fall otherwise then, which is seen in single logits only; the distributions stay close.
inline Difference tolerance(const nlohmann::json& golden) {
  const auto& agreement = golden.at("agreement");
  if (golden.at("model") == "gpt-oss-mxfp4.gguf") return {0.6, 5e-3};
  if (!agreement.contains("native_llama.cpp")) return {2e-4, 1e-8};
  return {
      2 * std::max(agreement.at("native_llama.cpp").get<double>(), agreement.at("native_ik_llama.cpp").get<double>()),
      0.03};
}

}  // namespace hearth
