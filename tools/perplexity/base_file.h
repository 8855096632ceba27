// Files of a base model's log-probabilities over a text, in the form that llama.cpp's llama-perplexity writes and
// reads.
//
// "_logits_", then little-endian: int32 tokens of a chunk, int32 vocabulary, int32 chunks, int32 tokens [chunks x
// chunk], and for each scored token, in order, a row: float step, float lowest, uint16 codes [vocabulary], padded to 4
// bytes. The scored tokens of a chunk are those after its positions chunk / 2 to chunk - 2.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "formats/mapped_file.h"
#include "tools/perplexity/scores.h"

namespace hearth {

// The first position of a chunk after which a token is scored, and how many are.
inline uint32_t first_scored(uint32_t chunk) { return chunk / 2; }
inline uint32_t scored_count(uint32_t chunk) { return chunk - 1 - first_scored(chunk); }

struct BaseHeader {
  uint32_t chunk = 0, vocabulary = 0, chunks = 0;
};

class BaseFile {
 public:
  // Throws FileError where the file is something else, cut short, or has tokens outside its vocabulary.
  explicit BaseFile(const std::filesystem::path& path);

  const BaseHeader& header() const { return header_; }
  const std::vector<int32_t>& tokens() const { return tokens_; }  // of all chunks
  CodedLogprobs row(uint32_t chunk, uint32_t scored) const;

 private:
  MappedFile file_;
  BaseHeader header_;
  std::vector<int32_t> tokens_;
  std::span<const std::byte> rows_;
};

// Writes one. The bytes go to PATH.partial, which finish() renames and the destructor removes otherwise. Throws
// FileError.
class BaseFileWriter {
 public:
  BaseFileWriter(const std::filesystem::path& path, const BaseHeader& header, std::span<const int32_t> tokens);
  BaseFileWriter(const BaseFileWriter&) = delete;
  BaseFileWriter& operator=(const BaseFileWriter&) = delete;
  ~BaseFileWriter();

  void add(const CodedLogprobs& row);
  void finish();

 private:
  void put(const void* bytes, size_t size);
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_, partial_;
  uint32_t vocabulary_;
  std::FILE* file_;
};

}  // namespace hearth
