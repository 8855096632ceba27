// What can be told of a model before it is loaded.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "hearth/hearth.h"
#include "tools/serve/json.h"

namespace hearth::serve {

// A model that the server knows by name.
struct ModelSource {
  std::string name;
  std::filesystem::path path;              // empty: the model is in memory
  std::span<const std::byte> bytes;        // then
  std::filesystem::path draft = {};        // a model that guesses; empty: none
  std::vector<AdapterFile> adapters = {};  // each has a name, which requests may give instead of the model's
};

struct ModelFacts {
  std::string architecture, format;  // format: of most weights
  uint32_t context = 0, trained_context = 0;
  uint64_t parameters = 0;
  // Bytes that it takes when loaded: the mapped file, keys and values of all requests, and what a step works in.
  uint64_t weights = 0, cache = 0, scratch = 0;
  bool has_chat_template = false, has_infill = false, has_tools = false;
  uint64_t total() const { return weights + cache + scratch; }
};

// Reads everything but the weights. Throws Error.
ModelFacts read_facts(const ModelSource& source, const EngineOptions& options);

// "spark: weights 3.8 MiB, cache 16.0 MiB for 4 x 4096 tokens, scratch 2.1 MiB: 21.9 MiB"
std::string describe_memory(const std::string& name, const ModelFacts& facts, const EngineOptions& options);

// An entry of GET /v1/models.
Json model_json(const std::string& name, const ModelFacts& facts, int64_t created, bool loaded);

}  // namespace hearth::serve
