// Reading of good GGUF files: by hand, large, and those of the shared data.
#include "formats/gguf.h"

#include <fcntl.h>

#include "tests/formats/gguf_bytes.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

TEST(Gguf, ReadsVersions2And3) {
  for (const uint32_t version : {2u, 3u}) {
    GgufBytes bytes = GgufBytes().header(1, 1, version).key("k", GgufType::i16).put<int16_t>(-7);
    bytes.tensor("t", {32}, 0, 32).data(32 + 128);
    const Gguf gguf = view_text(bytes.text);
    EXPECT_EQ(gguf.find_int("k"), -7);
    ASSERT_NE(gguf.find_tensor("t"), nullptr);
    EXPECT_EQ(gguf.find_tensor("t")->bytes.data(), std::as_bytes(std::span(bytes.text)).last(128).data());
    EXPECT_EQ(gguf.find_tensor("t")->dims[1], 1u);
    EXPECT_EQ(gguf.find_tensor("absent"), nullptr);
    EXPECT_EQ(gguf.name(), "file.gguf");
  }
}

TEST(Gguf, AFileOfKeysNeedsNoPadding) { EXPECT_EQ(view_text(GgufBytes().header(0, 0).text).entries().size(), 0u); }

TEST(Gguf, AlignmentOfTheFileCounts) {
  GgufBytes bytes = GgufBytes().header(1, 1).key("general.alignment", GgufType::u32).put<uint32_t>(128);
  bytes.tensor("t", {32}, 0, 128).data(256, 128);
  EXPECT_EQ(view_text(bytes.text).tensors().at(0).bytes.size(), 128u);
}

TEST(Gguf, AbsentKeysAreNoValues) {
  const Gguf gguf = view_text(GgufBytes().header(0, 0).text);
  EXPECT_FALSE(gguf.find_uint("k") || gguf.find_int("k") || gguf.find_float("k") || gguf.find_bool("k"));
  EXPECT_FALSE(gguf.find_string("k") || gguf.find_strings("k") || gguf.find_floats("k") || gguf.find_ints("k"));
}

TEST(Gguf, AWrongTypeNamesTheKeyAndTheType) {
  GgufBytes bytes = GgufBytes().header(0, 2).key("k", GgufType::array).put<uint32_t>(6).put<uint64_t>(1).put(1.0f);
  bytes.key("b", GgufType::boolean).put<uint8_t>(1);
  const Gguf gguf = view_text(bytes.text);
  EXPECT_EQ(file_error([&] { gguf.find_strings("k"); }),
            "file.gguf: key \"k\" is array of f32 instead of array of string");
  EXPECT_EQ(file_error([&] { gguf.find_uint("b"); }), "file.gguf: key \"b\" is bool instead of an integer");
  EXPECT_NE(file_error([&] { gguf.find_float("b"); }), "");
  EXPECT_NE(file_error([&] { gguf.find_string("k"); }), "");
  EXPECT_NE(file_error([&] { gguf.find_bool("k"); }), "");
  EXPECT_NE(file_error([&] { gguf.find_ints("k"); }), "");
  EXPECT_NE(file_error([&] { gguf.find_floats("b"); }), "");
  EXPECT_NE(file_error([&] { gguf.find_int("k"); }), "");
}

TEST(Gguf, ReadsPastFourGibibytes) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "large.gguf";
  constexpr uint64_t kOffset = uint64_t{5} << 30;
  GgufBytes bytes = GgufBytes().header(2, 0).tensor("a", {kOffset / 4}, 0, 0).tensor("b", {4}, 0, kOffset);
  bytes.data(0);
  write_text(path, bytes.text);
  if (::truncate(path.c_str(), static_cast<off_t>(bytes.text.size() + kOffset + 16)) != 0) {
    GTEST_SKIP() << "the disk refuses a sparse file of 5 GiB";
  }
  {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(bytes.text.size() + kOffset));
    file << "sixteen letters!";
  }
  const Gguf gguf = Gguf::open(path);
  EXPECT_EQ(gguf.find_tensor("a")->bytes.size(), kOffset);
  const auto last = gguf.find_tensor("b")->bytes;
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(last.data()), last.size()), "sixteen letters!");
}

// Opens every GGUF file of a shared folder but `except`; gives their number.
size_t open_all(const std::filesystem::path& folder, std::string_view except = "") {
  size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".gguf" || file.path().filename() == except) continue;
    EXPECT_EQ(
        file_error([&] {
          const Gguf gguf = Gguf::open(file.path());
          EXPECT_TRUE(gguf.find_string("general.architecture").has_value()) << file.path();
          EXPECT_GT(gguf.find_strings("tokenizer.ggml.tokens").value_or(std::vector<std::string_view>{}).size(), 0u)
              << file.path();
        }),
        "");
    ++count;
  }
  return count;
}

TEST(Gguf, OpensTheSharedModels) {
  const auto folder = shared_data("golden/models");
  HEARTH_REQUIRE_SHARED(folder);
  EXPECT_GT(open_all(folder), 20u);
}

TEST(Gguf, OpensTheSharedVocabularies) {
  const auto folder = shared_data("vocab");
  HEARTH_REQUIRE_SHARED(folder);
  EXPECT_GT(open_all(folder), 5u);
}

TEST(Gguf, OpensTheSharedQuantizedModels) {
  const auto folder = shared_data("golden/quantized");
  HEARTH_REQUIRE_SHARED(folder);
  EXPECT_GT(open_all(folder, "llama-iq3_s.gguf"), 10u);
}

TEST(Gguf, ATruncatedModelIsRefused) {
  const auto path = shared_data("golden/models/llama-mha.gguf");
  HEARTH_REQUIRE_SHARED(path);
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(read_error(text), "");
  for (size_t percent = 0; percent < 100; ++percent) {
    EXPECT_NE(read_error(text.substr(0, text.size() * percent / 100)), "") << percent;
  }
}

}  // namespace
}  // namespace hearth
