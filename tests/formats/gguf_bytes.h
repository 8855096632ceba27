// GGUF files made by hand, field by field, so that a test can make each of them wrong.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "formats/error.h"
#include "formats/gguf.h"

namespace hearth {

// Appends fields as the file stores them.
struct GgufBytes {
  std::string text;

  template <typename T>
  GgufBytes& put(T value) {
    text.append(reinterpret_cast<const char*>(&value), sizeof(T));
    return *this;
  }
  GgufBytes& string(std::string_view value) {
    put<uint64_t>(value.size());
    text.append(value);
    return *this;
  }
  GgufBytes& header(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
    text += "GGUF";
    return put(version).put(tensors).put(keys);
  }
  GgufBytes& key(std::string_view name, GgufType type) { return string(name).put(static_cast<uint32_t>(type)); }
  GgufBytes& tensor(std::string_view name, std::initializer_list<uint64_t> dims, uint32_t type, uint64_t offset) {
    string(name).put(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) put(dim);
    return put(type).put(offset);
  }
  // Padding to a multiple of `alignment`, then zeros as data.
  GgufBytes& data(size_t size, size_t alignment = 32) {
    text.resize((text.size() + alignment - 1) / alignment * alignment + size);
    return *this;
  }
};

inline Gguf view_text(const std::string& text) { return Gguf::view(std::as_bytes(std::span(text)), "file.gguf"); }

// The FileError of `action`, or "" where there is none.
template <typename Action>
std::string file_error(Action action) {
  try {
    action();
  } catch (const FileError& error) {
    return error.what();
  }
  return "";
}

// The error of reading the bytes: one line that names the file, and a byte.
inline std::string read_error(const std::string& text) {
  const std::string error = file_error([&] { (void)view_text(text); });
  if (!error.empty()) {
    EXPECT_TRUE(error.starts_with("file.gguf: ")) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    EXPECT_NE(error.find(" at byte "), std::string::npos) << error;
  }
  return error;
}

// A folder that goes away with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hearth-XXXXXX").native();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace hearth
