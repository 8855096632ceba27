// Golden models cut between all their layers: the logits of the whole.
#include "backends/cpu/device.h"
#include "backends/cut.h"
#include "backends/reference/device.h"
#include "backends/split.h"
#include "engine/model/loaded_model.h"
#include "tests/engine/model/adapter_file.h"
#include "tests/engine/model/golden_cases.h"
#include "tests/formats/gguf_bytes.h"

namespace hearth {
namespace {

class SplitGolden : public testing::TestWithParam<std::string> {
 protected:
  static std::filesystem::path path() { return golden_path({GetParam(), 0}, ".gguf"); }
};

std::shared_ptr<Device> two_threads() { return make_cpu_device({2, ""}); }

// The results after some of 40 tokens, fed by 13 at a time or all at once.
Vectors results_of(Device& device, const Program& program, uint32_t chunk, const std::vector<float>& scales = {}) {
  const auto plan = device.compile(program, golden_limits(KvType::f16));
  std::vector<int32_t> tokens;
  for (uint32_t i = 0; i < 40; ++i) tokens.push_back(static_cast<int32_t>((i * 37 + 11) % program.vocabulary));
  return run(*plan, program, tokens, {0, 12, 13, 39}, chunk, scales);
}

TEST_P(SplitGolden, GivesTheBitsOfTheWholeWhereverItIsCut) {
  HEARTH_REQUIRE_SHARED(path());
  const Gguf file = Gguf::open(path());
  const ModelConfig config = read_config(file);
  const Program program = build_decoder(file, config, kContext);
  ASSERT_EQ(layers_of(layer_cuts(program)), config.layers);
  for (const uint32_t chunk : {kContext, 13u}) {
    if (is_encoder(GetParam()) && chunk != kContext) continue;
    const Vectors expected = results_of(*two_threads(), program, chunk);
    for (uint32_t layers = 0; layers <= config.layers; ++layers) {
      const auto split = make_split_device({{two_threads(), layers}, {two_threads(), config.layers - layers}});
      EXPECT_EQ(results_of(*split, program, chunk), expected) << layers;
    }
  }
}

TEST_P(SplitGolden, GivesTheRecordedLogitsOnTwoKindsOfDevices) {
  HEARTH_REQUIRE_SHARED(path());
  const Gguf file = Gguf::open(path());
  const uint32_t layers = read_config(file).layers;
  const bool is_float = GetParam().starts_with("models/") && !GetParam().ends_with("mxfp4");
  const std::shared_ptr<Device> exact = make_reference_device();
  for (const std::vector<Part>& parts : {std::vector<Part>{{exact, 1}, {two_threads(), layers - 1}},
                                         std::vector<Part>{{two_threads(), layers - 1}, {exact, 1}}}) {
    const auto split = make_split_device(parts);
    const Difference apart = difference(*split, KvType::f32, {GetParam(), kContext});
    EXPECT_LE(apart.largest, is_float ? 2e-4 : 0.6);
    EXPECT_LE(apart.mean_divergence, is_float ? 1e-8 : 0.03);
  }
}

std::vector<std::string> models() {
  std::vector<std::string> names;
  for (const GoldenCase& one : golden_cases())
    if (one.chunk == kContext && (one.path.starts_with("models/") || one.path == "quantized/llama-q4_k_m"))
      names.push_back(one.path);
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, SplitGolden, testing::ValuesIn(models()), [](const auto& one) {
  std::string name = one.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

// Adapters that change all matrices of a model, and of one the embedding.
TEST(SplitAdapters, AddWhatTheyAddToTheWhole) {
  for (const char* name : {"llama-mha", "llama-moe", "phi3", "qwen3next"}) {
    const auto path = golden_path({std::string("models/") + name, 0}, ".gguf");
    HEARTH_REQUIRE_SHARED(path);
    const TemporaryFolder folder;
    const auto adapter = folder.path() / "adapter.gguf";
    random_adapter(Gguf::open(path), 4, 1).write(adapter);
    const LoadedModel model =
        load_model(Gguf::open(path), {.context = kContext, .pre_tokenizer = {}, .adapters = {adapter}});
    const Vectors expected = results_of(*two_threads(), model.program, 13, {0.7f});
    EXPECT_NE(expected, results_of(*two_threads(), model.program, 13, {0.0f}));
    for (uint32_t layers = 0; layers <= model.config.layers; ++layers) {
      const auto split = make_split_device({{two_threads(), layers}, {two_threads(), model.config.layers - layers}});
      EXPECT_EQ(results_of(*split, model.program, 13, {0.7f}), expected) << name << " " << layers;
    }
  }
}

}  // namespace
}  // namespace hearth
