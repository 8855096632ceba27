// Checks of options, memory and tokens; facts of a model.
#include "engine/checks.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/adapter_scales.h"
#include "engine/text/infill.h"

namespace hearth {
namespace {

constexpr uint32_t kMostTokens = 1u << 28;  // of a context, or of all sequences

}  // namespace

const EngineOptions& checked_options(const EngineOptions& options) {
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw Error(ErrorCode::invalid_argument, what);
  };
  const auto at_most = [&](uint32_t value, uint32_t most, const std::string& name) {
    require(value <= most, name + " " + std::to_string(value) + " is past the limit of " + std::to_string(most));
  };
  at_most(options.context, kMostTokens, "context");
  at_most(options.cache_tokens, kMostTokens, "cache_tokens");
  at_most(options.parallel, 1u << 16, "parallel");
  require(std::isfinite(options.longest_wait) && options.longest_wait >= 0, "longest_wait must be 0 or more seconds");
  require(options.cache_type == CacheType::f32 || options.cache_type == CacheType::f16 ||
              options.cache_type == CacheType::q8_0,
          "cache_type is none of f32, f16 and q8_0");
  return options;
}

Limits embedding_limits(const LoadedModel& model) {
  Limits limits = model.limits;
  if (!model.config.causal) limits.rows = std::max(limits.rows, model.context);  // a text goes into one step
  limits.pages = (model.context + limits.page_size - 1) / limits.page_size;
  if (limits.states > 0) limits.states = places_for_states(kEmbeddingsAtOnce);
  return limits;
}

void require_memory(const LoadedModel& model, bool embeddings, const LoadedModel* draft) {
  MemoryPlan plan = plan_memory(model.program, model.config.causal ? model.limits : embedding_limits(model));
  const auto add = [&](const MemoryPlan& more) {
    plan.cache += more.cache;
    plan.activations += more.activations;
  };
  if (embeddings && model.config.causal) add(plan_memory(model.program, embedding_limits(model)));
  if (draft != nullptr) add(plan_memory(draft->program, draft->limits));
  const uint64_t machine =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  if (plan.cache + plan.activations > machine)
    throw Error(ErrorCode::out_of_memory, "a context of " + std::to_string(model.context) + " tokens needs " +
                                              std::to_string((plan.cache + plan.activations) >> 20) +
                                              " MiB, but the machine has " + std::to_string(machine >> 20) + " MiB");
}

void require_tokens(std::span<const int32_t> ids, uint32_t vocabulary) {
  for (const int32_t id : ids)
    if (id < 0 || static_cast<uint32_t>(id) >= vocabulary)
      throw Error(ErrorCode::invalid_argument,
                  "token " + std::to_string(id) + " is not in the vocabulary of " + std::to_string(vocabulary));
}

void require_sequence(std::span<const int32_t> ids, const LoadedModel& model) {
  if (ids.empty()) throw Error(ErrorCode::invalid_argument, "there are no tokens");
  if (ids.size() > model.context)
    throw Error(ErrorCode::prompt_too_long, std::to_string(ids.size()) + " tokens were given, but the context holds " +
                                                std::to_string(model.context));
  require_tokens(ids, model.program.vocabulary);
}

ModelInfo describe(const LoadedModel& model, const Device& device, const EngineOptions& options) {
  ModelInfo info;
  info.name = model.file.find_string("general.name").value_or("");
  info.architecture = model.config.architecture->name;
  std::map<Format, uint64_t> bytes;
  for (const Weight& weight : model.program.weights) {
    info.parameters += weight.width * weight.rows;
    bytes[weight.format] += weight.bytes.size();
  }
  const auto most = std::max_element(bytes.begin(), bytes.end(), [](auto& a, auto& b) { return a.second < b.second; });
  info.format = format_info(most->first).name;
  const MemoryPlan plan = plan_memory(model.program, model.limits);
  info.weight_bytes = plan.weights;
  info.cache_bytes = plan.cache;
  info.context = model.context;
  info.trained_context = model.config.context_length;
  info.vocabulary = model.program.vocabulary;
  info.parallel = options.parallel;
  info.most_tokens = options.most_tokens;
  info.adapters = adapter_names(options.adapters);
  info.embedding_width = model.config.width;
  info.cache_tokens = model.limits.pages * model.limits.page_size;
  info.has_chat_template = model.chat_template.has_value();
  info.has_tools = model.answers.has_calls();
  info.has_reasoning = model.answers.tells_reasoning();
  info.makes_text = model.config.causal;
  info.has_embeddings = options.embeddings || !info.makes_text;
  info.has_infill = has_infill(model.tokenizer.vocabulary());
  info.device = device.name();
  return info;
}

}  // namespace hearth
