// Every way in which a GGUF file can be wrong ends in one FileError, without a large allocation.
#include <random>

#include "tests/formats/gguf_bytes.h"

namespace hearth {
namespace {

constexpr uint64_t kHuge[] = {uint64_t{1} << 31, uint64_t{1} << 32, uint64_t{1} << 63, UINT64_MAX};

void expect_error(const GgufBytes& bytes, std::string_view part) {
  const std::string error = read_error(bytes.text);
  EXPECT_NE(error.find(part), std::string::npos) << "error: " << error << "\nwanted: " << part;
}

GgufBytes header(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
  return GgufBytes().header(tensors, keys, version);
}

// Every value type and two tensors.
std::string good_file() {
  GgufBytes bytes = header(2, 4);
  bytes.key("a", GgufType::u32).put<uint32_t>(1).key("b", GgufType::string).string("text");
  bytes.key("c", GgufType::array).put<uint32_t>(8).put<uint64_t>(2).string("x").string("yy");
  bytes.key("d", GgufType::array).put<uint32_t>(7).put<uint64_t>(2).put<uint16_t>(1);
  bytes.tensor("t", {32, 2}, 0, 0).tensor("u", {32}, 8, 256);
  return bytes.data(256 + 34).text;
}

TEST(GgufBadInput, TheGoodFileIsGood) { EXPECT_EQ(read_error(good_file()), ""); }

TEST(GgufBadInput, SizesTooSmallForAHeader) {
  for (const size_t size : {0, 1, 4, 8, 23, 100}) {
    EXPECT_NE(read_error(std::string(size, 'x')), "") << size;
    EXPECT_NE(read_error(good_file().substr(0, size)), "") << size;
  }
}

TEST(GgufBadInput, RandomBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::string text(random() % 4096, '\0');
    for (char& byte : text) byte = static_cast<char>(random());
    EXPECT_NE(read_error(text), "");
    EXPECT_NE(read_error(GgufBytes().header(1, 1).text + text), "");
  }
}

TEST(GgufBadInput, ChangedBytesNeverCrash) {
  std::mt19937 random(2);
  const std::string good = good_file();
  for (int round = 0; round < 5000; ++round) {
    std::string text = good;
    for (int change = 0; change < 3; ++change) text[random() % 300] = static_cast<char>(random());
    (void)read_error(text);
  }
}

TEST(GgufBadInput, TruncationAnywhere) {
  const std::string good = good_file();
  for (size_t size = 0; size < good.size(); ++size) EXPECT_NE(read_error(good.substr(0, size)), "") << size;
}

TEST(GgufBadInput, MagicAndVersion) {
  expect_error({"GGML" + header(0, 0).text.substr(4)}, "no magic number at byte 0");
  for (const uint32_t version : {0u, 1u, 4u, UINT32_MAX}) expect_error(header(0, 0, version), "GGUF version");
  for (const uint32_t version : {0x02000000u, 0x03000000u}) expect_error(header(0, 0, version), "big-endian");
  expect_error({"FUGG" + header(0, 0).text.substr(4)}, "big-endian");
}

TEST(GgufBadInput, HugeCountsAndLengths) {
  for (const uint64_t huge : kHuge) {
    expect_error(header(huge, 0).data(100), "tensors does not fit");
    expect_error(header(0, huge).data(100), "keys does not fit");
    expect_error(header(0, 1).put(huge).data(100), "a key needs");
    expect_error(header(0, 1).key("k", GgufType::string).put(huge).data(100), "a string needs");
    for (uint32_t type = 0; type <= 12; ++type) {
      if (type == 9) continue;
      expect_error(header(0, 1).key("k", GgufType::array).put(type).put(huge).data(100), "does not fit the file");
    }
    expect_error(header(0, 1).key("k", GgufType::array).put<uint32_t>(8).put<uint64_t>(1).put(huge).data(100), "needs");
    expect_error(header(1, 0).put(huge).data(100), "a tensor name needs");
    expect_error(header(1, 0).tensor("t", {32}, 0, huge & ~uint64_t{31}).data(128), "bytes at offset");
    expect_error(header(1, 0).tensor("t", {huge & ~uint64_t{31}}, 0, 0).data(128), "tensor \"t\"");
    expect_error(header(1, 0).tensor("t", {32, huge}, 0, 0).data(128), "tensor \"t\"");
  }
  expect_error(header(1, 0).tensor("t", {uint64_t{1} << 32, uint64_t{1} << 32}, 0, 0).data(128), "too many values");
  expect_error(header(1, 0).tensor("t", {uint64_t{1} << 62}, 0, 0).data(128), "too many values");
}

TEST(GgufBadInput, Values) {
  expect_error(header(0, 1).key("k", GgufType{13}).data(64), "unknown value type 13");
  expect_error(header(0, 1).key("k", GgufType::array).put<uint32_t>(99).put<uint64_t>(0).data(64),
               "unknown value type 99");
  expect_error(header(0, 1).key("k", GgufType::boolean).put<uint8_t>(2).data(64), "boolean 2");
  expect_error(header(0, 1).key("k", GgufType::array).put<uint32_t>(7).put<uint64_t>(2).put<uint16_t>(0xff01).data(64),
               "boolean 255");
  expect_error(header(0, 1).key("k", GgufType::array).put<uint32_t>(9).put<uint64_t>(1).data(64), "array of arrays");
  expect_error(header(0, 1).key("", GgufType::u8).data(64), "key of 0 bytes");
  expect_error(header(0, 1).key(std::string(65536, 'k'), GgufType::u8).data(64), "key of 65536 bytes");
  expect_error(header(0, 2).key("k", GgufType::u8).put('a').key("k", GgufType::u8).put('a').data(64),
               "\"k\" occurs twice");
}

TEST(GgufBadInput, NamesAreShownOnOneLine) {
  expect_error(header(0, 1).key("a\n\"b", GgufType{13}).data(64), "\"a\\x0a\\x22b\"");
  expect_error(header(0, 1).key(std::string(5000, 'k'), GgufType{13}).data(64), "kkk...\"");
}

TEST(GgufBadInput, Alignment) {
  for (const uint32_t value : {0u, 1u, 3u, 4u, 24u, uint32_t{1} << 31, UINT32_MAX}) {
    expect_error(header(0, 1).key("general.alignment", GgufType::u32).put(value).data(64), "not a power of two");
  }
  expect_error(header(0, 1).key("general.alignment", GgufType::i8).put('a').data(64), "has type i8, not u32");
}

TEST(GgufBadInput, Tensors) {
  expect_error(header(1, 0).tensor("t", {}, 0, 0).data(128), "0 dimensions");
  expect_error(header(1, 0).tensor("t", {1, 1, 1, 1, 1}, 0, 0).data(128), "5 dimensions");
  expect_error(header(1, 0).tensor("t", {32, 0}, 0, 0).data(128), "dimension of 0");
  expect_error(header(1, 0).tensor("t", {33}, 8, 0).data(128), "not a multiple of 32");
  expect_error(header(1, 0).tensor("t", {16, 2}, 8, 0).data(128), "not a multiple of 32");
  expect_error(header(1, 0).tensor("odd", {32}, 4, 0).data(128), "tensor \"odd\" has type 4, which is not known");
  expect_error(header(1, 0).tensor("t", {32}, UINT32_MAX, 0).data(128), "has type 4294967295");
  expect_error(header(1, 0).tensor("t", {32}, 0, 4).data(256), "not a multiple of 32");
  expect_error(header(1, 0).tensor("t", {32}, 0, 0).data(127), "needs 128 bytes");
  expect_error(header(1, 0).tensor("t", {32}, 0, 32).data(128), "needs 128 bytes");
  expect_error(header(1, 0).tensor("", {32}, 0, 0).data(128), "tensor name of 0 bytes");
  expect_error(header(2, 0).tensor("t", {8}, 0, 0).tensor("t", {8}, 0, 32).data(128), "\"t\" occurs twice");
  expect_error(header(2, 0).tensor("t", {8}, 0, 0).tensor("u", {8}, 0, 0).data(128), "overlap");
  expect_error(header(2, 0).tensor("t", {16}, 0, 32).tensor("u", {16}, 0, 0).data(128), "overlap");
}

}  // namespace
}  // namespace hearth
