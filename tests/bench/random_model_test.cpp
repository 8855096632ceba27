// Random models: decoded statistics of every format, the mixes, and files that open.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "bench/make_random_model/random_blocks.h"
#include "bench/make_random_model/vocabulary.h"
#include "bench/make_random_model/write.h"
#include "formats/gguf.h"

namespace hearth {

void PrintTo(const Storage& storage, std::ostream* out) { *out << storage.name; }

namespace {

class TemporaryFile {
 public:
  TemporaryFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hearth-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::filesystem::remove_all(folder_); }
  std::filesystem::path path() const { return folder_ / "model.gguf"; }
  std::string bytes() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::filesystem::path folder_;
};

std::vector<float> decode(const GgufTensor& tensor) {
  std::vector<float> values(tensor.dims[0] * tensor.dims[1]);
  format_info(tensor.format).decode(tensor.bytes.data(), values.data(), values.size());
  return values;
}

struct Statistics {
  double mean = 0, deviation = 0;
};
Statistics statistics(const std::vector<float>& values) {
  double sum = 0, squares = 0;
  for (const float value : values) {
    EXPECT_TRUE(std::isfinite(value));
    sum += value;
    squares += double{value} * value;
  }
  const double mean = sum / static_cast<double>(values.size());
  return {mean, std::sqrt(squares / static_cast<double>(values.size()) - mean * mean)};
}

class EveryStorage : public testing::TestWithParam<Storage> {};

TEST_P(EveryStorage, GivesAFileThatOpensWithTheWantedStatistics) {
  const TemporaryFile file;
  const Preset& preset = *find_preset("tiny");
  EXPECT_TRUE(write_random_model(file.path(), preset, GetParam(), 1, 2).empty());
  const Gguf gguf = Gguf::open(file.path());
  const PlannedModel model = plan_model(preset, GetParam(), 1);
  ASSERT_EQ(gguf.tensors().size(), model.tensors.size());
  for (const PlannedTensor& planned : model.tensors) {
    const GgufTensor* tensor = gguf.find_tensor(planned.name);
    ASSERT_NE(tensor, nullptr) << planned.name;
    EXPECT_EQ(tensor->format, planned.format);
    const std::vector<float> values = decode(*tensor);
    if (!planned.values.empty()) {
      EXPECT_EQ(values, planned.values) << planned.name;
      continue;
    }
    // 32768 values and more: the deviation of their mean is below 0.006 deviations, and of their deviation about as
    // much, but the few hundred scales of K-quants and MXFP4's powers of two add to both. See also random_blocks.h.
    const Statistics found = statistics(values);
    EXPECT_NEAR(found.deviation, planned.deviation, 0.06 * planned.deviation) << planned.name;
    EXPECT_NEAR(found.mean, 0, 0.05 * planned.deviation) << planned.name;
  }
}

TEST_P(EveryStorage, IsFiniteAtTheSmallestScaleOfAPreset) {
  double smallest = 1;
  for (const Preset& preset : presets())
    for (const PlannedTensor& tensor : plan_model(preset, GetParam(), 1).tensors)
      if (tensor.values.empty()) smallest = std::min(smallest, tensor.deviation);
  const FormatInfo& info = format_info(GetParam().format);
  const RandomBlocks blocks(info.format, smallest, 7);
  std::vector<float> values(size_t{1} << 18);
  std::vector<std::byte> bytes(values.size() / info.block_size * info.block_bytes);
  blocks.fill(0, bytes);
  info.decode(bytes.data(), values.data(), values.size());
  EXPECT_NEAR(statistics(values).deviation, smallest, 0.05 * smallest);
}

TEST_P(EveryStorage, DependsOnTheSeedAndNotOnThreads) {
  const TemporaryFile one, three, other;
  const Preset& preset = *find_preset("tiny");
  write_random_model(one.path(), preset, GetParam(), 5, 1);
  write_random_model(three.path(), preset, GetParam(), 5, 3);
  write_random_model(other.path(), preset, GetParam(), 6, 1);
  EXPECT_TRUE(one.bytes() == three.bytes());
  EXPECT_FALSE(one.bytes() == other.bytes());
}

INSTANTIATE_TEST_SUITE_P(RandomModel, EveryStorage, testing::ValuesIn(storages()),
                         [](const auto& info) { return info.param.name; });

TEST(RandomModel, ABlockDependsOnItsIndexAlone) {
  const RandomBlocks blocks(Format::q4_k, 0.1, 3);
  std::vector<std::byte> all(8 * 144), part(3 * 144);
  blocks.fill(0, all);
  blocks.fill(4, part);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + 4 * 144));
}

TEST(RandomModel, MixesGiveMoreBitsToTheRightLayers) {
  const PlannedModel model = plan_model(*find_preset("llama3-8b"), *find_storage("q4_k_m"), 1);
  for (const PlannedTensor& tensor : model.tensors) {
    if (tensor.name == "output.weight" || tensor.name == "blk.0.attn_v.weight" ||
        tensor.name == "blk.6.ffn_down.weight") {
      EXPECT_EQ(tensor.format, Format::q6_k) << tensor.name;
    } else if (tensor.name == "token_embd.weight" || tensor.name == "blk.4.attn_v.weight" ||
               tensor.name == "blk.0.attn_k.weight" || tensor.name == "blk.31.ffn_up.weight") {
      EXPECT_EQ(tensor.format, Format::q4_k) << tensor.name;
    }
  }
}

TEST(RandomModel, RowsThatDoNotFitTakeTheFallback) {
  const PlannedModel model = plan_model(*find_preset("qwen2.5-0.5b"), *find_storage("Q4_K_M"), 1);
  std::set<Format> narrow, wide;
  for (const PlannedTensor& tensor : model.tensors)
    if (tensor.values.empty()) (tensor.dims[0] == 896 ? narrow : wide).insert(tensor.format);
  EXPECT_EQ(narrow, (std::set{Format::q5_0, Format::q8_0}));
  EXPECT_EQ(wide, (std::set{Format::q4_k, Format::q6_k}));
  ASSERT_EQ(model.notes.size(), 2u);
  EXPECT_NE(model.notes[0].find("rows of 896"), std::string::npos) << model.notes[0];
}

TEST(RandomModel, ShapesHoldTheKnownNumberOfWeights) {
  const auto weights = [](const char* name) {
    uint64_t sum = 0;
    for (const PlannedTensor& tensor : plan_model(*find_preset(name), *find_storage("F16"), 1).tensors) {
      if (tensor.name == "rope_freqs.weight") continue;
      sum += tensor.dims[0] * (tensor.dims.size() > 1 ? tensor.dims[1] : 1);
    }
    return sum;
  };
  EXPECT_EQ(weights("llama3-8b"), 8030261248u);
  EXPECT_EQ(weights("llama3.2-1b"), 1235814400u);
  EXPECT_EQ(weights("qwen2.5-1.5b"), 1543714304u);
  EXPECT_EQ(weights("qwen2.5-0.5b"), 494032768u);
}

TEST(RandomModel, RopeFactorsRunFromOneToTheFactor) {
  for (const PlannedTensor& tensor : plan_model(*find_preset("llama3.2-1b"), *find_storage("F16"), 1).tensors) {
    if (tensor.name != "rope_freqs.weight") continue;
    ASSERT_EQ(tensor.values.size(), 32u);
    EXPECT_EQ(tensor.values.front(), 1.0f);
    EXPECT_EQ(tensor.values.back(), 32.0f);
    EXPECT_TRUE(std::is_sorted(tensor.values.begin(), tensor.values.end()));
  }
}

TEST(RandomModel, TokensAreUniqueAndMergesMakeTokens) {
  for (const Preset& preset : presets()) {
    const Vocabulary vocabulary = make_vocabulary(preset);
    EXPECT_EQ(vocabulary.tokens.size(), preset.vocabulary);
    const std::set<std::string> known(vocabulary.tokens.begin(), vocabulary.tokens.end());
    EXPECT_EQ(known.size(), vocabulary.tokens.size());
    for (const std::string& merge : vocabulary.merges) {
      const size_t gap = merge.find(' ');
      EXPECT_TRUE(known.contains(merge.substr(0, gap)) && known.contains(merge.substr(gap + 1))) << merge;
      EXPECT_TRUE(known.contains(merge.substr(0, gap) + merge.substr(gap + 1))) << merge;
    }
  }
}

}  // namespace
}  // namespace hearth
