// Which of a repository's files is fetched, and what is said of listings and manifests that cannot be.
#include "tools/fetch/choice.h"

#include <gtest/gtest.h>

#include "hearth/hearth.h"
#include "tests/tools/fetch/fake_origin.h"
#include "tools/fetch/manifest.h"

namespace hearth::fetch {
namespace {

constexpr uint64_t kGiB = 1 << 30;

TEST(Choice, NamesTellTheirQuantisation) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "Q4_K_M"},
      {"Meta-Llama-3.1-8B-Instruct-IQ4_XS.gguf", "IQ4_XS"},
      {"dir/model.Q8_0.gguf", "Q8_0"},
      {"model_Q5_K_S.gguf", "Q5_K_S"},
      {"gpt-oss-20b-MXFP4_MOE.gguf", "MXFP4_MOE"},
      {"gemma-2b-it.fp16.gguf", "FP16"},
      {"Qwen3-4B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"},
      {"Q4_K_M/big-Q4_K_M-00001-of-00003.gguf", "Q4_K_M"},
      {"model-TQ1_0.gguf", "TQ1_0"},
      {"Qwen2-7B.gguf", ""},
      {"spark.gguf", ""},
      {"q.gguf", ""},
  };
  for (const auto& [path, quantization] : cases) EXPECT_EQ(quantization_of(path), quantization) << path;
}

ListedFile listed(const std::string& path, uint64_t size) { return {path, size, std::string(64, 'b')}; }

TEST(Choice, PartsBelongTogetherAndOtherFilesAreLeftOut) {
  const auto found = find_candidates({listed("README.md", 5), listed("mmproj-model-f16.gguf", 5),
                                      listed("m-Q8_0-00002-of-00002.gguf", 6), listed("m-Q8_0-00001-of-00002.gguf", 7),
                                      listed("m-Q6_K-00001-of-00002.gguf", 5), listed("m-Q5_0-00003-of-00002.gguf", 5),
                                      listed("m-Q4_0.gguf", 4), listed("m-Q2_K.gguf", 0)});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].quantization, "Q4_0");
  EXPECT_EQ(found[1].quantization, "Q8_0");
  ASSERT_EQ(found[1].files.size(), 2u);
  EXPECT_EQ(found[1].files[0].path, "m-Q8_0-00001-of-00002.gguf");
  EXPECT_EQ(found[1].bytes(), 13u);
}

class Choosing : public testing::Test {
 protected:
  std::string chosen(const std::string& asked, uint64_t budget) const {
    return choose(candidates_, asked, overhead_, budget, "hf.co/o/r").candidate->quantization;
  }
  std::string refusal(const std::string& asked, uint64_t budget) const {
    try {
      return "chose " + chosen(asked, budget);
    } catch (const Error& error) {
      return error.what();
    }
  }

  std::vector<Candidate> candidates_ = find_candidates(
      {listed("m-F16.gguf", 16 * kGiB), listed("m-Q8_0.gguf", 8 * kGiB), listed("m-Q4_K_M.gguf", 5 * kGiB),
       listed("m-IQ4_XS.gguf", 4 * kGiB), listed("m-IQ3_S.gguf", 3 * kGiB), listed("m-Q2_K.gguf", 2 * kGiB)});
  std::optional<Overhead> overhead_ = Overhead{kGiB / 2, kGiB / 2, 4096};
};

TEST_F(Choosing, TheUsualOneWhereItFitsElseTheLargestThatDoes) {
  EXPECT_EQ(chosen("", 100 * kGiB), "Q4_K_M");
  EXPECT_EQ(chosen("", 6 * kGiB), "Q4_K_M") << "to the byte";
  EXPECT_EQ(chosen("", 6 * kGiB - 1), "IQ4_XS");
  EXPECT_EQ(chosen("", 5 * kGiB - 1), "Q2_K") << "IQ3_S is slow";
  EXPECT_EQ(chosen("Q8_0", kGiB), "Q8_0") << "asked for";
  std::erase_if(candidates_, [](const Candidate& one) { return one.quantization == "Q4_K_M"; });
  EXPECT_EQ(chosen("", 100 * kGiB), "Q8_0") << "16 bits are not worth it";
  candidates_.erase(candidates_.begin(), candidates_.end() - 1);
  EXPECT_EQ(chosen("", 100 * kGiB), "F16") << "but where there is nothing else";
}

TEST_F(Choosing, ItIsSaidWhy) {
  EXPECT_EQ(choose(candidates_, "", overhead_, 6 * kGiB - 1, "hf.co/o/r").reason,
            "IQ4_XS, the largest that fits, as Q4_K_M would take 6.0 GiB: weights 4.0 GiB, cache 512.0 MiB for 4096 "
            "tokens, scratch 512.0 MiB: 5.0 GiB of 6.0 GiB");
  overhead_.reset();
  EXPECT_NE(choose(candidates_, "", overhead_, 9 * kGiB, "hf.co/o/r").reason.find("Q4_K_M: about 5.9 GiB of 9.0 GiB"),
            std::string::npos);
}

TEST_F(Choosing, WhatCannotBeChosenIsNamed) {
  EXPECT_NE(refusal("Q5_K_M", 100 * kGiB).find("has no Q5_K_M; it has Q2_K (2.0 GiB), IQ3_S"), std::string::npos);
  EXPECT_NE(refusal("", 2 * kGiB).find("nothing that it has fits into 2.0 GiB of memory"), std::string::npos);
  candidates_ = find_candidates({listed("a-Q4_K_M.gguf", 5), listed("b-Q4_K_M.gguf", 5)});
  EXPECT_NE(refusal("", kGiB).find("hf.co/o/r/a-Q4_K_M.gguf or b-Q4_K_M.gguf"), std::string::npos);
  candidates_.clear();
  EXPECT_NE(refusal("", kGiB).find("holds no GGUF model"), std::string::npos);
}

template <class Read>
std::string error_of(Read read) {
  try {
    read();
  } catch (const Error& error) {
    return error.what();
  }
  return "taken";
}

TEST(Listing, WrongOnesAreRefusedInOneLine) {
  const std::string good = "[" + listing_entry("a.gguf", "x") + R"(,{"type":"directory","path":"d"}])";
  std::vector<ListedFile> files;
  read_listing(good, "it", files);
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].size, 1u);
  const auto error = [&](const std::string& json) {
    return error_of([&] {
      std::vector<ListedFile> more;
      read_listing(json, "it", more);
    });
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "no JSON array"},
      {"<html>", "no JSON array"},
      {"{}", "no JSON array"},
      {"[7]", "no object"},
      {"[{}]", "'type'"},
      {R"([{"type":"file","size":1}])", "'path'"},
      {R"([{"type":"file","path":"a","size":-1}])", "'size'"},
      {R"([{"type":"file","path":"a","size":1.5}])", "'size'"},
      {R"([{"type":"file","path":"a","size":99999999999999999999}])", "'size'"},
      {R"([{"type":"file","path":"a","size":1,"lfs":7}])", "'lfs'"},
      {R"([{"type":"file","path":"a","size":1,"lfs":{"oid":"ABC","size":1}}])", "'lfs.oid'"},
      {R"([{"type":"file","path":")" + std::string(2000, 'a') + R"(","size":1}])", "'path'"},
      {std::string(10'000, '['), "no JSON array"},
  };
  for (const auto& [json, what] : cases) {
    const std::string line = error(json);
    EXPECT_TRUE(line.starts_with("it: ") && line.find(what) != line.npos) << line;
  }
}

TEST(Manifest, ModelAndPapersAreTaken) {
  const Manifest manifest = read_manifest(
      manifest_of({manifest_layer("license", "MIT"), manifest_layer("model", "GGUF"), manifest_layer("projector", "p"),
                   manifest_layer("params", "{}"), manifest_layer("projector", "q")}),
      "it");
  EXPECT_EQ(manifest.model.size, 4u);
  ASSERT_EQ(manifest.papers.size(), 2u);
  EXPECT_EQ(manifest.papers[1].kind, "params");
  EXPECT_EQ(manifest.left_out, std::vector<std::string>{"projector"});
}

TEST(Manifest, WrongOnesAreRefusedInOneLine) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"nonsense", "no JSON object"},
      {"[]", "no JSON object"},
      {"{}", "'layers'"},
      {R"({"layers":[1]})", "objects"},
      {R"({"layers":[{}]})", "'mediaType'"},
      {R"({"layers":[{"mediaType":"m"}]})", "'digest'"},
      {R"({"layers":[{"mediaType":"m","digest":"md5:1","size":1}]})", "sha256:"},
      {R"({"layers":[{"mediaType":"m","digest":"sha256:../../../../x","size":1}]})", "sha256:"},
      {R"({"layers":[{"mediaType":"m","digest":"d","size":-1}]})", "'size'"},
      {manifest_of({}), "holds no GGUF model"},
      {manifest_of({manifest_layer("tensor", "x")}), "no GGUF model but only tensor"},
      {manifest_of({manifest_layer("model", "x"), manifest_layer("model", "y")}), "several models"},
      {manifest_of({manifest_layer("model", "x"), manifest_layer("adapter", "y")}), "LoRA"},
      {manifest_of({manifest_layer("model", "")}), "empty"},
  };
  for (const auto& [json, what] : cases) {
    const std::string line = error_of([&, &text = json] { read_manifest(text, "it"); });
    EXPECT_TRUE(line.starts_with("it: ") && line.find(what) != line.npos) << line;
  }
}

}  // namespace
}  // namespace hearth::fetch
