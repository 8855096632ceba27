// From what is known of a model to Ollama's words.
#include "tools/serve/ollama/ollama_models.h"

#include <cstdio>

namespace hearth::serve {
namespace {

// Clients compare it alone; nothing is ever fetched by it.
std::string digest(const std::string& name, const ModelFacts& facts) {
  const std::string text = name + " " + std::to_string(facts.weights) + " " + facts.format;
  std::string hex;
  for (uint64_t round = 0; round < 4; ++round) {
    uint64_t hash = 0xcbf29ce484222325u + round;  // FNV-1a
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    char word[20];
    std::snprintf(word, sizeof(word), "%016llx", static_cast<unsigned long long>(hash));
    hex += word;
  }
  return hex;
}

std::string size_text(uint64_t parameters) {
  const bool billions = parameters >= 1'000'000'000;
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f%c", static_cast<double>(parameters) / (billions ? 1e9 : 1e6),
                billions ? 'B' : 'M');
  return text;
}

Json family_json(const ModelFacts& facts) {
  return {{"parent_model", ""},
          {"format", "gguf"},
          {"family", facts.architecture},
          {"families", Json::array({facts.architecture})},
          {"parameter_size", size_text(facts.parameters)},
          {"quantization_level", facts.format}};
}

}  // namespace

std::string ollama_name(const std::string& name) { return name.find(':') == name.npos ? name + ":latest" : name; }

Json ollama_model_json(const std::string& name, const ModelFacts& facts, int64_t since) {
  return {{"name", ollama_name(name)}, {"model", ollama_name(name)},    {"modified_at", utc_time(since)},
          {"size", facts.weights},     {"digest", digest(name, facts)}, {"details", family_json(facts)}};
}

Json ollama_details_json(const ModelFacts& facts, const ModelInfo* loaded, int64_t since) {
  const bool has_tools = loaded != nullptr ? loaded->has_tools : facts.has_tools;
  Json capabilities = Json::array({"completion"});
  if (has_tools) capabilities.push_back("tools");
  if (loaded != nullptr && loaded->has_reasoning) capabilities.push_back("thinking");
  if (facts.has_infill) capabilities.push_back("insert");
  // Clients look into the template for what the model can do.
  std::string words = "{{ .Prompt }}";
  if (facts.has_chat_template) words = "{{ .System }}" + words;
  if (has_tools) words = "{{ .Tools }}" + words;
  if (facts.has_infill) words += "{{ .Suffix }}";
  return {{"modelfile", ""},
          {"parameters", "num_ctx " + std::to_string(facts.context)},
          {"template", words},
          {"details", family_json(facts)},
          {"model_info",
           {{"general.architecture", facts.architecture},
            {"general.parameter_count", facts.parameters},
            {facts.architecture + ".context_length", facts.trained_context}}},
          {"capabilities", std::move(capabilities)},
          {"modified_at", utc_time(since)}};
}

}  // namespace hearth::serve
