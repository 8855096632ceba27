// Reading by mapping, writing through stdio.
#include "tools/perplexity/base_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

constexpr std::string_view kBaseMagic = "_logits_";
constexpr uint32_t kShortestChunk = 3;

uint64_t row_bytes(uint32_t vocabulary) { return 8 + 2 * ((uint64_t{vocabulary} + 1) / 2 * 2); }

std::string shown(const std::filesystem::path& path) { return printable(path.native(), kLongestPath); }

uint32_t count_of(ByteCursor& cursor, const char* what, uint32_t least) {
  const uint64_t at = cursor.position();
  const auto value = cursor.read<int32_t>(what);
  if (value < static_cast<int32_t>(least)) cursor.fail(std::string(what) + " is " + std::to_string(value), at);
  return static_cast<uint32_t>(value);
}

}  // namespace

BaseFile::BaseFile(const std::filesystem::path& path) : file_(path) {
  const std::string name = shown(path);
  ByteCursor cursor(file_.bytes(), name);
  const auto magic = cursor.take(std::min<uint64_t>(kBaseMagic.size(), cursor.remaining()), "the magic word");
  if (magic.size() != kBaseMagic.size() || std::memcmp(magic.data(), kBaseMagic.data(), magic.size()) != 0)
    throw FileError(name + ": is no file of logits, as --save-logits writes it");
  header_.chunk = count_of(cursor, "the tokens of a chunk", kShortestChunk);
  header_.vocabulary = count_of(cursor, "the vocabulary", 1);
  header_.chunks = count_of(cursor, "the count of chunks", 1);
  const uint64_t count = uint64_t{header_.chunk} * header_.chunks;
  const auto tokens = cursor.take(count * sizeof(int32_t), "a token");
  tokens_.resize(count);
  std::memcpy(tokens_.data(), tokens.data(), tokens.size());
  for (const int32_t token : tokens_)
    if (token < 0 || static_cast<uint32_t>(token) >= header_.vocabulary)
      throw FileError(name + ": token " + std::to_string(token) + " is not in its vocabulary of " +
                      std::to_string(header_.vocabulary));
  const uint64_t rows = uint64_t{header_.chunks} * scored_count(header_.chunk), size = row_bytes(header_.vocabulary);
  if (rows > cursor.remaining() / size)
    throw FileError(name + ": is cut short: " + std::to_string(rows) + " rows of " + std::to_string(size) +
                    " bytes do not fit the " + std::to_string(cursor.remaining()) + " that follow the tokens");
  rows_ = cursor.take(rows * size, "a row");
}

CodedLogprobs BaseFile::row(uint32_t chunk, uint32_t scored) const {
  const uint64_t index = uint64_t{chunk} * scored_count(header_.chunk) + scored;
  const std::byte* at = rows_.data() + index * row_bytes(header_.vocabulary);
  CodedLogprobs row;
  std::memcpy(&row.step, at, sizeof(float));
  std::memcpy(&row.lowest, at + sizeof(float), sizeof(float));
  // The header has 20 bytes and all else is of 4, so codes are aligned.
  row.codes = {reinterpret_cast<const uint16_t*>(at + 2 * sizeof(float)), header_.vocabulary};
  return row;
}

BaseFileWriter::BaseFileWriter(const std::filesystem::path& path, const BaseHeader& header,
                               std::span<const int32_t> tokens)
    : path_(path), partial_(path.native() + ".partial"), vocabulary_(header.vocabulary) {
  std::error_code absent;
  const auto status = std::filesystem::status(path, absent);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    throw FileError(shown(path_) + ": is there already, and is not a regular file");
  file_ = std::fopen(partial_.c_str(), "wb");
  if (file_ == nullptr) fail("cannot be created");
  try {
    put(kBaseMagic.data(), kBaseMagic.size());
    for (const uint32_t number : {header.chunk, header.vocabulary, header.chunks}) put(&number, sizeof number);
    put(tokens.data(), tokens.size_bytes());
  } catch (...) {
    std::fclose(file_);
    std::filesystem::remove(partial_, absent);
    throw;
  }
}

BaseFileWriter::~BaseFileWriter() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  std::error_code ignored;
  std::filesystem::remove(partial_, ignored);
}

void BaseFileWriter::add(const CodedLogprobs& row) {
  put(&row.step, sizeof row.step);
  put(&row.lowest, sizeof row.lowest);
  put(row.codes.data(), row.codes.size_bytes());
  const uint16_t padding = 0;
  if (vocabulary_ % 2 != 0) put(&padding, sizeof padding);
}

void BaseFileWriter::finish() {
  if (std::fflush(file_) != 0) fail("cannot be written");
  const int closed = std::fclose(std::exchange(file_, nullptr));
  if (closed != 0 || std::rename(partial_.c_str(), path_.c_str()) != 0) {
    const int number = errno;
    std::error_code ignored;
    std::filesystem::remove(partial_, ignored);
    errno = number;
    fail("cannot be written");
  }
}

void BaseFileWriter::put(const void* bytes, size_t size) {
  if (std::fwrite(bytes, 1, size, file_) != size) fail("cannot be written");
}

void BaseFileWriter::fail(const char* what) const {
  const int number = errno;
  throw FileError(shown(path_) + ": " + what + ": " + std::generic_category().message(number));
}

}  // namespace hearth
