// hearth logits: raw logits of a sequence of tokens.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/command.h"

namespace hearth {
namespace {

// LongRoPE models choose their factors by the context, so it must not follow from the number of tokens.
constexpr uint32_t kContext = 256;

std::vector<uint32_t> numbers(const nlohmann::json& request, const char* name) {
  const auto found = request.find(name);
  if (found == request.end() || !found->is_array())
    throw UsageError(std::string("standard input: ") + name + " is no array");
  std::vector<uint32_t> values;
  for (const auto& value : *found) {
    if (!value.is_number_integer() || value.get<int64_t>() < 0 || value.get<int64_t>() > INT32_MAX)
      throw UsageError(std::string("standard input: an element of ") + name + " is no number from 0 to 2147483647");
    values.push_back(value.get<uint32_t>());
  }
  return values;
}

void print_logits(const std::string& model, EngineOptions options) {
  nlohmann::json request;
  try {
    request = nlohmann::json::parse(read_stdin());
  } catch (const nlohmann::json::exception&) {
    throw UsageError("standard input is no JSON");
  }
  if (!request.is_object()) throw UsageError("standard input is no JSON object");
  const std::vector<uint32_t> ids = numbers(request, "tokens");
  std::vector<uint32_t> positions = numbers(request, "positions");
  std::sort(positions.begin(), positions.end());
  positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
  if (options.context == 0) options.context = std::max(kContext, static_cast<uint32_t>(ids.size()));
  options.chat_template = false;
  Engine engine = load_engine(model, options);
  const auto outputs = engine.logits(std::vector<int32_t>(ids.begin(), ids.end()), positions);
  std::cout << "{\"outputs\":[";
  for (size_t i = 0; i < outputs.size(); ++i) {
    std::cout << (i == 0 ? "" : ",") << "{\"position\":" << positions[i] << ",\"logits\":[";
    for (size_t j = 0; j < outputs[i].size(); ++j) {
      char text[32];
      std::snprintf(text, sizeof text, "%s%.7g", j == 0 ? "" : ",", double{outputs[i][j]});
      std::cout << text;
    }
    std::cout << "]}";
  }
  std::cout << "]}\n";
}

}  // namespace

void add_logits(CLI::App& program) {
  const auto model = std::make_shared<std::string>();
  const auto options = std::make_shared<EngineOptions>();
  CLI::App* command = program.add_subcommand("logits", "Logits after given positions of a sequence of tokens");
  command->add_option("MODEL", *model, "A GGUF file, or a name in the store")->required();
  add_engine_options(*command, *options);
  add_adapter_option(*command, options->adapters);
  command->footer(
      "stdin: {\"tokens\":[...],\"positions\":[...]}; stdout: {\"outputs\":[{\"position\":p,\"logits\":[...]}]}.\n"
      "The context is 256 tokens, or as many as there are, unless --ctx says otherwise.");
  command->callback([=] { print_logits(*model, *options); });
}

}  // namespace hearth
