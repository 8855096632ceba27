// Logits of small models of every architecture and weight format, against recorded ones, on every device and in every
// way of feeding the tokens.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "backends/reference/device.h"
#include "engine/model/decoder.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

constexpr uint32_t kContext = 256;  // of the recorded runs
constexpr uint32_t kPageSize = 32;

// How the tokens of a case are fed: `chunk` at a time.
struct Case {
  std::string path;  // without extension, relative to the golden folder
  uint32_t chunk;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.path << " in chunks of " << one.chunk; }

std::vector<Case> cases() {
  const char* models[] = {"models/llama-mha",
                          "models/llama-tied",
                          "models/llama-gqa-rope-freqs",
                          "models/llama-rope-linear",
                          "models/llama-rope-yarn",
                          "models/llama-moe",
                          "models/qwen2",
                          "models/phi3",
                          "models/phi3-longrope-long",
                          "models/phi3-longrope-short",
                          "quantized/llama-f16",
                          "quantized/llama-bf16",
                          "quantized/llama-q4_0",
                          "quantized/llama-q4_1",
                          "quantized/llama-q5_0",
                          "quantized/llama-q5_1",
                          "quantized/llama-q8_0",
                          "quantized/llama-q2_k",
                          "quantized/llama-q3_k",
                          "quantized/llama-q4_k",
                          "quantized/llama-q5_k",
                          "quantized/llama-q6_k",
                          "quantized/llama-iq4_nl",
                          "quantized/llama-iq4_xs",
                          "quantized/llama-q4_k_m",
                          "quantized/llama-q3_k_m"};
  std::vector<Case> list;
  for (const char* model : models)
    for (const uint32_t chunk : {kContext, 13u, 1u}) list.push_back({model, chunk});
  return list;
}

// Feeds tokens of one sequence, `chunk` at a time, and returns the logits after the wanted positions.
std::vector<std::vector<float>> run(Plan& plan, const std::vector<int32_t>& tokens, const std::vector<uint32_t>& wanted,
                                    uint32_t chunk) {
  std::vector<uint32_t> pages(kContext / kPageSize);
  for (uint32_t i = 0; i < pages.size(); ++i) pages[i] = static_cast<uint32_t>(pages.size()) - 1 - i;
  std::vector<std::vector<float>> results;
  for (uint32_t begin = 0; begin < tokens.size(); begin += chunk) {
    const auto end = std::min<uint32_t>(begin + chunk, static_cast<uint32_t>(tokens.size()));
    Batch batch;
    batch.row_begin = {0, end - begin};
    batch.page_begin = {0, static_cast<uint32_t>(pages.size())};
    batch.pages = pages;
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

class GoldenModel : public testing::TestWithParam<Case> {
 protected:
  // Largest difference to the recorded logits over all cases of the file.
  double largest_difference(Device& device, KvType kv_type) {
    const Gguf file = Gguf::open(path(".gguf"));
    const Program program = build_decoder(file, read_config(file), kContext);
    Limits limits;
    limits.rows = kContext;
    limits.pages = kContext / kPageSize;
    limits.page_size = kPageSize;
    limits.kv_type = kv_type;
    const auto plan = device.compile(program, limits);
    const nlohmann::json golden = nlohmann::json::parse(std::ifstream(path(".golden.json")));
    double largest = 0;
    for (const auto& one : golden.at("cases")) {
      std::vector<uint32_t> wanted;
      for (const auto& output : one.at("outputs")) wanted.push_back(output.at("position"));
      std::vector<uint32_t> unique = wanted;
      unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
      const auto results = run(*plan, one.at("tokens"), unique, GetParam().chunk);
      EXPECT_EQ(results.size(), unique.size());
      for (size_t i = 0; i < results.size(); ++i) {
        const std::vector<float> expected = one.at("outputs").at(i).at("logits");
        EXPECT_EQ(results[i].size(), expected.size());
        for (size_t j = 0; j < std::min(results[i].size(), expected.size()); ++j) {
          const double difference = std::abs(double{results[i][j]} - double{expected[j]});
          largest = std::isnan(difference) ? difference : std::max(largest, difference);
          if (std::isnan(largest)) return largest;
        }
      }
    }
    return largest;
  }
  static std::filesystem::path path(const char* extension) {
    return shared_data("golden/" + GetParam().path + extension);
  }
};

TEST_P(GoldenModel, ReferenceGivesTheRecordedLogits) {
  HEARTH_REQUIRE_SHARED(path(".gguf"));
  // The recorded figures were computed in F32; over these depths that is 1e-5 to 1e-4 from exact arithmetic.
  EXPECT_LE(largest_difference(*make_reference_device(), KvType::f32), 2e-4);
}

INSTANTIATE_TEST_SUITE_P(All, GoldenModel, testing::ValuesIn(cases()), [](const auto& one) {
  std::string name = one.param.path + "_by_" + std::to_string(one.param.chunk);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

}  // namespace
}  // namespace hearth
