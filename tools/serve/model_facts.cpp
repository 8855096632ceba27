// Planning a model from its metadata.
#include "tools/serve/model_facts.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "engine/draft.h"
#include "engine/errors.h"
#include "engine/model/loaded_model.h"
#include "engine/text/infill.h"

namespace hearth::serve {
namespace {

KvType kv_type_of(CacheType type) {
  return type == CacheType::f32 ? KvType::f32 : type == CacheType::f16 ? KvType::f16 : KvType::q8_0;
}

std::string mib(uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

}  // namespace

ModelFacts read_facts(const ModelSource& source, const EngineOptions& options) {
  return with_public_errors([&] {
    Gguf file = source.path.empty() ? Gguf::view(source.bytes, source.name) : Gguf::open(source.path);
    ModelOptions model_options{options.context,       kv_type_of(options.cache_type),
                               options.pre_tokenizer, options.chat_template,
                               options.parallel,      options.cache_tokens};
    for (const AdapterFile& adapter : source.adapters) model_options.adapters.push_back(adapter.path);
    const LoadedModel model = load_model(std::move(file), model_options);
    ModelFacts facts;
    facts.architecture = model.config.architecture->name;
    std::map<Format, uint64_t> bytes;
    for (const Weight& weight : model.program.weights) {
      facts.parameters += weight.width * weight.rows;
      bytes[weight.format] += weight.bytes.size();
    }
    facts.format = format_info(std::ranges::max_element(bytes, {}, [](auto& of) { return of.second; })->first).name;
    facts.context = model.context;
    facts.trained_context = model.config.context_length;
    const MemoryPlan plan = plan_memory(model.program, model.limits);
    facts.weights = plan.weights;
    facts.cache = plan.cache;
    facts.scratch = plan.activations;
    if (!source.draft.empty()) {
      const LoadedModel draft = load_draft(source.draft, model, options.parallel);
      const MemoryPlan second = plan_memory(draft.program, draft.limits);
      facts.weights += second.weights;
      facts.cache += second.cache;
      facts.scratch += second.activations;
    }
    if (options.embeddings && model.config.causal) {  // a second plan, with a cache of one context
      facts.cache +=
          plan.cache / model.limits.pages * ((model.context + model.limits.page_size - 1) / model.limits.page_size);
      facts.scratch += plan.activations;
    }
    facts.has_chat_template = model.chat_template.has_value();
    facts.has_tools = facts.has_chat_template &&
                      model.file.find_string("tokenizer.chat_template").value_or("").find("tools") != std::string::npos;
    facts.has_infill = has_infill(model.tokenizer.vocabulary());
    return facts;
  });
}

std::string describe_memory(const std::string& name, const ModelFacts& facts, const EngineOptions& options) {
  return name + ": weights " + mib(facts.weights) + ", cache " + mib(facts.cache) + " for " +
         (options.cache_tokens > 0 ? std::to_string(options.cache_tokens)
                                   : std::to_string(options.parallel) + " x " + std::to_string(facts.context)) +
         " tokens, scratch " + mib(facts.scratch) + ": " + mib(facts.total());
}

Json model_json(const std::string& name, const ModelFacts& facts, int64_t created, bool loaded) {
  return {{"id", name},
          {"object", "model"},
          {"created", created},
          {"owned_by", "local"},
          {"context_length", facts.context},
          {"max_model_len", facts.context},
          {"trained_context_length", facts.trained_context},
          {"architecture", facts.architecture},
          {"quantization", facts.format},
          {"parameters", facts.parameters},
          {"size", facts.weights},
          {"memory", facts.total()},
          {"capabilities",
           {{"chat", facts.has_chat_template},
            {"completion", true},
            {"infill", facts.has_infill},
            {"tools", facts.has_tools}}},
          {"loaded", loaded}};
}

}  // namespace hearth::serve
