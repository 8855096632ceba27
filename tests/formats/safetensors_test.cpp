// Safetensors files, good and bad, and the bounds of their JSON.
#include "formats/safetensors.h"

#include "formats/json.h"
#include "tests/engine/convert/hf_folder.h"

namespace hearth {
namespace {

Safetensors view_bytes(const std::string& bytes) {
  return Safetensors::view(std::as_bytes(std::span(bytes)), "file.safetensors");
}

// The error of a header over `data` bytes of data: one line that names the file.
std::string header_error(const std::string& header, size_t data = 8) {
  const std::string bytes = safetensors_bytes(header, std::string(data, 'x'));
  const std::string error = file_error([&] { (void)view_bytes(bytes); });
  EXPECT_TRUE(error.empty() || error.starts_with("file.safetensors: ")) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  return error;
}

std::string entry(const std::string& type, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

TEST(Safetensors, TensorsHaveTheirNamesShapesAndBytes) {
  HfTensors tensors;
  tensors["b"] = f32_tensor({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  tensors["a"] = bf16_tensor({}, std::vector<float>{7});
  tensors["nothing"] = f32_tensor({0, 5}, {});
  const std::string bytes = safetensors_of(tensors);
  const Safetensors file = view_bytes(bytes);
  ASSERT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(file.tensors()[0].name, "a");
  EXPECT_EQ(file.tensors()[0].type, SafetensorsType::bf16);
  EXPECT_TRUE(file.tensors()[0].shape.empty());
  EXPECT_EQ(file.tensors()[1].name, "b");
  EXPECT_EQ(file.tensors()[1].shape, (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(file.tensors()[1].bytes.size(), 24u);
  EXPECT_EQ(file.tensors()[2].bytes.size(), 0u);
}

TEST(Safetensors, AFileOnDiskIsTheSame) {
  const TemporaryFolder folder;
  write_text(folder.path() / "w", safetensors_of({{"a", f32_tensor({1}, std::vector<float>{3})}}));
  Safetensors file = Safetensors::open(folder.path() / "w");
  const Safetensors moved = std::move(file);
  EXPECT_EQ(static_cast<int>(moved.tensors()[0].bytes[3]), 0x40);
}

TEST(Safetensors, WrongDirectoriesAreNamed) {
  const struct {
    std::string header;
    const char* told;
  } cases[] = {
      {R"({"a":)" + entry("F32", "[2]", "[0,8]") + "}", ""},
      {R"({"a":)" + entry("F32", "[2]", "[0,8]") + R"(,"a":)" + entry("F32", "[2]", "[0,8]") + "}", "twice"},
      {R"({"a":)" + entry("F99", "[2]", "[0,8]") + "}", "unknown dtype \"F99\""},
      {R"({"a":)" + entry("F32", "[3]", "[0,8]") + "}", "type and shape take 12"},
      {R"({"a":)" + entry("F32", "[3]", "[0,12]") + "}", "lies at bytes 0 to 12 of 8"},
      {R"({"a":)" + entry("F32", "[1]", "[8,4]") + "}", "lies at"},
      {R"({"a":)" + entry("F32", "[1]", "[4,8]") + "}", "begins at byte 4"},
      {R"({"a":)" + entry("F32", "[1]", "[0,4]") + "}", "its tensors take 4"},
      {R"({"a":)" + entry("F32", "[2]", "[0,8]") + R"(,"b":)" + entry("F32", "[1]", "[4,8]") + "}", "begins at"},
      {R"({"a":)" + entry("F32", "[-2]", "[0,8]") + "}", "no whole number"},
      {R"({"a":)" + entry("F32", "[2.0]", "[0,8]") + "}", "no whole number"},
      {R"({"a":)" + entry("F32", "[18446744073709551615,2]", "[0,8]") + "}", "too many values"},
      {R"({"a":)" + entry("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]") + "}", "9 dimensions"},
      {R"({"a":)" + entry("F32", "2", "[0,8]") + "}", "has no shape"},
      {R"({"a":)" + entry("F32", "[2]", "[0]") + "}", "has no data_offsets"},
      {R"({"a":{}})", "has no dtype"},
      {R"({"a":7})", "is no JSON object"},
      {R"({"":7})", "wrong length"},
      {"[]", "does not begin with {"},
      {"{\"a\"", "is no JSON"},
      {R"({"a":1e999})", "out of range"},
  };
  for (const auto& [header, told] : cases) {
    const std::string error = header_error(header);
    if (*told == '\0')
      EXPECT_EQ(error, "");
    else
      EXPECT_NE(error.find(told), std::string::npos) << header << ": " << error;
  }
}

TEST(Safetensors, AHeaderThatIsNotThereIsNamed) {
  for (const std::string& bytes :
       {std::string("abc"), std::string(8, '\xff') + "{}", std::string("\x40\0\0\0\0\0\0\0{}", 10)})
    EXPECT_NE(file_error([&] { (void)view_bytes(bytes); }).find("file.safetensors: "), std::string::npos);
}

TEST(ReadJson, NestingIsBounded) {
  const std::string deepest = std::string(kDeepestJson, '[') + std::string(kDeepestJson, ']');
  EXPECT_EQ(file_error([&] { (void)parse_json(deepest, "x"); }), "");
  EXPECT_NE(file_error([&] { (void)parse_json("[" + deepest + "]", "x"); }).find("deeper"), std::string::npos);
  EXPECT_NE(file_error([&] { (void)parse_json(std::string(1 << 20, '['), "x"); }).find("deeper"), std::string::npos);
  EXPECT_EQ(file_error([&] { (void)parse_json(R"([{"a":1},{"a":{"a":2}}])", "x"); }), "");
}

}  // namespace
}  // namespace hearth
