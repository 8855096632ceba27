// hearth convert as a user runs it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/engine/convert/tiny_llama.h"
#include "tests/tools/program.h"

namespace hearth {
namespace {

class ConvertProgram : public testing::Test {
 protected:
  void SetUp() override { tiny_llama().write(model()); }
  std::string model() const { return folder_.path() / "tiny"; }
  std::string out() const { return folder_.path() / "out.gguf"; }
  static std::string refusal(std::vector<std::string> words, int exit_code) {
    words.insert(words.begin(), "convert");
    return expect_refusal(run_program(words), exit_code);
  }

  TemporaryFolder folder_;
};

TEST_F(ConvertProgram, WritesAModelThatRuns) {
  const Outcome outcome = run_program({"convert", model(), out(), "--type", "bf16", "--name", "Tiny"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_NE(outcome.out.find("21 tensors: 16 BF16, 5 F32; "), std::string::npos) << outcome.out;
  const auto told = nlohmann::json::parse(run_program({"inspect", out(), "--json", "--tensors"}).out);
  EXPECT_EQ(told["metadata"]["general.name"], "Tiny");
  EXPECT_EQ(told["metadata"]["general.file_type"], 32);
  const Outcome logits = run_program({"logits", out()}, R"({"tokens":[1,5],"positions":[1]})");
  EXPECT_EQ(logits.exit_code, 0) << logits.err;
  EXPECT_EQ(nlohmann::json::parse(logits.out)["outputs"][0]["logits"].size(), 40u);
  EXPECT_EQ(run_program({"quantize", out(), folder_.path() / "q.gguf", "Q8_0"}).exit_code, 0);
}

TEST_F(ConvertProgram, ADryRunListsAndWritesNothing) {
  const Outcome outcome = run_program({"convert", model(), out(), "--type", "Q8_0", "--dry-run"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* line : {"token_embd.weight  [32,40]  model.embed_tokens.weight F32 -> Q8_0\n",
                           "blk.1.ffn_norm.weight  [32]  model.layers.1.post_attention_layernorm.weight F32 -> F32\n",
                           "21 tensors: 5 F32, 16 Q8_0; "})
    EXPECT_NE(outcome.out.find(line), std::string::npos) << line << outcome.out;
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(ConvertProgram, WrongCommandLinesAreUsageErrors) {
  refusal({}, 2);
  refusal({model()}, 2);
  EXPECT_NE(refusal({model(), out(), "--type", "Q4_K"}, 2).find("auto, F32, F16, BF16, Q8_0"), std::string::npos);
  EXPECT_NE(refusal({model(), out(), "--pre", "unheard"}, 2).find("qwen2"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(out()));
}

TEST_F(ConvertProgram, WrongInputIsNamedAndNothingIsLost) {
  write_text(out(), "an older file");
  EXPECT_NE(refusal({folder_.path() / "absent", out()}, 1).find("absent: is no folder"), std::string::npos);
  EXPECT_NE(refusal({folder_.path(), out()}, 1).find("no model*.safetensors"), std::string::npos);
  EXPECT_NE(refusal({model(), folder_.path() / "no/out.gguf"}, 1).find("no/out.gguf"), std::string::npos);
  write_text(std::filesystem::path(model()) / "tokenizer.model", "noise");
  EXPECT_NE(refusal({model(), out()}, 1).find("tokenizer.model: is no SentencePiece model"), std::string::npos);
  write_text(std::filesystem::path(model()) / "config.json", "{");
  EXPECT_NE(refusal({model(), out()}, 1).find("config.json: is no JSON at byte"), std::string::npos);
  EXPECT_EQ(std::filesystem::file_size(out()), 13u);
}

}  // namespace
}  // namespace hearth
