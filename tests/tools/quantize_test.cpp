// hearth quantize and hearth perplexity as a user runs them.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/formats/gguf_bytes.h"
#include "tests/tools/program.h"

namespace hearth {
namespace {

class QuantizeProgram : public testing::Test {
 protected:
  const std::string spark_ = std::filesystem::path(HEARTH_SOURCE_DIR) / "tests/data/models/spark.gguf";
  std::string in_folder(const char* name) const { return folder_.path() / name; }

  std::string quantized(const char* type) const {
    const std::string path = in_folder(type);
    const Outcome outcome = run_program({"quantize", spark_, path, type, "--allow-requantize"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return path;
  }
  std::string text_file(int functions = 30) const {
    std::string text;
    for (int i = 0; i < functions; ++i) {
      const std::string number = std::to_string(i * 37 % 101);
      text += "def function_" + number + "(self, value):\n    return value + self.count[" + number + "]\n\n";
    }
    write_text(folder_.path() / "text.py", text);
    return in_folder("text.py");
  }
  static nlohmann::json measured(std::vector<std::string> words) {
    words.insert(words.begin(), "perplexity");
    words.insert(words.end(), {"--ctx", "64", "--chunks", "4", "--json"});
    const Outcome outcome = run_program(words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return nlohmann::json::parse(outcome.out, nullptr, false);
  }

  TemporaryFolder folder_;
};

TEST_F(QuantizeProgram, WritesAModelThatRuns) {
  const std::string path = quantized("q4_k_m");
  const auto told = nlohmann::json::parse(run_program({"inspect", path, "--json", "--tensors"}).out);
  EXPECT_EQ(told["metadata"]["general.file_type"], 15);
  for (const auto& tensor : told["tensors"]) {
    if (tensor["name"] == "token_embd.weight") EXPECT_EQ(tensor["format"], "Q6_K");
    if (tensor["name"] == "blk.0.ffn_gate.weight") EXPECT_EQ(tensor["format"], "Q4_K");
    if (tensor["name"] == "output_norm.weight") EXPECT_EQ(tensor["format"], "F32");
  }
  const Outcome answer = run_program({"run", path, "-p", "def f(x):", "-n", "4", "--temp", "0"});
  EXPECT_EQ(answer.exit_code, 0) << answer.err;
}

TEST_F(QuantizeProgram, WritesCodedFormatsThatRun) {
  const std::string matrix = in_folder("imatrix.gguf");
  ASSERT_EQ(run_program({"imatrix", spark_, text_file(), "-o", matrix, "--ctx", "64", "--chunks", "3"}).exit_code, 0);
  for (const auto& [type, number, format] :
       {std::tuple("IQ1_M", 31, "IQ1_M"), std::tuple("IQ2_S", 28, "IQ2_XS"), std::tuple("iq3_xs", 22, "IQ3_XXS"),
        std::tuple("TQ1_0", 36, "TQ1_0"), std::tuple("NVFP4", 39, "NVFP4")}) {
    const std::string path = in_folder(type);
    const Outcome outcome = run_program({"quantize", spark_, path, type, "--allow-requantize", "--imatrix", matrix});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "") << type;
    const auto told = nlohmann::json::parse(run_program({"inspect", path, "--json", "--tensors"}).out);
    EXPECT_EQ(told["metadata"]["general.file_type"], number);
    for (const auto& tensor : told["tensors"])
      if (tensor["name"] == "blk.2.ffn_gate.weight") EXPECT_EQ(tensor["format"], format);
    EXPECT_EQ(run_program({"run", path, "-p", "def f(x):", "-n", "4", "--temp", "0"}).exit_code, 0) << type;
  }
}

TEST_F(QuantizeProgram, FewBitsWithoutImportanceAreWarnedOfInALine) {
  const auto told = [&](const char* type) {
    const Outcome outcome =
        run_program({"quantize", spark_, in_folder("out.gguf"), type, "--allow-requantize", "--dry-run"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.err;
  };
  const std::string line = told("IQ2_XS");
  EXPECT_NE(line.find("hearth imatrix"), std::string::npos) << line;
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(told("IQ3_S"), "");
  EXPECT_EQ(told("Q2_K"), "");
}

TEST_F(QuantizeProgram, ADryRunListsAndWritesNothing) {
  const Outcome outcome = run_program({"quantize", spark_, in_folder("out.gguf"), "Q2_K", "--allow-requantize",
                                       "--dry-run", "--tensor", "blk.1.*=q5_0", "--tensor", "*.attn_q.weight=F16"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* line : {"blk.0.ffn_down.weight  Q8_0 -> Q3_K\n", "blk.1.attn_q.weight  Q8_0 -> Q5_0\n",
                           "blk.2.attn_q.weight  Q8_0 -> F16\n", "output_norm.weight  F32\n", "38 tensors:"})
    EXPECT_NE(outcome.out.find(line), std::string::npos) << line << outcome.out;
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(QuantizeProgram, WrongCommandLinesAreUsageErrors) {
  const std::string out = in_folder("out.gguf");
  const auto refusal = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "quantize");
    return expect_refusal(run_program(words), 2);
  };
  refusal({});
  refusal({spark_, out});
  EXPECT_NE(refusal({spark_, out, "Q9_K"}).find("Q4_K_M"), std::string::npos);
  refusal({spark_, out, "Q4_0", "--tensor", "blk"});
  refusal({spark_, out, "Q4_0", "--tensor", "=Q4_0"});
  EXPECT_NE(refusal({spark_, out, "Q4_0", "--tensor", "blk.*=Q4_K_M"}).find("Q4_K_M"), std::string::npos);
  EXPECT_NE(refusal({spark_, out, "Q4_0", "--allow-requantize", "--tensor", "nothing*=Q4_0"}).find("nothing*"),
            std::string::npos);
  refusal({spark_, out, "Q4_0", "--threads", "0"});
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(QuantizeProgram, WrongInputIsNamed) {
  const std::string out = in_folder("out.gguf"), noise = in_folder("noise.gguf");
  write_text(noise, "no model");
  const auto refusal = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "quantize");
    return expect_refusal(run_program(words), 1);
  };
  EXPECT_NE(refusal({in_folder("absent.gguf"), out, "Q4_0"}).find("absent.gguf"), std::string::npos);
  EXPECT_NE(refusal({noise, out, "Q4_0"}).find("noise.gguf"), std::string::npos);
  EXPECT_NE(refusal({spark_, out, "Q4_0"}).find("--allow-requantize"), std::string::npos);
  EXPECT_NE(refusal({spark_, out, "Q4_0", "--allow-requantize", "--imatrix", noise}).find("noise.gguf"),
            std::string::npos);
  EXPECT_NE(refusal({spark_, out, "Q4_0", "--allow-requantize", "--imatrix", spark_}).find("importance"),
            std::string::npos);
  EXPECT_NE(refusal({spark_, in_folder("no/out.gguf"), "F16"}).find("no/out.gguf"), std::string::npos);
  EXPECT_NE(refusal({spark_, spark_, "F16"}).find("input itself"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(out));
}

// The figure must be the one that the raw logits give.
TEST_F(QuantizeProgram, PerplexityIsThatOfTheLogits) {
  const std::string text = text_file();
  std::ifstream file(text);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  const auto body = nlohmann::json::parse(run_program({"tokenize", spark_}, content.substr(0, content.size() - 1)).out);
  std::vector<int> tokens = body.get<std::vector<int>>();
  const int bos = 2039;
  tokens.insert(tokens.begin(), bos);
  double sum = 0;
  int count = 0;
  for (size_t chunk = 0; chunk < 4; ++chunk) {
    std::vector<int> ids(tokens.begin() + static_cast<ptrdiff_t>(chunk * 64),
                         tokens.begin() + static_cast<ptrdiff_t>((chunk + 1) * 64));
    ids[0] = bos;
    std::vector<int> positions;
    for (int i = 32; i < 63; ++i) positions.push_back(i);
    const auto logits = nlohmann::json::parse(
        run_program({"logits", spark_}, nlohmann::json{{"tokens", ids}, {"positions", positions}}.dump()).out);
    for (size_t i = 0; i < positions.size(); ++i) {
      double all = 0;
      const auto& row = logits["outputs"][i]["logits"];
      for (const auto& logit : row) all += std::exp(logit.get<double>());
      sum += std::log(all) - row[static_cast<size_t>(ids[33 + i])].get<double>();
      ++count;
    }
  }
  const auto result = measured({spark_, text});
  EXPECT_EQ(result["tokens"], count);
  EXPECT_NEAR(result["nll"]["value"].get<double>(), sum / count, 2e-3);
  EXPECT_GT(result["perplexity"]["error"].get<double>(), 0);
}

TEST_F(QuantizeProgram, CoarserFormatsAreFurtherFromTheBase) {
  const std::string text = text_file(), base = in_folder("base.logits");
  const auto itself = measured({spark_, text, "--save-logits", base});
  const auto same = measured({spark_, "--base", base})["base"],
             fine = measured({quantized("Q5_K_M"), "--base", base})["base"],
             coarse = measured({quantized("Q2_K"), "--base", base})["base"];
  const auto divergence = [](const nlohmann::json& of) { return of["kl_divergence"]["value"].get<double>(); };
  EXPECT_LT(divergence(same), 1e-5);
  EXPECT_EQ(same["same_top_token"]["value"], 1);
  EXPECT_NEAR(same["perplexity"]["value"].get<double>(), itself["perplexity"]["value"].get<double>(), 1e-2);
  EXPECT_GT(divergence(fine), 10 * divergence(same));
  EXPECT_GT(divergence(coarse), 4 * divergence(fine));
  EXPECT_LT(coarse["same_top_token"]["value"].get<double>(), fine["same_top_token"]["value"].get<double>());
}

TEST_F(QuantizeProgram, AnImportanceMatrixIsMeasuredAndUsed) {
  const std::string text = text_file(), matrix = in_folder("imatrix.gguf"), out = in_folder("out.gguf");
  const Outcome measured = run_program({"imatrix", spark_, text, "-o", matrix, "--ctx", "64", "--chunks", "3"});
  EXPECT_EQ(measured.exit_code, 0) << measured.err;
  EXPECT_NE(measured.out.find("28 matrices over 3 chunks of 64 tokens"), std::string::npos) << measured.out;
  const Outcome used = run_program({"quantize", spark_, out, "Q2_K", "--allow-requantize", "--imatrix", matrix});
  EXPECT_EQ(used.exit_code, 0) << used.err;
  EXPECT_NE(used.out.find("28 tensors by importance"), std::string::npos) << used.out;
  EXPECT_EQ(run_program({"run", out, "-p", "def f(x):", "-n", "4", "--temp", "0"}).exit_code, 0);

  const auto refusal = [&](std::vector<std::string> words, int code) {
    words.insert(words.begin(), "imatrix");
    return expect_refusal(run_program(words), code);
  };
  refusal({spark_, text}, 2);
  refusal({spark_, text, "-o", matrix, "--ctx", "1"}, 2);
  EXPECT_NE(refusal({spark_, text_file(1), "-o", matrix}, 1).find("fewer than a chunk of 512"), std::string::npos);
  EXPECT_NE(refusal({spark_, in_folder("absent.txt"), "-o", matrix}, 1).find("absent.txt"), std::string::npos);
  EXPECT_NE(refusal({spark_, text, "-o", in_folder("no/imatrix.gguf")}, 1).find("no such folder"), std::string::npos);
  EXPECT_NE(refusal({text, text, "-o", matrix}, 1).find("text.py"), std::string::npos);
  EXPECT_NE(refusal({spark_, text, "-o", folder_.path(), "--ctx", "8"}, 1).find("not a regular file"),
            std::string::npos);
}

TEST_F(QuantizeProgram, WhatCannotBeScoredIsNamed) {
  const std::string text = text_file(1), noise = in_folder("noise");
  write_text(noise, "no logits, for certain");
  const auto run = [](std::vector<std::string> words, int code) {
    words.insert(words.begin(), "perplexity");
    return expect_refusal(run_program(words), code);
  };
  run({}, 2);
  run({spark_}, 2);
  run({spark_, text, "--base", noise}, 2);
  run({spark_, text, "--ctx", "2"}, 2);
  EXPECT_NE(run({spark_, text}, 1).find("fewer than a chunk of 512"), std::string::npos);
  EXPECT_NE(run({spark_, in_folder("absent.txt")}, 1).find("absent.txt"), std::string::npos);
  EXPECT_NE(run({spark_, "--base", noise}, 1).find("noise"), std::string::npos);
  EXPECT_NE(run({noise, text}, 1).find("noise"), std::string::npos);
  EXPECT_NE(run({spark_, text, "--ctx", "16", "--save-logits", in_folder("no/base")}, 1).find("no/base"),
            std::string::npos);
}

}  // namespace
}  // namespace hearth
