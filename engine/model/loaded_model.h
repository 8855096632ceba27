// A model file with everything that is made of it before a device comes in.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "engine/model/adapter.h"
#include "engine/model/config.h"
#include "engine/text/answer/format.h"
#include "engine/text/template/template.h"
#include "engine/text/tokenizer/tokenizer.h"
#include "formats/gguf.h"

namespace hearth {

struct ModelOptions {
  uint32_t context = 0;  // 0: the model's own, but at most kDefaultContext
  KvType kv_type = KvType::f16;
  std::string pre_tokenizer;
  bool chat_template = true;
  uint32_t parallel = 1;      // sequences at once
  uint32_t cache_tokens = 0;  // of all sequences; 0: the context times parallel
  bool deterministic = false;
  std::vector<std::filesystem::path> adapters = {};
  uint32_t step_rows = Limits{}.rows;  // most of a batch
};

inline constexpr uint32_t kDefaultContext = 4096;

// Immutable once loaded; the program views the files.
struct LoadedModel {
  Gguf file;
  std::vector<Adapter> adapters;
  ModelConfig config;
  Tokenizer tokenizer;
  std::optional<Template> chat_template;
  AnswerFormat answers;  // of the chat template
  uint32_t context;
  Limits limits;
  Program program;
};

// What a model takes in memory, in bytes.
struct MemoryPlan {
  uint64_t weights;      // in the mapped files
  uint64_t cache;        // keys and values of the whole context, and states
  uint64_t activations;  // of a full batch, as 32-bit floats
};

// Throws FileError, TokenizerError or TemplateError, each with the file's name; FileError also for a context that is
// longer than the cache can count.
LoadedModel load_model(Gguf file, const ModelOptions& options);

// How the chat template of a file has its answers written.
AnswerFormat learn_answers(const Gguf& file, const Template& chat_template, const Vocabulary& vocabulary);

// How many states a model keeps that decodes so many sequences at once: theirs, and copies to go on from.
inline constexpr uint32_t places_for_states(uint32_t parallel) { return 2 * parallel + 4; }

MemoryPlan plan_memory(const Program& program, const Limits& limits);

// Reads the weights into memory from the first to the last, calling on_progress with the share done, 0 to 1.
void read_weights(const Program& program, const std::function<void(double)>& on_progress);

}  // namespace hearth
