// From connections to Ollama's API.
#include "tools/serve/ollama/ollama_routes.h"

#include "tools/serve/body.h"
#include "tools/serve/embeddings.h"
#include "tools/serve/generate.h"
#include "tools/serve/ollama/ollama_models.h"
#include "tools/serve/ollama/ollama_request.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

// The version of Ollama whose API is spoken: clients ask for it to know what they may use.
constexpr const char* kApiVersion = "0.14.0";
constexpr std::chrono::hours kForEver{100 * 365 * 24};  // clients show dates that are so far away as no end at all

EmbeddingAsk read_embedding_ask(Fields& fields, const std::string& model, const char* input_field) {
  EmbeddingAsk ask;
  ask.model = model;
  const Json& input = fields.required(input_field);
  const auto add = [&](const Json& text) {
    if (!text.is_string()) refuse(input_field, "a text or an array of texts");
    ask.inputs.emplace_back().prompt = text.get<std::string>();
  };
  if (input.is_array()) {
    if (input.empty() || input.size() > kMostEmbeddings)
      refuse(input_field, "1 to " + std::to_string(kMostEmbeddings) + " texts");
    for (const Json& text : input) add(text);
  } else {
    add(input);
  }
  ask.dimensions = fields.integer("dimensions", 1, 1 << 20);
  return ask;
}

asio::awaitable<EmbeddingAnswer> embed_body(Connection& connection, Service& service, const Json& body,
                                            const char* input_field) {
  Fields fields(body);
  const std::string model = read_ollama_model(fields, service.models.default_name());
  co_return co_await embed(connection, service, read_embedding_ask(fields, model, input_field));
}

}  // namespace

asio::awaitable<void> ollama_chat(Connection& connection, Service& service) {
  return generate(connection, service, read_ollama_chat, "", Remotes::translated);
}

asio::awaitable<void> ollama_generate(Connection& connection, Service& service) {
  return generate(connection, service, read_ollama_generate, "");
}

asio::awaitable<void> ollama_embed(Connection& connection, Service& service) {
  const Json body = co_await read_body(connection, service);
  const EmbeddingAnswer answer = co_await embed_body(connection, service, body, "input");
  Fields fields(body);
  Json reply = {{"model", read_ollama_model(fields, service.models.default_name())},
                {"embeddings", answer.vectors},
                {"total_duration", static_cast<int64_t>(connection.elapsed().count() * 1e9)},
                {"load_duration", 0},
                {"prompt_eval_count", answer.tokens}};
  co_await connection.reply({200, to_text(reply)});
}

asio::awaitable<void> ollama_embeddings(Connection& connection, Service& service) {
  const Json body = co_await read_body(connection, service);
  const EmbeddingAnswer answer = co_await embed_body(connection, service, body, "prompt");
  co_await connection.reply({200, to_text(Json{{"embedding", answer.vectors.front()}})});
}

asio::awaitable<void> ollama_pull(Connection& connection, Service& service) {
  const Json body = co_await read_body(connection, service);
  Fields fields(body);
  const std::string model = read_ollama_model(fields, "");
  if (service.models.find_name(model) == nullptr)
    throw ApiError(404, "not_found_error", "model_not_found",
                   "the model '" + model.substr(0, 100) + "' is not here, and Hearth fetches none", "model");
  if (!fields.boolean("stream", true)) {
    co_await connection.reply({200, R"({"status":"success"})"});
    co_return;
  }
  co_await connection.begin(200, "application/x-ndjson");
  co_await connection.send("{\"status\":\"pulling manifest\"}\n{\"status\":\"success\"}\n");
  co_await connection.end();
}

asio::awaitable<void> ollama_version(Connection& connection, Service&) {
  co_await connection.reply({200, to_text(Json{{"version", kApiVersion}})});
}

asio::awaitable<void> ollama_tags(Connection& connection, Service& service) {
  Json list = Json::array();
  service.models.each([&](const std::string& name, const ModelFacts& facts, const Engine*) {
    list.push_back(ollama_model_json(name, facts, service.started));
  });
  service.models.each_adapter(
      [&](const std::string& name, const std::string& parent, const ModelFacts& facts, const Engine*) {
        Json model = ollama_model_json(name, facts, service.started);
        model["details"]["parent_model"] = parent;
        list.push_back(std::move(model));
      });
  co_await connection.reply({200, to_text(Json{{"models", std::move(list)}})});
}

asio::awaitable<void> ollama_ps(Connection& connection, Service& service) {
  Json list = Json::array();
  const auto now = std::chrono::system_clock::now();
  service.models.each([&](const std::string& name, const ModelFacts& facts, const Engine* engine) {
    if (engine == nullptr) return;
    Json model = ollama_model_json(name, facts, service.started);
    model["expires_at"] =
        utc_time(std::chrono::system_clock::to_time_t(now + service.models.stays(name).value_or(kForEver)));
    model["size"] = facts.total();
    model["size_vram"] = 0;
    model["context_length"] = facts.context;
    list.push_back(std::move(model));
  });
  co_await connection.reply({200, to_text(Json{{"models", std::move(list)}})});
}

asio::awaitable<void> ollama_show(Connection& connection, Service& service) {
  const Json body = co_await read_body(connection, service);
  Fields fields(body);
  const std::string wanted = read_ollama_model(fields, service.models.default_name());
  Json found;
  service.models.each([&](const std::string& name, const ModelFacts& facts, const Engine* engine) {
    if (name == wanted)
      found = ollama_details_json(facts, engine == nullptr ? nullptr : &engine->info(), service.started);
  });
  service.models.each_adapter(
      [&](const std::string& name, const std::string& parent, const ModelFacts& facts, const Engine* engine) {
        if (name != wanted) return;
        found = ollama_details_json(facts, engine == nullptr ? nullptr : &engine->info(), service.started);
        found["details"]["parent_model"] = parent;
      });
  if (found.is_null()) throw unknown_model(wanted);
  co_await connection.reply({200, to_text(found)});
}

}  // namespace hearth::serve
