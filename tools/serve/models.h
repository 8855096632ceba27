// The models that the server knows: loaded when asked for, within a budget of memory, and unloaded when idle.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/serve/api_error.h"
#include "tools/serve/model_facts.h"
#include "tools/serve/workers.h"

namespace hearth::serve {

struct ModelsOptions {
  EngineOptions engine;
  uint64_t memory = 0;                          // bytes of all loaded models together; 0: no limit
  std::chrono::seconds keep_alive{0};           // a model that is idle for so long is unloaded; 0: never
  std::function<void(const std::string&)> log;  // from any thread
  std::filesystem::path cache_folder = {};      // where models keep their caches while they are not loaded; or nowhere
};

// All functions are called in the network thread, but the constructor and destructor.
class Models {
  struct Model;

 public:
  // Somebody's wish for a model, which stays loaded as long as this lives.
  class Claim {
   public:
    ~Claim();
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

    bool settled() const;  // loaded, or failed to
    Engine& engine();      // throws ApiError where it failed
    // The adapter whose name was asked for instead of the model's. Its scale is the one that it was given, but not 0.
    const std::optional<AdapterUse>& adapter() const { return adapter_; }

   private:
    friend class Models;
    Claim(Models& models, Model& model, std::optional<AdapterUse> adapter, std::function<void()> on_settled);
    Models& models_;
    Model& model_;
    std::optional<AdapterUse> adapter_;
    std::function<void()> on_settled_;
    std::optional<ApiError> failure_;
  };

  // Reads the facts of all models. Throws Error where one cannot be run.
  Models(boost::asio::io_context& io, std::vector<ModelSource> sources, ModelsOptions options);
  ~Models();  // keeps the caches of what is loaded

  // The first one's name.
  const std::string& default_name() const;
  // The name of the model that is called so: its own, or that of one of its adapters, with or without Ollama's
  // ":latest". Null where there is none.
  const std::string* find_name(const std::string& name) const;
  // The model's own name for any that find_name() finds; null for others.
  const std::string* find_base(const std::string& name) const;
  // Throws ApiError (404) for a name that is not known. on_settled may be called until the claim is gone.
  std::unique_ptr<Claim> claim(const std::string& name, std::function<void()> on_settled);

  // From now on the model stays for this time once it is idle, whatever ModelsOptions say; negative: for ever.
  void keep(const std::string& name, std::chrono::seconds time);

  // How long a loaded model stays if nobody asks for it; nothing: for ever.
  std::optional<std::chrono::seconds> stays(const std::string& name) const;

  // Calls `action` with the name, facts and engine of each model; the engine is null where it is not loaded.
  void each(const std::function<void(const std::string&, const ModelFacts&, const Engine*)>& action) const;

  // Calls `action` with the names of each adapter and of its model, and the model's facts and engine.
  void each_adapter(const std::function<void(const std::string&, const std::string&, const ModelFacts&, const Engine*)>&
                        action) const;

  // A model's adapters with the scales that requests get which say nothing of adapters. Both throw ApiError (404) for a
  // name that is not known; scales: one for each adapter.
  std::vector<AdapterFile> adapters(const std::string& name) const;
  void set_adapter_scales(const std::string& name, std::vector<float> scales);

  // Forgets the timer that unloads, so that nothing is left to wait for.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  struct Found {
    Model* model = nullptr;
    std::optional<uint32_t> adapter;
  };
  Found find(const std::string& name) const;
  Model& required(const std::string& name) const;
  void advance();
  bool make_room(const Model& wanted);
  void load(Model& model);
  void settle(Model& model, std::optional<Engine> engine, std::optional<ApiError> failure);
  void unload(Model& model);
  std::optional<std::chrono::seconds> keep_alive_of(const Model& model) const;
  std::optional<Clock::time_point> end_of_idleness(const Model& model) const;
  void unload_idle();

  boost::asio::io_context& io_;
  ModelsOptions options_;
  std::vector<std::unique_ptr<Model>> models_;
  boost::asio::steady_timer idle_timer_;
  bool stopped_ = false;
  Workers loader_{1};  // last: its thread uses the rest
};

// 404.
ApiError unknown_model(const std::string& name);

}  // namespace hearth::serve
