// The public Engine: one model, one plan, one thread that decodes.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <random>

#include "backends/devices.h"
#include "engine/adapter_scales.h"
#include "engine/cache_identity.h"
#include "engine/checks.h"
#include "engine/decode/cache_transfer.h"
#include "engine/decode/constraint/constraint_cache.h"
#include "engine/decode/constraint/token_trie.h"
#include "engine/decode/generation.h"
#include "engine/decode/scoring.h"
#include "engine/decode/worker.h"
#include "engine/draft.h"
#include "engine/errors.h"
#include "engine/include/hearth/hearth.h"
#include "engine/model/decoder.h"
#include "engine/model/loaded_model.h"
#include "engine/plans.h"
#include "engine/text/chat.h"
#include "engine/text/prompt.h"
#include "engine/text/template/json.h"
#include "formats/byte_cursor.h"

namespace hearth {
namespace {

KvType kv_type_of(CacheType type) {
  return type == CacheType::f32 ? KvType::f32 : type == CacheType::f16 ? KvType::f16 : KvType::q8_0;
}

// Brings events from the engine's thread to the one that waits in generate().
class EventQueue {
 public:
  void push(Event event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    arrived_.notify_one();
  }
  Event pop() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return !events_.empty(); });
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Event> events_;
};

}  // namespace

struct Running::State {
  std::shared_ptr<Generation> generation;
};

void Running::cancel() {
  if (state_) state_->generation->cancel();
}

struct Engine::State {
  State(Gguf file, const EngineOptions& engine_options)
      : options(checked_options(engine_options)),
        adapter_scales(options.adapters),
        model(load_model(std::move(file),
                         {options.context, kv_type_of(options.cache_type), options.pre_tokenizer, options.chat_template,
                          options.parallel, options.cache_tokens, options.deterministic,
                          adapter_paths(options.adapters), best_step_rows({.name = options.device})})) {
    if (!options.draft.empty()) draft_model.emplace(load_draft(options.draft, model, options.parallel));
    require_memory(model, options.embeddings, draft_model ? &*draft_model : nullptr);
    place();
    if (options.on_load) read_weights(model.program, options.on_load);
    if (plans->draft)
      draft.emplace(*plans->draft, draft_model->limits, static_cast<uint32_t>(model.tokenizer.vocabulary().size()));
    const bool takes_guesses = model.limits.states == 0;  // a state cannot take back what did not come true
    if (draft && !takes_guesses)
      throw Error(ErrorCode::invalid_argument, "a model of the architecture " + info.architecture +
                                                   " keeps states, which no draft model can be tried with");
    if (options.lookup && !takes_guesses && options.on_log)
      options.on_log("nothing is looked up: a model of the architecture " + info.architecture +
                     " keeps states, which take back no guesses");
    if (plans->text && takes_guesses && (draft || options.lookup))
      speculation.emplace(SpeculationOptions{.lookup = options.lookup, .draft = draft ? &*draft : nullptr});
    SchedulerOptions scheduling{
        .parallel = options.parallel, .speculation = speculation ? &*speculation : nullptr, .on_divergence = {}};
    if (options.on_log)
      scheduling.on_divergence = [this](const PrefixCache::Divergence& at) {
        try {
          options.on_log(describe_divergence(at));
        } catch (...) {  // a log that fails stops no answer
        }
      };
    std::vector<std::unique_ptr<Scheduler>> schedulers;
    if (plans->text)
      schedulers.push_back(
          std::make_unique<Scheduler>(*plans->text, step_limits(), model.program.vocabulary, std::move(scheduling)));
    if (plans->embeddings) {
      embedding_lane = schedulers.size();
      schedulers.push_back(std::make_unique<Scheduler>(
          *plans->embeddings, embedding_limits(model), model.config.width,
          SchedulerOptions{.parallel = kEmbeddingsAtOnce, .whole_prompts = !plans->text, .on_divergence = {}}));
    }
    worker = std::make_unique<Worker>(
        std::move(schedulers),
        [this](std::span<Scheduler* const> lanes, const std::exception_ptr& loss) { recover(lanes, loss); });
  }

  // Of steps: where the CPU computes layers, those of many rows would keep others waiting.
  Limits step_limits() const {
    Limits limits = model.limits;
    const bool of_gpu = plans->placement.split_layers == 0 && plans->placement.device->free_memory();
    if (!of_gpu) limits.rows = std::min(limits.rows, std::max(Limits{}.rows, options.parallel));
    return limits;
  }

  const LoadedModel* drafting() const { return draft_model ? &*draft_model : nullptr; }

  // Makes the first plans, and says where they are.
  void place() {
    plans.emplace(make_plans(options, model, drafting(), options.on_placement));
    const Placement& placement = plans->placement;
    info = describe(model, *placement.device, options);
    info.placement = placement.line;
    now = {.device = info.device, .arithmetic = placement.arithmetic};
  }

  // In the worker's thread. A device that loses itself whenever it is asked is given up.
  void recover(std::span<Scheduler* const> lanes, const std::exception_ptr& loss) {
    uint64_t done = 0;
    for (const Scheduler* one : lanes) done += one->statistics().done;
    if (plans) {  // not where that is tried again
      const std::lock_guard lock(now_mutex);
      ++now.devices_lost;
    }
    plans.reset();  // before others take the device's memory
    plans.emplace(remake_plans(options, model, drafting(), public_error(loss).what(), remade_after != done));
    remade_after = done;
    {
      const std::lock_guard lock(now_mutex);
      now.device = plans->placement.device->name();
      now.arithmetic = plans->placement.arithmetic;
    }
    if (draft) draft->go_on(*plans->draft);
    if (plans->text) lanes.front()->go_on(*plans->text);
    if (plans->embeddings) lanes[embedding_lane]->go_on(*plans->embeddings);
  }

  // Of an encoder there is nothing but embeddings.
  void require_text() const {
    if (!model.config.causal)
      throw Error(ErrorCode::invalid_argument,
                  "a model of the architecture " + info.architecture + " makes embeddings, no text");
  }

  Pooling resolve(Pooling pooling) const {
    if (pooling != Pooling::stated) return pooling;
    switch (model.config.pooling) {
      case PoolingRule::first:
        return Pooling::first;
      case PoolingRule::last:
        return Pooling::last;
      case PoolingRule::mean:
      case PoolingRule::unstated:
        break;
    }
    return Pooling::mean;
  }

  std::string describe_divergence(const PrefixCache::Divergence& at) const {
    const auto text = [&](int32_t id) { return in_quotes(model.tokenizer.decode(std::span(&id, 1), true)); };
    return "a prompt leaves the cached one at token " + std::to_string(at.position) + ": " + text(at.cached) +
           " is cached, " + text(at.asked) + " was asked";
  }

  Prompt prompt_of(const Request& request) const {
    if (!model.chat_template) return make_prompt(request, model.tokenizer, nullptr);
    const Chat chat{*model.chat_template, model.answers};
    return make_prompt(request, model.tokenizer, &chat);
  }
  // Sorting a large vocabulary takes a while, and most engines never need it.
  std::shared_ptr<const TokenTrie> token_trie() {
    std::call_once(trie_once, [&] { trie = TokenTrie::make(model.tokenizer); });
    return trie;
  }
  // A device that is lost while a model is loaded is an error like others: there is no engine yet that makes it anew.
  template <class Make>
  static Engine loaded(Make&& make) {
    return with_public_errors([&] {
      try {
        return Engine(make());
      } catch (const DeviceLost& error) {
        throw DeviceError(error.what());
      }
    });
  }
  // It takes reading samples of the weights, which most engines never need.
  CacheIdentity cache_identity() {
    require_text();
    std::call_once(identity_once, [&] { identity = identify_cache(model); });
    CacheIdentity result = identity;
    const std::lock_guard lock(now_mutex);
    if (model.limits.deterministic) result.arithmetic = now.arithmetic;
    return result;
  }
  std::shared_ptr<Generation> start(const Request& request, std::function<void(Event)> on_event);

  EngineOptions options;
  AdapterScales adapter_scales;
  LoadedModel model;
  std::optional<LoadedModel> draft_model;
  std::optional<Plans> plans;            // from when the worker runs on, its thread's alone
  std::optional<uint64_t> remade_after;  // how many requests had ended when they were made anew
  std::optional<DraftModel> draft;
  std::optional<Speculation> speculation;
  size_t embedding_lane = 0;  // of the worker
  ModelInfo info;
  struct Now {
    std::string device, arithmetic;
    uint64_t devices_lost = 0;
  };
  mutable std::mutex now_mutex;
  Now now;  // what computes
  std::atomic<uint64_t> generated_tokens = 0;
  ConstraintCache constraints;
  std::once_flag trie_once;
  std::shared_ptr<const TokenTrie> trie;
  std::once_flag identity_once;
  CacheIdentity identity;
  GuideTools guides{model.tokenizer, constraints, [this] { return token_trie(); }};
  std::unique_ptr<Worker> worker;  // last: it uses all the rest
};

std::shared_ptr<Generation> Engine::State::start(const Request& request, std::function<void(Event)> on_event) {
  require_text();
  Prompt prompt = prompt_of(request);
  const std::vector<int32_t>& ids = prompt.ids;
  if (ids.empty())
    throw Error(ErrorCode::invalid_argument, "the prompt is empty, and the model has no token to begin with");
  const uint32_t context = request.context == 0 ? model.context : std::min(request.context, model.context);
  if (ids.size() >= context)
    throw Error(ErrorCode::prompt_too_long, "the prompt has " + std::to_string(ids.size()) +
                                                " tokens, but the context holds " + std::to_string(context) +
                                                ", prompt and answer together");
  require_tokens(ids, model.program.vocabulary);
  for (const auto& [token, bias] : request.sampling.logit_bias) require_tokens({&token, 1}, model.program.vocabulary);
  const uint64_t seed = request.sampling.seed ? *request.sampling.seed : std::random_device{}();
  const auto generation = std::make_shared<Generation>(
      model.tokenizer, request, std::move(prompt), seed,
      GenerationOptions{.context = context, .most_tokens = options.most_tokens, .longest_wait = options.longest_wait},
      [this, on_event = std::move(on_event)](Event event) {
        if (event.result) generated_tokens += event.result->generated_tokens;
        on_event(std::move(event));
      },
      guides);
  generation->adapters = adapter_scales.of(request.adapters);
  if (!worker->add(generation, options.most_waiting))
    throw Error(ErrorCode::busy, std::to_string(options.most_waiting) + " requests wait already");
  return generation;
}

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

Engine Engine::load(const std::filesystem::path& path, const EngineOptions& options) {
  return State::loaded([&] { return std::make_unique<State>(Gguf::open(path), options); });
}

Engine Engine::view(std::span<const std::byte> bytes, const std::string& name, const EngineOptions& options) {
  return State::loaded([&] { return std::make_unique<State>(Gguf::view(bytes, name), options); });
}

const ModelInfo& Engine::info() const { return state_->info; }

// A callback of the engine that waits for the engine would wait for ever.
void Engine::require_other_thread() const {
  if (state_->worker->is_this_thread())
    throw Error(ErrorCode::invalid_argument, "a callback of the engine must not wait for the engine");
}

Result Engine::generate(const Request& request, const std::function<bool(std::string_view)>& on_text) {
  return with_public_errors([&] {
    require_other_thread();
    // Shared, for the engine goes on for a moment when on_text throws.
    const auto events = std::make_shared<EventQueue>();
    const auto generation = state_->start(request, [events](Event event) { events->push(std::move(event)); });
    const std::shared_ptr<void> ending(nullptr, [&](void*) { generation->cancel(); });
    std::string text;
    for (bool wanted = true;;) {
      Event event = events->pop();
      if (wanted) text += event.text;
      if (wanted && !event.text.empty() && on_text && !on_text(event.text)) {
        wanted = false;
        generation->cancel();
      }
      if (event.error) throw *event.error;
      if (!event.result) continue;
      event.result->text = std::move(text);
      if (!wanted) event.result->reason = FinishReason::cancelled;
      return std::move(*event.result);
    }
  });
}

Running Engine::start(const Request& request, std::function<void(Event)> on_event) {
  return with_public_errors([&] {
    if (!on_event) throw Error(ErrorCode::invalid_argument, "on_event must be given");
    Running running;
    running.state_ = std::make_shared<Running::State>();
    running.state_->generation = state_->start(request, std::move(on_event));
    return running;
  });
}

void Engine::start_embedding(std::span<const int32_t> tokens, Pooling pooling, std::function<void(Embedding)> on_done,
                             const std::optional<std::vector<AdapterUse>>& adapters) {
  with_public_errors([&] {
    State& state = *state_;
    if (!on_done) throw Error(ErrorCode::invalid_argument, "on_done must be given");
    if (!state.info.has_embeddings)
      throw Error(ErrorCode::invalid_argument, "the engine was loaded without embeddings");
    require_sequence(tokens, state.model);
    const auto task = std::make_shared<EmbeddingTask>(tokens, state.resolve(pooling), std::move(on_done));
    task->adapters = state.adapter_scales.of(adapters);
    if (!state.worker->add(task, state.options.most_waiting, state.embedding_lane))
      throw Error(ErrorCode::busy, std::to_string(state.options.most_waiting) + " requests wait already");
  });
}

std::vector<float> Engine::embed(std::span<const int32_t> tokens, Pooling pooling) {
  require_other_thread();
  std::promise<Embedding> done;
  start_embedding(tokens, pooling, [&](Embedding embedding) { done.set_value(std::move(embedding)); });
  Embedding embedding = done.get_future().get();
  if (embedding.error) throw *embedding.error;
  return std::move(embedding.values);
}

std::vector<float> Engine::adapter_scales() const { return state_->adapter_scales.usual(); }

void Engine::set_adapter_scales(std::span<const float> scales) { state_->adapter_scales.set_usual(scales); }

Statistics Engine::statistics() const {
  const SchedulerStatistics now = state_->worker->statistics();
  const uint64_t page = state_->model.limits.page_size;
  const std::lock_guard lock(state_->now_mutex);
  return {.running = now.running,
          .waiting = now.waiting,
          .cache_tokens = now.pages * page,
          .cache_used = now.pages_used * page,
          .cache_held = now.pages_held * page,
          .steps = now.steps,
          .rows = now.rows,
          .prompt_tokens = now.prompt_tokens,
          .cached_tokens = now.cached_tokens,
          .generated_tokens = state_->generated_tokens,
          .set_back = now.set_back,
          .guessed = now.guessed,
          .came_true = now.came_true,
          .devices_lost = state_->now.devices_lost,
          .device = state_->now.device};
}

CacheContent Engine::save_cache(const std::filesystem::path& path) {
  return with_public_errors([&] {
    require_other_thread();
    return hearth::save_cache(*state_->worker, state_->cache_identity(), std::nullopt, {}, path);
  });
}

CacheContent Engine::save_cache(std::span<const int32_t> tokens, const std::filesystem::path& path,
                                const std::optional<std::vector<AdapterUse>>& adapters) {
  return with_public_errors([&] {
    require_other_thread();
    return hearth::save_cache(*state_->worker, state_->cache_identity(), tokens, state_->adapter_scales.of(adapters),
                              path);
  });
}

CacheContent Engine::load_cache(const std::filesystem::path& path) {
  return with_public_errors([&] {
    require_other_thread();
    return hearth::load_cache(*state_->worker, state_->cache_identity(), path);
  });
}

uint64_t Engine::clear_cache() {
  return with_public_errors([&] {
    require_other_thread();
    state_->require_text();
    return hearth::clear_cache(*state_->worker);
  });
}

std::vector<int32_t> Engine::prompt_tokens(const Request& request) const {
  return with_public_errors([&] { return state_->prompt_of(request).ids; });
}

std::vector<int32_t> Engine::embedding_tokens(const Request& request) const {
  std::vector<int32_t> ids = prompt_tokens(request);
  const Tokenizer& tokenizer = state_->model.tokenizer;
  const auto eos = tokenizer.vocabulary().special().eos;
  if (tokenizer.adds_eos() && eos && (ids.empty() || ids.back() != *eos)) ids.push_back(*eos);
  return ids;
}

std::vector<int32_t> Engine::tokenize(std::string_view text, bool special) const {
  return with_public_errors([&] { return state_->model.tokenizer.encode(text, special); });
}

std::string Engine::detokenize(std::span<const int32_t> ids, bool special) const {
  return with_public_errors([&] {
    for (const int32_t id : ids)
      if (!state_->model.tokenizer.vocabulary().contains(id))
        throw Error(ErrorCode::invalid_argument, "token " + std::to_string(id) + " is not in the vocabulary of " +
                                                     std::to_string(state_->model.tokenizer.vocabulary().size()));
    return state_->model.tokenizer.decode(ids, special);
  });
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
    require_other_thread();
    state.require_text();
    require_sequence(tokens, state.model);
    for (size_t i = 0; i < positions.size(); ++i)
      if (positions[i] >= tokens.size() || (i > 0 && positions[i] <= positions[i - 1]))
        throw Error(ErrorCode::invalid_argument, "positions must rise and lie within the tokens");
    const auto task = std::make_shared<LogitsTask>(tokens, positions);
    task->adapters = state.adapter_scales.of({});
    auto results = task->future();
    if (!state.worker->add(task, UINT32_MAX)) throw Error(ErrorCode::busy, "the engine is busy");
    return results.get();
  });
}

}  // namespace hearth
