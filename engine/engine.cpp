// The public Engine: one model, one plan, one cached sequence.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <random>

#include "backends/devices.h"
#include "engine/decode/sampler.h"
#include "engine/decode/sequence.h"
#include "engine/decode/stop_filter.h"
#include "engine/errors.h"
#include "engine/include/hearth/hearth.h"
#include "engine/model/loaded_model.h"
#include "engine/text/chat.h"
#include "engine/text/tokenizer/detokenizer.h"

namespace hearth {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

KvType kv_type_of(CacheType type) {
  return type == CacheType::f32 ? KvType::f32 : type == CacheType::f16 ? KvType::f16 : KvType::q8_0;
}

// A cache past the machine's memory would be granted and then end the process when it is used.
void require_memory(const LoadedModel& model) {
  const MemoryPlan plan = plan_memory(model.program, model.limits);
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

ModelInfo describe(const LoadedModel& model, const Device& device) {
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
  info.has_chat_template = model.chat_template.has_value();
  info.device = device.name();
  return info;
}

}  // namespace

struct Engine::State {
  State(Gguf file, const EngineOptions& options)
      : model(load_model(std::move(file), {options.context, kv_type_of(options.cache_type), options.pre_tokenizer,
                                           options.chat_template})),
        device(make_device({options.device, options.kernels, options.threads})) {
    require_memory(model);
    plan = device->compile(model.program, model.limits);
    sequence.emplace(*plan, model.limits);
    info = describe(model, *device);
    if (options.on_load) read_weights(model.program, options.on_load);
  }

  std::vector<int32_t> prompt_ids(const Request& request) const;
  Result generate(const Request& request, const std::function<bool(std::string_view)>& on_text);

  LoadedModel model;
  std::unique_ptr<Device> device;
  std::unique_ptr<Plan> plan;
  std::optional<Sequence> sequence;
  ModelInfo info;
  std::mutex mutex;  // of plan and sequence
};

std::vector<int32_t> Engine::State::prompt_ids(const Request& request) const {
  if (const auto* ids = std::get_if<std::vector<int32_t>>(&request.prompt)) return *ids;
  std::vector<int32_t> ids;
  if (const auto* text = std::get_if<std::string>(&request.prompt)) {
    ids = model.tokenizer.encode(*text, false);
  } else {
    if (!model.chat_template) throw Error(ErrorCode::bad_template, "the model has no chat template");
    std::vector<Value> messages;
    for (const Message& message : std::get<std::vector<Message>>(request.prompt)) {
      Dict one;
      one.set("role", Value(message.role));
      one.set("content", Value(message.content));
      messages.push_back(Value(std::move(one)));
    }
    Dict conversation;
    conversation.set("messages", Value::list(std::move(messages)));
    conversation.set("add_generation_prompt", Value(true));
    const ChatPrompt prompt =
        render_chat(*model.chat_template, Value(std::move(conversation)), model.tokenizer.vocabulary());
    ids = model.tokenizer.encode(prompt.text, true, prompt.literal);
  }
  const auto bos = model.tokenizer.vocabulary().special().bos;
  if (model.tokenizer.adds_bos() && bos && (ids.empty() || ids.front() != *bos)) ids.insert(ids.begin(), *bos);
  return ids;
}

Result Engine::State::generate(const Request& request, const std::function<bool(std::string_view)>& on_text) {
  const auto begin = Clock::now();
  const std::vector<int32_t> ids = prompt_ids(request);
  const Vocabulary& vocabulary = model.tokenizer.vocabulary();
  if (ids.empty())
    throw Error(ErrorCode::invalid_argument, "the prompt is empty, and the model has no token to begin with");
  if (ids.size() >= model.context)
    throw Error(ErrorCode::prompt_too_long, "the prompt has " + std::to_string(ids.size()) +
                                                " tokens, but the context holds " + std::to_string(model.context) +
                                                ", prompt and answer together");
  require_tokens(ids, model.program.vocabulary);

  Result result;
  result.prompt_tokens = static_cast<uint32_t>(ids.size());
  result.seed = request.sampling.seed ? *request.sampling.seed : std::random_device{}();
  Sampler sampler(request.sampling, result.seed);
  for (const int32_t id : ids) sampler.accept(id);

  const std::lock_guard lock(mutex);
  // The last token is always computed: its logits are wanted.
  result.cached_tokens = std::min(sequence->common_prefix(ids), result.prompt_tokens - 1);
  sequence->rewind(result.cached_tokens);
  std::vector<float> logits;
  const auto keep = [&](uint32_t, std::span<const float> values) { logits.assign(values.begin(), values.end()); };
  const auto rest = std::span(ids).subspan(result.cached_tokens);
  const uint32_t last[] = {static_cast<uint32_t>(rest.size()) - 1};
  result.reason = FinishReason::cancelled;
  if (!sequence->append(rest, last, keep, request.cancelled)) return result;

  // An answer begins a text of its own, and so does what follows bos alone; other text goes on where the prompt ended.
  const bool fresh = std::holds_alternative<std::vector<Message>>(request.prompt) ||
                     (ids.size() == 1 && ids.front() == vocabulary.special().bos);
  Detokenizer detokenizer(model.tokenizer, {.continues = !fresh});
  StopFilter stops(request.stop);
  bool wanted = true;
  const auto emit = [&](const std::string& text) {
    result.text += text;
    if (!text.empty() && on_text && !on_text(text)) wanted = false;
  };
  auto first_token = Clock::now();
  result.reason = FinishReason::max_tokens;
  for (bool first = true; result.generated_tokens < request.max_tokens; first = false) {
    const int32_t token = sampler.draw(logits);
    if (first) {
      first_token = Clock::now();
      result.prompt_seconds = seconds_since(begin);
    }
    // A second bos begins another text; models trained on many in a row end one so.
    if (vocabulary.is_end_of_generation(token) || token == vocabulary.special().bos) {
      result.reason = FinishReason::end;
      break;
    }
    ++result.generated_tokens;
    sampler.accept(token);
    // Rows of the embedding past the vocabulary are padding without text.
    if (vocabulary.contains(token)) emit(stops.push(detokenizer.push(token)));
    if (stops.stopped())
      result.reason = FinishReason::stop;
    else if (!wanted)
      result.reason = FinishReason::cancelled;
    else if (sequence->tokens().size() + 1 >= model.context)
      result.reason = FinishReason::context_full;
    if (result.reason != FinishReason::max_tokens || result.generated_tokens == request.max_tokens) break;
    const int32_t step[] = {token};
    const uint32_t at[] = {0};
    if (!sequence->append(step, at, keep, request.cancelled)) {
      result.reason = FinishReason::cancelled;
      break;
    }
  }
  if (!stops.stopped() && wanted) {
    emit(stops.push(detokenizer.finish()));
    emit(stops.finish());
  }
  result.generate_seconds = seconds_since(first_token);
  return result;
}

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Engine Engine::load(const std::filesystem::path& path, const EngineOptions& options) {
  return with_public_errors([&] { return Engine(std::make_unique<State>(Gguf::open(path), options)); });
}

Engine Engine::view(std::span<const std::byte> bytes, const std::string& name, const EngineOptions& options) {
  return with_public_errors([&] { return Engine(std::make_unique<State>(Gguf::view(bytes, name), options)); });
}

const ModelInfo& Engine::info() const { return state_->info; }

Result Engine::generate(const Request& request, const std::function<bool(std::string_view)>& on_text) {
  return with_public_errors([&] { return state_->generate(request, on_text); });
}

std::vector<int32_t> Engine::tokenize(std::string_view text, bool special) const {
  return with_public_errors([&] { return state_->model.tokenizer.encode(text, special); });
}

std::string Engine::detokenize(std::span<const int32_t> ids, bool special) const {
  return with_public_errors([&] { return state_->model.tokenizer.decode(ids, special); });
}

std::string Engine::render(std::string_view request_json) const {
  return with_public_errors([&] {
    if (!state_->model.chat_template) throw Error(ErrorCode::bad_template, "the model has no chat template");
    return render_chat(*state_->model.chat_template, parse_json(request_json), state_->model.tokenizer.vocabulary())
        .text;
  });
}

std::vector<std::vector<float>> Engine::logits(std::span<const int32_t> tokens, std::span<const uint32_t> positions) {
  return with_public_errors([&] {
    State& state = *state_;
    if (tokens.empty()) throw Error(ErrorCode::invalid_argument, "there are no tokens");
    if (tokens.size() > state.model.context)
      throw Error(ErrorCode::prompt_too_long, std::to_string(tokens.size()) +
                                                  " tokens were given, but the context holds " +
                                                  std::to_string(state.model.context));
    require_tokens(tokens, state.model.program.vocabulary);
    for (size_t i = 0; i < positions.size(); ++i)
      if (positions[i] >= tokens.size() || (i > 0 && positions[i] <= positions[i - 1]))
        throw Error(ErrorCode::invalid_argument, "positions must rise and lie within the tokens");
    const std::lock_guard lock(state.mutex);
    state.sequence->rewind(0);
    std::vector<std::vector<float>> results;
    state.sequence->append(tokens, positions, [&](uint32_t, std::span<const float> values) {
      results.emplace_back(values.begin(), values.end());
    });
    return results;
  });
}

}  // namespace hearth
