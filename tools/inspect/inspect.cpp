// hearth inspect: what is in a model file, what it needs, and what it becomes.
#include <cstdio>
#include <iostream>
#include <memory>
#include <set>

#include "engine/model/listing.h"
#include "engine/model/loaded_model.h"
#include "tools/command.h"
#include "tools/inspect/metadata.h"
#include "tools/store/find_model.h"

namespace hearth {
namespace {

struct InspectOptions {
  std::string model;
  uint32_t context = 0;
  std::vector<AdapterFile> adapters;
  bool json = false, tensors = false, program = false;
};

double mib(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

nlohmann::ordered_json tensor_list(const Gguf& file) {
  auto list = nlohmann::ordered_json::array();
  for (const GgufTensor& tensor : file.tensors()) {
    size_t count = 4;
    while (count > 1 && tensor.dims[count - 1] == 1) --count;
    list.push_back({{"name", std::string(tensor.name)},
                    {"format", format_info(tensor.format).name},
                    {"shape", std::vector<uint64_t>(tensor.dims, tensor.dims + count)},
                    {"bytes", tensor.bytes.size()}});
  }
  return list;
}

// What an adapter says of itself.
nlohmann::ordered_json describe_adapter(const Adapter& adapter) {
  std::set<uint64_t> ranks;
  for (const Adapter::Pair& pair : adapter.pairs()) ranks.insert(pair.rank());
  return {{"architecture", adapter.file().find_string("general.architecture").value_or("")},
          {"alpha", adapter.alpha()},
          {"ranks", ranks},
          {"changes", adapter.pairs().size()},
          {"bytes", adapter.bytes()}};
}

// The same as a line.
std::string adapter_line(const nlohmann::ordered_json& adapter) {
  std::string ranks;
  for (const auto& rank : adapter["ranks"]) ranks += (ranks.empty() ? "" : ", ") + rank.dump();
  return "a LoRA adapter for models of the architecture " + adapter["architecture"].get<std::string>() + ": changes " +
         adapter["changes"].dump() + " tensors, rank " + ranks + ", alpha " + adapter["alpha"].dump();
}

// What the chat template says of calls and reasoning; null where there is none.
nlohmann::ordered_json describe_chat(const LoadedModel& model) {
  const auto source = model.file.find_string("tokenizer.chat_template");
  if (!source) return nullptr;
  try {
    const Template chat_template = Template::parse(*source);
    const AnswerFormat answers = learn_answers(model.file, chat_template, model.tokenizer.vocabulary());
    return {{"tools", answers.has_calls()}, {"reasoning", answers.tells_reasoning()}};
  } catch (const TemplateError& error) {
    return {{"cannot_use", error.what()}};
  }
}

// The same as a line.
std::string chat_line(const nlohmann::ordered_json& chat) {
  if (chat.is_null()) return "no chat template";
  if (chat.contains("cannot_use")) return "chat template cannot be used: " + chat["cannot_use"].get<std::string>();
  return std::string("chat template: ") + (chat["tools"].get<bool>() ? "" : "no ") + "calls of tools, " +
         (chat["reasoning"].get<bool>() ? "" : "no ") + "reasoning";
}

void describe_model(Gguf file, const InspectOptions& options, nlohmann::ordered_json& out) {
  ModelOptions model_options{.context = options.context, .pre_tokenizer = {}, .chat_template = false};
  for (const AdapterFile& adapter : options.adapters) model_options.adapters.push_back(adapter.path);
  const LoadedModel model = load_model(std::move(file), model_options);
  const MemoryPlan memory = plan_memory(model.program, model.limits);
  out["memory"] = {{"context", model.context},
                   {"weights", memory.weights},
                   {"cache_f16", memory.cache},
                   {"activations", memory.activations}};
  if (options.program) out["program"] = list_program(model.program);
  out["chat"] = describe_chat(model);
}

void inspect(const InspectOptions& options) {
  Gguf file = options.model.empty() ? Gguf::view(builtin_model(), "the built-in model")
                                    : Gguf::open(store::find_model(options.model));
  nlohmann::ordered_json out = {{"metadata", metadata(file)}, {"tensor_count", file.tensors().size()}};
  if (options.tensors) out["tensors"] = tensor_list(file);
  const bool adapts = is_adapter(file);
  // A vocabulary or a model of another architecture can be looked at, though not be run.
  std::string why_not;
  try {
    if (adapts) {
      out["adapter"] = describe_adapter(Adapter(std::move(file)));
    } else {
      describe_model(std::move(file), options, out);
    }
  } catch (const std::runtime_error& error) {
    out["cannot_run"] = why_not = error.what();
  }
  const auto replace = nlohmann::ordered_json::error_handler_t::replace;
  if (options.json) {
    std::cout << out.dump(2, ' ', false, replace) << '\n';
    return;
  }
  for (const auto& [key, value] : out["metadata"].items())
    std::cout << key << " = " << value.dump(-1, ' ', false, replace) << '\n';
  std::cout << out["tensor_count"] << " tensors\n";
  if (options.tensors)
    for (const auto& tensor : out["tensors"])
      std::cout << "  " << tensor["name"].get<std::string>() << "  " << tensor["format"].get<std::string>() << "  "
                << tensor["shape"].dump() << "  " << tensor["bytes"] << " bytes\n";
  if (out.contains("adapter")) {
    std::cout << adapter_line(out["adapter"]) << '\n';
    return;
  }
  if (!why_not.empty()) {
    std::cout << "cannot run: " << why_not << '\n';
    return;
  }
  std::printf("memory for a context of %u tokens: weights %.1f MiB, cache (f16) %.1f MiB, activations %.1f MiB\n",
              out["memory"]["context"].get<uint32_t>(), mib(out["memory"]["weights"]), mib(out["memory"]["cache_f16"]),
              mib(out["memory"]["activations"]));
  std::printf("%s\n", chat_line(out["chat"]).c_str());
  if (std::fflush(stdout) != 0) throw std::runtime_error("cannot write to standard output");
  if (options.program)
    for (const auto& line : out["program"]) std::cout << "  " << line.get<std::string>() << '\n';
}

}  // namespace

void add_inspect(CLI::App& program) {
  const auto options = std::make_shared<InspectOptions>();
  CLI::App* command = program.add_subcommand("inspect", "Show a model's metadata, tensors, memory plan and program");
  command->add_option("MODEL", options->model, "A GGUF file, or a name in the store; default: the built-in model");
  command->add_option("--ctx", options->context, "Context of the memory plan")->check(between(1, 1 << 24));
  add_adapter_option(*command, options->adapters);
  command->add_flag("--json", options->json, "As JSON");
  command->add_flag("--tensors", options->tensors, "List the tensors");
  command->add_flag("--program", options->program, "List the ops that the model becomes");
  command->callback([=] { inspect(*options); });
}

}  // namespace hearth
