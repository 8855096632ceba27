// Files of log-probabilities: a round trip, and files that are none.
#include "tools/perplexity/base_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "tests/formats/gguf_bytes.h"

namespace hearth {
namespace {

class BaseFiles : public testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "base.logits"; }

  // Two chunks of 5 tokens, so 2 scored ones each, of an odd vocabulary.
  void write() const {
    const int32_t tokens[10] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0};
    BaseFileWriter writer(path(), {.chunk = 5, .vocabulary = 3, .chunks = 2}, tokens);
    for (uint16_t row = 0; row < 4; ++row) {
      const uint16_t codes[3] = {row, static_cast<uint16_t>(row + 10), 65535};
      writer.add({.step = 0.5f, .lowest = -static_cast<float>(row), .codes = codes});
    }
    writer.finish();
  }
  std::string bytes() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string error_of(const std::string& content) const {
    write_text(path(), content);
    return file_error([&] { BaseFile file(path()); });
  }

  TemporaryFolder folder_;
};

TEST_F(BaseFiles, ComeBackAsWritten) {
  write();
  EXPECT_EQ(bytes().size(), 8u + 12 + 40 + 4 * 16);
  const BaseFile file(path());
  EXPECT_EQ(file.header().chunk, 5u);
  EXPECT_EQ(file.header().vocabulary, 3u);
  EXPECT_EQ(file.tokens(), (std::vector<int32_t>{0, 1, 2, 0, 1, 2, 0, 1, 2, 0}));
  const CodedLogprobs row = file.row(1, 1);
  EXPECT_EQ(row.lowest, -3);
  EXPECT_EQ(row.codes[1], 13);
  EXPECT_EQ(row.logprob(2), 0.5 * 65535 - 3);
}

TEST_F(BaseFiles, ThatAreNoneAreNamed) {
  write();
  const std::string good = bytes();
  for (const size_t size : {1, 7, 8, 15, 19, 30}) EXPECT_NE(error_of(good.substr(0, size)), "") << size;
  EXPECT_NE(error_of("GGUF and more").find("no file of logits"), std::string::npos);
  EXPECT_NE(error_of(good.substr(0, good.size() - 1)).find("cut short"), std::string::npos);
  const auto with = [&](size_t at, int32_t number) {
    std::string changed = good;
    std::memcpy(changed.data() + at, &number, sizeof number);
    return error_of(changed);
  };
  EXPECT_NE(with(8, 2).find("tokens of a chunk is 2"), std::string::npos);
  EXPECT_NE(with(8, INT32_MAX), "");
  EXPECT_NE(with(12, -1).find("vocabulary is -1"), std::string::npos);
  EXPECT_NE(with(12, INT32_MAX).find("cut short"), std::string::npos);
  EXPECT_NE(with(16, 0).find("chunks is 0"), std::string::npos);
  EXPECT_NE(with(16, INT32_MAX), "");
  EXPECT_NE(with(20, 3).find("token 3 is not in its vocabulary"), std::string::npos);
}

TEST_F(BaseFiles, AreNotLeftHalf) {
  {
    const int32_t tokens[5] = {};
    BaseFileWriter writer(path(), {.chunk = 5, .vocabulary = 3, .chunks = 1}, tokens);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  const int32_t none[1] = {};
  EXPECT_NE(file_error([&] {
              BaseFileWriter(folder_.path() / "no" / "file", {5, 3, 1}, none);
            }).find("cannot be created"),
            std::string::npos);
  EXPECT_NE(file_error([&] {
              BaseFileWriter(folder_.path(), {5, 3, 1}, none);
            }).find("not a regular file"),
            std::string::npos);
}

}  // namespace
}  // namespace hearth
