// The C interface over the C++ one.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "engine/include/hearth/hearth.h"
#include "engine/include/hearth/hearth_c.h"

struct hearth_engine {
  hearth::Engine engine;
};

namespace {

int report(hearth_error* error, hearth_code code, const char* message) {
  if (error != nullptr) {
    error->code = code;
    const size_t size = std::min(std::strlen(message), sizeof error->message - 1);
    std::memcpy(error->message, message, size);
    error->message[size] = '\0';
  }
  return code;
}

// Calls `action` and turns what it throws into a code.
template <class Action>
int guarded(hearth_error* error, Action&& action) noexcept {
  try {
    action();
    return HEARTH_OK;
  } catch (const hearth::Error& failure) {
    return report(error, static_cast<hearth_code>(failure.code()), failure.what());
  } catch (const std::bad_alloc&) {
    return report(error, HEARTH_OUT_OF_MEMORY, "there is not enough memory");
  } catch (const std::exception& failure) {
    return report(error, HEARTH_INTERNAL, failure.what());
  } catch (...) {
    return report(error, HEARTH_INTERNAL, "a foreign exception");
  }
}

void require(bool holds, const char* what) {
  if (!holds) throw hearth::Error(hearth::ErrorCode::invalid_argument, what);
}

// Puts the options of an answer into a request. Throws for a list of stop texts that cannot be.
void set_sampling(const hearth_sampling& from, hearth::Request& request) {
  request.max_tokens = from.max_tokens;
  request.sampling.temperature = from.temperature;
  request.sampling.top_k = from.top_k;
  request.sampling.top_p = from.top_p;
  request.sampling.min_p = from.min_p;
  if (from.has_seed != 0) request.sampling.seed = from.seed;
  require(from.stop != nullptr || from.stop_count == 0, "stop must not be NULL where there is a stop_count");
  for (size_t i = 0; i < from.stop_count; ++i) {
    require(from.stop[i] != nullptr && *from.stop[i] != '\0', "a stop text must be neither NULL nor empty");
    request.stop.emplace_back(from.stop[i]);
  }
}

template <class Prompt>
void answer(hearth_engine& engine, Prompt prompt, const hearth_sampling* sampling, hearth_on_text on_text, void* user) {
  hearth::Request request;
  request.prompt = std::move(prompt);
  if (sampling != nullptr) set_sampling(*sampling, request);
  engine.engine.generate(request, [&](std::string_view text) {
    return on_text == nullptr || on_text(text.data(), text.size(), user) != 0;
  });
}

}  // namespace

void hearth_default_options(hearth_options* options) {
  if (options != nullptr) *options = {nullptr, nullptr, 0, 0, nullptr, nullptr, 0, 0, nullptr, 0};
}

void hearth_default_sampling(hearth_sampling* sampling) {
  if (sampling == nullptr) return;
  const hearth::Sampling defaults;
  *sampling = {UINT32_MAX, defaults.temperature, defaults.top_k, defaults.top_p, defaults.min_p, 0, 0, nullptr, 0};
}

int hearth_load(const char* path, const hearth_options* options, hearth_engine** engine, hearth_error* error) {
  return guarded(error, [&] {
    require(path != nullptr && engine != nullptr, "hearth_load: path and engine must not be NULL");
    *engine = nullptr;
    hearth::EngineOptions all;
    if (options != nullptr) {
      if (options->device != nullptr) all.device = options->device;
      if (options->kernels != nullptr) all.kernels = options->kernels;
      all.threads = options->threads;
      all.context = options->context;
      all.lookup = options->lookup != 0;
      if (options->draft != nullptr) all.draft = options->draft;
      require(options->gpu_layers >= -1, "gpu_layers must be a number of layers, 0 or -1");
      if (options->gpu_layers != 0) all.gpu_layers = static_cast<uint32_t>(std::max(options->gpu_layers, 0));
      require(options->adapters != nullptr || options->adapter_count == 0,
              "adapters must not be NULL where there is an adapter_count");
      for (size_t i = 0; i < options->adapter_count; ++i) {
        require(options->adapters[i] != nullptr, "the path of an adapter must not be NULL");
        const float scale = options->adapter_scales == nullptr ? 1 : options->adapter_scales[i];
        all.adapters.push_back({std::to_string(i), options->adapters[i], scale});
      }
    }
    *engine = new hearth_engine{hearth::Engine::load(path, all)};
  });
}

void hearth_free(hearth_engine* engine) { delete engine; }

int hearth_complete(hearth_engine* engine, const char* prompt, const hearth_sampling* sampling, hearth_on_text on_text,
                    void* user, hearth_error* error) {
  return guarded(error, [&] {
    require(engine != nullptr && prompt != nullptr, "hearth_complete: engine and prompt must not be NULL");
    answer(*engine, std::string(prompt), sampling, on_text, user);
  });
}

int hearth_chat(hearth_engine* engine, const char* conversation, const hearth_sampling* sampling,
                hearth_on_text on_text, void* user, hearth_error* error) {
  return guarded(error, [&] {
    require(engine != nullptr && conversation != nullptr, "hearth_chat: engine and conversation must not be NULL");
    answer(*engine, hearth::Conversation{conversation}, sampling, on_text, user);
  });
}

int hearth_tokenize(const hearth_engine* engine, const char* text, int32_t* ids, size_t capacity, size_t* count,
                    hearth_error* error) {
  return guarded(error, [&] {
    require(engine != nullptr && text != nullptr && count != nullptr,
            "hearth_tokenize: engine, text and count must not be NULL");
    require(ids != nullptr || capacity == 0, "hearth_tokenize: ids must not be NULL where there is a capacity");
    const std::vector<int32_t> all = engine->engine.tokenize(text);
    *count = all.size();
    std::copy_n(all.begin(), std::min(capacity, all.size()), ids);
  });
}

int hearth_save_cache(hearth_engine* engine, const char* path, uint64_t* tokens, hearth_error* error) {
  return guarded(error, [&] {
    require(engine != nullptr && path != nullptr, "hearth_save_cache: engine and path must not be NULL");
    const hearth::CacheContent saved = engine->engine.save_cache(path);
    if (tokens != nullptr) *tokens = saved.tokens;
  });
}

int hearth_load_cache(hearth_engine* engine, const char* path, uint64_t* tokens, hearth_error* error) {
  return guarded(error, [&] {
    require(engine != nullptr && path != nullptr, "hearth_load_cache: engine and path must not be NULL");
    const hearth::CacheContent restored = engine->engine.load_cache(path);
    if (tokens != nullptr) *tokens = restored.tokens;
  });
}
