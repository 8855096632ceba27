// What the writer writes reads back the same, and what it cannot write is an error.
#include "formats/gguf_writer.h"

#include <sys/resource.h>

#include <array>
#include <csignal>
#include <limits>

#include "tests/formats/gguf_bytes.h"

namespace hearth {
namespace {

template <typename T>
void add_both(GgufWriter& writer, const std::string& name, T low, T high) {
  writer.add(name, high);
  const T values[] = {low, high};
  writer.add_array<T>(name + "s", values);
  writer.add_array<T>(name + ".none", {});
}

void write_all_types(const std::filesystem::path& path, uint32_t alignment) {
  GgufWriter writer(path, alignment);
  add_both<uint8_t>(writer, "u8", 0, UINT8_MAX);
  add_both<int8_t>(writer, "i8", INT8_MIN, -5);
  add_both<uint16_t>(writer, "u16", 0, UINT16_MAX);
  add_both<int16_t>(writer, "i16", INT16_MIN, -5);
  add_both<uint32_t>(writer, "u32", 0, UINT32_MAX);
  add_both<int32_t>(writer, "i32", INT32_MIN, -5);
  add_both<uint64_t>(writer, "u64", 0, UINT64_MAX);
  add_both<int64_t>(writer, "i64", INT64_MIN, -5);
  add_both<float>(writer, "f32", -1, 0.5f);
  add_both<double>(writer, "f64", -1, 0.25);
  add_both<bool>(writer, "bool", false, true);
  writer.add("text", std::string_view("a\0b", 3));
  writer.add("text.none", "");
  const std::string_view texts[] = {"one", "", "three"};
  writer.add_strings("texts", texts);
  writer.add_tensor("first", Format::f32, std::array<uint64_t, 4>{3, 1, 1, 2});
  writer.add_tensor("second", Format::q8_0, std::array<uint64_t, 2>{64, 3});
  writer.add_tensor("third", Format::f16, std::array<uint64_t, 1>{1});
  const std::string data(24 + 6 * 34 + 2, 'd');
  const auto bytes = std::as_bytes(std::span(data));
  writer.write(bytes.subspan(0, 24));
  writer.write(bytes.subspan(24, 100));
  writer.write(bytes.subspan(124, 104));
  writer.write(bytes.subspan(228, 2));
  writer.finish();
}

TEST(GgufWriter, EveryTypeReadsBack) {
  const TemporaryFolder folder;
  for (const uint32_t alignment : {8u, 32u, 4096u}) {
    write_all_types(folder.path() / "file.gguf", alignment);
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "file.gguf.partial"));
    const Gguf gguf = Gguf::open(folder.path() / "file.gguf");
    for (const char* key : {"i8", "i16", "i32", "i64"}) {
      EXPECT_EQ(gguf.find_int(key), -5) << key;
      EXPECT_EQ(gguf.find_ints(std::string(key) + "s")->at(1), -5) << key;
      EXPECT_EQ(gguf.find_ints(std::string(key) + ".none")->size(), 0u) << key;
      EXPECT_NE(file_error([&] { gguf.find_uint(key); }).find("negative"), std::string::npos);
    }
    EXPECT_EQ(gguf.find_ints("i64s")->at(0), INT64_MIN);
    EXPECT_EQ(gguf.find_uint("u8"), 255u);
    EXPECT_EQ(gguf.find_uint("u16"), 65535u);
    EXPECT_EQ(gguf.find_uint("u32"), UINT32_MAX);
    EXPECT_EQ(gguf.find_int("u32"), int64_t{UINT32_MAX});
    EXPECT_EQ(gguf.find_uint("u64"), UINT64_MAX);
    EXPECT_NE(file_error([&] { gguf.find_int("u64"); }).find("below 2^63"), std::string::npos);
    EXPECT_NE(file_error([&] { gguf.find_ints("u64s"); }).find("below 2^63"), std::string::npos);
    EXPECT_EQ(gguf.find_float("f32"), 0.5);
    EXPECT_EQ(gguf.find_float("f64"), 0.25);
    EXPECT_EQ(gguf.find_floats("f32s"), (std::vector<float>{-1, 0.5f}));
    EXPECT_EQ(gguf.find_floats("f64s"), (std::vector<float>{-1, 0.25f}));
    EXPECT_EQ(gguf.find_bool("bool"), true);
    EXPECT_EQ(gguf.find_string("text"), std::string_view("a\0b", 3));
    EXPECT_EQ(gguf.find_string("text.none"), "");
    EXPECT_EQ(gguf.find_strings("texts"), (std::vector<std::string_view>{"one", "", "three"}));
    ASSERT_EQ(gguf.tensors().size(), 3u);
    const GgufTensor& tensor = *gguf.find_tensor("first");
    EXPECT_EQ(std::vector<uint64_t>(tensor.dims, tensor.dims + 4), (std::vector<uint64_t>{3, 1, 1, 2}));
    EXPECT_EQ(gguf.find_tensor("second")->bytes.size(), 6u * 34);
    for (const auto& each : gguf.tensors()) {
      for (const std::byte byte : each.bytes) ASSERT_EQ(byte, std::byte{'d'});
    }
  }
}

TEST(GgufWriter, CopiedEntriesAreTheSame) {
  const TemporaryFolder folder;
  write_all_types(folder.path() / "from.gguf", 64);
  const Gguf from = Gguf::open(folder.path() / "from.gguf");
  GgufWriter writer(folder.path() / "to.gguf", 64);
  for (const auto& entry : from.entries()) writer.add_entry(entry);
  writer.finish();
  const Gguf to = Gguf::open(folder.path() / "to.gguf");
  ASSERT_EQ(to.entries().size(), from.entries().size());
  for (size_t i = 0; i < to.entries().size(); ++i) {
    const auto &a = from.entries()[i], &b = to.entries()[i];
    EXPECT_EQ(a.key, b.key);
    EXPECT_TRUE(a.type == b.type && a.element_type == b.element_type && a.count == b.count) << a.key;
    EXPECT_TRUE(std::ranges::equal(a.bytes, b.bytes)) << a.key;
  }
}

TEST(GgufWriter, AnUnfinishedFileLeavesTheOldOne) {
  const TemporaryFolder folder;
  write_text(folder.path() / "file.gguf", "old");
  {
    GgufWriter writer(folder.path() / "file.gguf");
    writer.add_tensor("t", Format::f32, std::array<uint64_t, 1>{4});
    EXPECT_THROW(writer.finish(), std::logic_error);
  }
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "file.gguf"), 3u);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "file.gguf.partial"));
}

TEST(GgufWriter, RefusesWhatAReaderWouldRefuse) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "file.gguf";
  EXPECT_THROW(GgufWriter(path, 3), std::logic_error);
  GgufWriter writer(path);
  EXPECT_THROW(writer.add_tensor("t", Format::q8_0, std::array<uint64_t, 1>{33}), std::logic_error);
  EXPECT_THROW(writer.add_tensor("t", Format::f32, std::array<uint64_t, 1>{0}), std::logic_error);
  EXPECT_THROW(writer.add_tensor("t", Format::f32, std::array<uint64_t, 5>{1, 1, 1, 1, 1}), std::logic_error);
  EXPECT_THROW(writer.add_tensor("t", Format::f32, std::array<uint64_t, 2>{UINT64_MAX, 2}), std::logic_error);
  EXPECT_THROW(writer.add("", uint8_t{1}), std::logic_error);
  writer.add("k", uint8_t{1});
  writer.add("k", uint8_t{1});
  EXPECT_THROW(writer.finish(), std::logic_error);
}

TEST(GgufWriter, AbsentFolderIsAnError) {
  EXPECT_NE(file_error([] { GgufWriter writer("/absent/file.gguf"); }).find("/absent/file.gguf: cannot be created"),
            std::string::npos);
}

TEST(GgufWriter, AFullDiskIsAnError) {
  const TemporaryFolder folder;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1 << 16, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string error = file_error([&] {
    GgufWriter writer(folder.path() / "file.gguf");
    writer.add_tensor("t", Format::f32, std::array<uint64_t, 1>{1 << 20});
    const std::vector<std::byte> data(size_t{4} << 20);
    writer.write(data);
    writer.finish();
  });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(error.find("file.gguf: cannot be written"), std::string::npos) << error;
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace hearth
