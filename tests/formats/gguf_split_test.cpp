// Split GGUF files: all parts are opened together, and checked against each other.
#include <cstring>
#include <optional>

#include "formats/gguf_writer.h"
#include "tests/formats/gguf_bytes.h"

namespace hearth {
namespace {

struct PartKeys {
  uint16_t number;
  std::optional<uint16_t> count = 2;
  int32_t tensors = 2;
};

void write_part(const std::filesystem::path& path, const PartKeys& keys, std::string_view tensor) {
  GgufWriter writer(path);
  writer.add("split.no", keys.number);
  if (keys.count) writer.add("split.count", *keys.count);
  writer.add("split.tensors.count", keys.tensors);
  const uint64_t dims[] = {4};
  writer.add_tensor(tensor, Format::f32, dims);
  const float values[4] = {static_cast<float>(keys.number), 1, 2, 3};
  writer.write(std::as_bytes(std::span(values)));
  writer.finish();
}

class GgufSplit : public testing::Test {
 protected:
  std::string error() const {
    return file_error([&] { (void)Gguf::open(first()); });
  }
  std::filesystem::path first() const { return folder_.path() / "model-00001-of-00002.gguf"; }
  std::filesystem::path second() const { return folder_.path() / "model-00002-of-00002.gguf"; }
  void expect_error(std::string_view part) const {
    EXPECT_NE(error().find(part), std::string::npos) << error() << "\nwanted: " << part;
    EXPECT_EQ(error().find('\n'), std::string::npos);
  }
  TemporaryFolder folder_;
};

TEST_F(GgufSplit, PartsAreOneModel) {
  write_part(first(), {0}, "a");
  write_part(second(), {1}, "b");
  Gguf opened = Gguf::open(first());
  const Gguf gguf = std::move(opened);
  ASSERT_EQ(gguf.tensors().size(), 2u);
  ASSERT_NE(gguf.find_tensor("b"), nullptr);
  float value;
  std::memcpy(&value, gguf.find_tensor("b")->bytes.data(), sizeof(value));
  EXPECT_EQ(value, 1);
  EXPECT_EQ(gguf.find_uint("split.no"), 0u);
}

TEST_F(GgufSplit, OnePartOfOne) {
  const auto path = folder_.path() / "model-00001-of-00001.gguf";
  write_part(path, {0, 1, 1}, "a");
  EXPECT_EQ(Gguf::open(path).tensors().size(), 1u);
}

TEST_F(GgufSplit, AbsentPartIsNamed) {
  write_part(first(), {0}, "a");
  expect_error("model-00002-of-00002.gguf: No such file");
}

TEST_F(GgufSplit, AnyPartOpensTheWholeModel) {
  write_part(first(), {0}, "a");
  write_part(second(), {1}, "b");
  const Gguf gguf = Gguf::open(second());
  EXPECT_EQ(gguf.find_uint("split.no"), 0u);
  EXPECT_EQ(gguf.tensors().size(), 2u);
}

TEST_F(GgufSplit, PartUnderAnotherNameIsRefused) {
  const auto path = folder_.path() / "renamed.gguf";
  write_part(path, {0}, "a");
  EXPECT_NE(file_error([&] { (void)Gguf::open(path); }).find("one of 2 parts"), std::string::npos);
}

TEST_F(GgufSplit, PartsThatDisagreeAreRefused) {
  write_part(first(), {0}, "a");
  const std::string not_second = "split.no and split.count do not say part 2 of 2";
  write_part(second(), {0}, "b");
  expect_error(not_second);
  write_part(second(), {1, 3}, "b");
  expect_error(not_second);
  write_part(second(), {1, std::nullopt}, "b");
  expect_error(not_second);
  write_part(second(), {1, 2, 3}, "b");
  expect_error("split.tensors.count differs");
  write_part(second(), {1}, "a");
  expect_error("\"a\" is in an earlier part too");
  write_part(first(), {0, 2, 5}, "a");
  write_part(second(), {1, 2, 5}, "b");
  expect_error("hold 2 tensors instead of 5");
  write_part(first(), {0, 2, -1}, "a");
  expect_error("negative");
  write_part(first(), {1}, "a");
  expect_error("split.no says otherwise");
}

}  // namespace
}  // namespace hearth
