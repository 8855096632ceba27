// Loading and unloading.
#include "tools/serve/models.h"

#include <algorithm>

#include "tools/serve/kept_caches.h"

namespace hearth::serve {
namespace {

enum class State { absent, loading, loaded, unloading };

Engine open_engine(const ModelSource& source, EngineOptions options,
                   const std::function<void(const std::string&)>& log) {
  options.draft = source.draft;
  options.adapters = source.adapters;
  options.on_placement = [&](const std::string& line) { log(source.name + ": " + line); };
  options.on_recovery = [log, name = source.name](const std::string& line) { log(name + ": " + line); };
  return source.path.empty() ? Engine::view(source.bytes, source.name, options) : Engine::load(source.path, options);
}

}  // namespace

struct Models::Model {
  ModelSource source;
  ModelFacts facts;
  std::vector<float> scales;  // of adapters, as they are now
  State state = State::absent;
  std::optional<Engine> engine;  // where loaded
  std::vector<Claim*> claims;
  Clock::time_point last_used;
  std::optional<std::chrono::seconds> keep_alive;  // instead of the options'
  uint64_t asked = 0;                              // order of the first claim that waits

  uint64_t memory() const { return state == State::absent ? 0 : facts.total(); }
  bool idle() const { return state == State::loaded && claims.empty(); }
  bool wanted() const { return state == State::absent && !claims.empty(); }
};

Models::Claim::Claim(Models& models, Model& model, std::optional<AdapterUse> adapter, std::function<void()> on_settled)
    : models_(models), model_(model), adapter_(adapter), on_settled_(std::move(on_settled)) {
  model_.claims.push_back(this);
}

Models::Claim::~Claim() {
  std::erase(model_.claims, this);
  model_.last_used = Clock::now();
  if (model_.claims.empty()) models_.advance();
}

bool Models::Claim::settled() const { return failure_ || model_.state == State::loaded; }

Engine& Models::Claim::engine() {
  if (failure_) throw *failure_;
  return *model_.engine;
}

Models::Models(boost::asio::io_context& io, std::vector<ModelSource> sources, ModelsOptions options)
    : io_(io), options_(std::move(options)), idle_timer_(io) {
  for (ModelSource& source : sources) {
    auto model = std::make_unique<Model>();
    model->facts = read_facts(source, options_.engine);
    for (const AdapterFile& adapter : source.adapters) model->scales.push_back(adapter.scale);
    model->source = std::move(source);
    options_.log(describe_memory(model->source.name, model->facts, options_.engine));
    if (model->facts.context > model->facts.trained_context)
      options_.log(model->source.name + ": the context of " + std::to_string(model->facts.context) +
                   " tokens is past the " + std::to_string(model->facts.trained_context) +
                   " that the model was trained for; past them answers may be poor");
    models_.push_back(std::move(model));
  }
}

Models::~Models() {
  for (const auto& model : models_)
    if (model->engine) KeptCaches{options_.cache_folder, options_.log}.save(model->source.name, *model->engine);
}

const std::string& Models::default_name() const { return models_.front()->source.name; }

Models::Found Models::find(const std::string& name) const {
  constexpr std::string_view kLatest = ":latest";
  const auto named = [&](std::string_view wanted) -> Found {
    for (const auto& model : models_) {
      if (model->source.name == wanted) return {model.get(), std::nullopt};
      for (uint32_t i = 0; i < model->source.adapters.size(); ++i)
        if (model->source.adapters[i].name == wanted) return {model.get(), i};
    }
    return {};
  };
  Found found = named(name);
  if (found.model == nullptr && name.ends_with(kLatest))
    found = named(std::string_view(name).substr(0, name.size() - kLatest.size()));
  return found;
}

Models::Model& Models::required(const std::string& name) const {
  Model* const model = find(name).model;
  if (model == nullptr) throw unknown_model(name);
  return *model;
}

const std::string* Models::find_name(const std::string& name) const {
  const Found found = find(name);
  if (found.model == nullptr) return nullptr;
  return found.adapter ? &found.model->source.adapters[*found.adapter].name : &found.model->source.name;
}

const std::string* Models::find_base(const std::string& name) const {
  const Model* model = find(name).model;
  return model == nullptr ? nullptr : &model->source.name;
}

std::unique_ptr<Models::Claim> Models::claim(const std::string& name, std::function<void()> on_settled) {
  const Found found = find(name);
  Model& model = required(name);
  std::optional<AdapterUse> adapter;
  if (found.adapter) {
    const float scale = model.source.adapters[*found.adapter].scale;
    adapter = AdapterUse{*found.adapter, scale == 0 ? 1 : scale};
  }
  if (model.claims.empty()) model.asked = static_cast<uint64_t>(Clock::now().time_since_epoch().count());
  std::unique_ptr<Claim> claim(new Claim(*this, model, adapter, std::move(on_settled)));
  advance();
  return claim;
}

std::vector<AdapterFile> Models::adapters(const std::string& name) const {
  const Model& model = required(name);
  std::vector<AdapterFile> adapters = model.source.adapters;
  for (size_t i = 0; i < adapters.size(); ++i) adapters[i].scale = model.scales[i];
  return adapters;
}

void Models::set_adapter_scales(const std::string& name, std::vector<float> scales) {
  Model& model = required(name);
  model.scales = std::move(scales);
  if (model.engine) model.engine->set_adapter_scales(model.scales);
}

void Models::each_adapter(
    const std::function<void(const std::string&, const std::string&, const ModelFacts&, const Engine*)>& action) const {
  for (const auto& model : models_)
    for (const AdapterFile& adapter : model->source.adapters)
      action(adapter.name, model->source.name, model->facts, model->engine ? &*model->engine : nullptr);
}

void Models::each(const std::function<void(const std::string&, const ModelFacts&, const Engine*)>& action) const {
  for (const auto& model : models_) action(model->source.name, model->facts, model->engine ? &*model->engine : nullptr);
}

void Models::stop() {
  stopped_ = true;
  idle_timer_.cancel();
}

// Loads the model that has been waited for the longest, if there is room.
void Models::advance() {
  unload_idle();
  Model* next = nullptr;
  for (const auto& model : models_) {
    if (model->state == State::loading) return;  // one after the other
    if (model->wanted() && (next == nullptr || model->asked < next->asked)) next = model.get();
  }
  if (next == nullptr || stopped_) return;
  if (options_.memory > 0 && next->facts.total() > options_.memory)
    settle(*next, std::nullopt,
           ApiError(500, "server_error", "out_of_memory",
                    "the model '" + next->source.name + "' needs " + std::to_string(next->facts.total() >> 20) +
                        " MiB, but --memory allows " + std::to_string(options_.memory >> 20) + " MiB"));
  else if (make_room(*next))
    load(*next);
}

// Begins to unload idle models, the longest unused first, where there is none; then false.
bool Models::make_room(const Model& wanted) {
  if (options_.memory == 0) return true;
  uint64_t used = 0, freed = 0;
  std::vector<Model*> idle;
  for (const auto& model : models_) {
    used += model->memory();
    if (model->state == State::unloading) freed += model->memory();
    if (model->idle()) idle.push_back(model.get());
  }
  if (used + wanted.facts.total() <= options_.memory) return true;
  std::ranges::sort(idle, {}, &Model::last_used);
  for (Model* model : idle) {
    if (used - freed + wanted.facts.total() <= options_.memory) break;
    freed += model->memory();
    unload(*model);
  }
  return false;
}

void Models::load(Model& model) {
  model.state = State::loading;
  loader_.start([this, &model] {
    auto engine = std::make_shared<std::optional<Engine>>();
    std::optional<ApiError> failure;
    try {
      *engine = open_engine(model.source, options_.engine, options_.log);
      KeptCaches{options_.cache_folder, options_.log}.restore(model.source.name, **engine);
    } catch (...) {
      failure = from_current_exception();
    }
    boost::asio::post(
        io_, [this, &model, engine, failure = std::move(failure)] { settle(model, std::move(*engine), failure); });
  });
}

void Models::settle(Model& model, std::optional<Engine> engine, std::optional<ApiError> failure) {
  model.state = engine ? State::loaded : State::absent;
  model.engine = std::move(engine);
  if (model.engine) model.engine->set_adapter_scales(model.scales);
  model.last_used = Clock::now();
  for (Claim* claim : model.claims) {
    claim->failure_ = failure;
    claim->on_settled_();
  }
  // Claims that failed are no longer waited for.
  if (failure) model.claims.clear();
  advance();
}

void Models::unload(Model& model) {
  model.state = State::unloading;
  auto engine = std::make_shared<std::optional<Engine>>(std::move(model.engine));
  model.engine.reset();
  loader_.start([this, &model, engine] {
    KeptCaches{options_.cache_folder, options_.log}.save(model.source.name, **engine);
    engine->reset();
    boost::asio::post(io_, [this, &model] {
      model.state = State::absent;
      advance();
    });
  });
}

void Models::keep(const std::string& name, std::chrono::seconds time) {
  if (Model* const model = find(name).model) model->keep_alive = time;
}

// Nothing: it stays.
std::optional<std::chrono::seconds> Models::keep_alive_of(const Model& model) const {
  const bool own = model.keep_alive.has_value();
  const auto time = own ? *model.keep_alive : options_.keep_alive;
  if (time.count() < 0 || (!own && time.count() == 0)) return std::nullopt;
  return time;
}

std::optional<std::chrono::seconds> Models::stays(const std::string& name) const {
  const Model* const model = find(name).model;
  const auto time = model == nullptr ? std::nullopt : keep_alive_of(*model);
  if (!time || !model->idle()) return time;
  return std::max(std::chrono::ceil<std::chrono::seconds>(model->last_used + *time - Clock::now()),
                  std::chrono::seconds(0));
}

// When an idle model is unloaded; nothing where it stays.
std::optional<Models::Clock::time_point> Models::end_of_idleness(const Model& model) const {
  const auto time = keep_alive_of(model);
  return time && model.idle() ? std::optional(model.last_used + *time) : std::nullopt;
}

void Models::unload_idle() {
  if (stopped_) return;
  auto next = Clock::time_point::max();
  for (const auto& model : models_) {
    const auto end = end_of_idleness(*model);
    if (!end) continue;
    if (*end <= Clock::now())
      unload(*model);
    else
      next = std::min(next, *end);
  }
  if (next == Clock::time_point::max()) return;
  idle_timer_.expires_at(next);
  idle_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) advance();
  });
}

ApiError unknown_model(const std::string& name) {
  return {404, "not_found_error", "model_not_found", "the model '" + name.substr(0, 100) + "' does not exist", "model"};
}

}  // namespace hearth::serve
