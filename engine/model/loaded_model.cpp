// Putting a model together.
#include "engine/model/loaded_model.h"

#include <algorithm>
#include <set>

#include "engine/model/decoder.h"
#include "engine/text/answer/learn.h"
#include "formats/error.h"

namespace hearth {
namespace {

constexpr uint32_t kLongestContext = 1u << 24;

uint32_t choose_context(const Gguf& file, const ModelConfig& config, uint32_t asked) {
  if (asked > kLongestContext)
    throw FileError(file.name() + ": a context of " + std::to_string(asked) + " tokens is past the limit of " +
                    std::to_string(kLongestContext));
  return asked != 0 ? asked : std::min(config.context_length, kDefaultContext);
}

std::optional<Template> parse_chat_template(const Gguf& file) {
  const auto source = file.find_string("tokenizer.chat_template");
  if (!source) return std::nullopt;
  try {
    return Template::parse(*source);
  } catch (const TemplateError& error) {
    throw TemplateError(error.kind(), file.name() + ": chat template: " + error.bare_message(), error.line());
  }
}

// Enough for one whole context in any case.
uint32_t count_pages(const Gguf& file, const ModelOptions& options, uint32_t context, uint32_t page_size) {
  const uint64_t tokens = options.cache_tokens != 0 ? std::max(options.cache_tokens, context)
                                                    : uint64_t{context} * std::max(options.parallel, 1u);
  if (tokens > uint64_t{kLongestContext} * page_size)
    throw FileError(file.name() + ": a cache of " + std::to_string(tokens) + " tokens is past the limit of " +
                    std::to_string(uint64_t{kLongestContext} * page_size));
  return static_cast<uint32_t>((tokens + page_size - 1) / page_size);
}

}  // namespace

AnswerFormat learn_answers(const Gguf& file, const Template& chat_template, const Vocabulary& vocabulary) {
  const auto text = [&](std::optional<int32_t> id) { return id ? std::string(vocabulary.text(*id)) : std::string(); };
  return learn_answer_format(chat_template, {.source = file.find_string("tokenizer.chat_template").value_or(""),
                                             .bos = text(vocabulary.special().bos),
                                             .eos = text(vocabulary.special().eos),
                                             .has_token = [&](std::string_view word) {
                                               const auto id = vocabulary.find(word);
                                               return id && (vocabulary.type(*id) == TokenType::control ||
                                                             vocabulary.type(*id) == TokenType::user_defined);
                                             }});
}

LoadedModel load_model(Gguf file, const ModelOptions& options) {
  const ModelConfig config = read_config(file);
  const uint32_t context = choose_context(file, config, options.context);
  Program program = build_decoder(file, config, context);
  std::vector<Adapter> adapters;
  for (const std::filesystem::path& path : options.adapters) {
    adapters.emplace_back(Gguf::open(path));
    adapters.back().change(program, file);
  }
  if (program.positions != 0 && context > program.positions)
    throw FileError(file.name() + ": a context of " + std::to_string(context) + " tokens is longer than the " +
                    std::to_string(program.positions) + " positions that the model has");
  Tokenizer tokenizer = Tokenizer::load(file, {options.pre_tokenizer});
  if (static_cast<uint32_t>(tokenizer.vocabulary().size()) > program.vocabulary)
    throw FileError(file.name() + ": tokenizer.ggml.tokens has " + std::to_string(tokenizer.vocabulary().size()) +
                    " tokens, but token_embd.weight only " + std::to_string(program.vocabulary) + " rows");
  auto chat_template = options.chat_template ? parse_chat_template(file) : std::nullopt;
  AnswerFormat answers = chat_template ? learn_answers(file, *chat_template, tokenizer.vocabulary()) : AnswerFormat();
  Limits limits;
  // Of experts kernels go through rows times those that each uses.
  const bool of_experts = std::any_of(program.ops.begin(), program.ops.end(),
                                      [](const Op& op) { return std::holds_alternative<Experts>(op); });
  const uint32_t rows = of_experts ? std::min(options.step_rows, Limits{}.rows) : options.step_rows;
  limits.rows = std::min(rows, std::max(context, options.parallel));
  limits.pages = count_pages(file, options, context, limits.page_size);
  if (!program.state_width.empty()) limits.states = places_for_states(std::max(options.parallel, 1u));
  limits.kv_type = options.kv_type;
  limits.deterministic = options.deterministic;
  return {std::move(file),          std::move(adapters), config,  std::move(tokenizer),
          std::move(chat_template), std::move(answers),  context, limits,
          std::move(program)};
}

MemoryPlan plan_memory(const Program& program, const Limits& limits) {
  MemoryPlan plan{};
  for (const Weight& weight : program.weights) plan.weights += weight.bytes.size();
  std::set<const std::byte*> downs;  // weights that are rows of one tensor share them
  const auto add = [&](const std::vector<Change>& changes) {
    for (const Change& change : changes) {
      plan.weights += change.up.bytes.size();
      if (downs.insert(change.down.bytes.data()).second) plan.weights += change.down.bytes.size();
    }
  };
  for (const auto& changes : program.changes) add(changes);
  add(program.embedding_changes);
  const uint64_t cell = uint64_t{program.key_width} + program.value_width;
  const uint64_t values = program.layers * cell * limits.pages * limits.page_size;
  switch (limits.kv_type) {
    case KvType::f32:
      plan.cache = values * 4;
      break;
    case KvType::f16:
      plan.cache = values * 2;
      break;
    case KvType::q8_0:
      plan.cache = values / 32 * 34;
      break;
  }
  for (const uint32_t width : program.state_width) plan.cache += uint64_t{width} * limits.states * sizeof(float);
  for (const uint32_t width : program.slot_width) plan.activations += uint64_t{width} * limits.rows * sizeof(float);
  return plan;
}

void read_weights(const Program& program, const std::function<void(double)>& on_progress) {
  constexpr size_t kPage = 4096, kStep = size_t{16} << 20;
  const auto total = static_cast<double>(plan_memory(program, {}).weights);
  double done = 0;
  volatile unsigned char touched = 0;  // keeps the reads
  for (const Weight& weight : program.weights) {
    for (size_t begin = 0; begin < weight.bytes.size(); begin += kStep) {
      const size_t end = std::min(begin + kStep, weight.bytes.size());
      for (size_t i = begin; i < end; i += kPage) touched = static_cast<unsigned char>(weight.bytes[i]);
      done += static_cast<double>(end - begin);
      on_progress(done / total);
    }
  }
  (void)touched;
}

}  // namespace hearth
