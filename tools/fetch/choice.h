// Which of a repository's files to fetch: its quantisations, and which of them fits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/fetch/listing.h"

namespace hearth::fetch {

// One model of a repository: a file, or all parts of a split one in their order.
struct Candidate {
  std::string quantization;  // upper case, "Q4_K_M"; empty where the name does not say it
  std::vector<ListedFile> files;
  uint64_t bytes() const;
};

// The quantisation that a file's name tells; empty where it tells none.
std::string quantization_of(std::string_view path);

// All models in GGUF files; no projectors of images, no importance matrices, no split ones that lack a part.
std::vector<Candidate> find_candidates(const std::vector<ListedFile>& files);

// What a model takes in memory besides its weights. Nothing where its file has not told: then it is guessed.
struct Overhead {
  uint64_t cache = 0, activations = 0;  // bytes
  uint32_t context = 0;                 // tokens
};

// Bytes of memory that a model of this size takes.
uint64_t memory_of(uint64_t weights, const std::optional<Overhead>& overhead);
// "weights 4.6 GiB, cache 512.0 MiB for 4096 tokens, scratch 210.0 MiB: 5.3 GiB of 14.1 GiB"
std::string memory_text(uint64_t weights, const std::optional<Overhead>& overhead, uint64_t budget);

struct Choice {
  const Candidate* candidate;
  std::string reason;  // one line
};

// The one of the quantisation that was asked for. Without one: Q4_K_M where it fits into `budget` bytes of memory, else
// the largest that fits; files of 16 and 32 bits, and formats that Hearth does not run, only where there is no other.
// Throws Error, beginning with `where`, where there is none or several of the name, or none fits.
Choice choose(const std::vector<Candidate>& candidates, const std::string& quantization,
              const std::optional<Overhead>& overhead, uint64_t budget, const std::string& where);

}  // namespace hearth::fetch
