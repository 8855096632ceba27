// What there is and how it does.
#include "tools/serve/model_routes.h"

#include <functional>

#include "tools/serve/request_facts.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

int hex(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

// "a%2Fb" -> "a/b"
std::string percent_decoded(const std::string& text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      decoded += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

Json remote_model_json(const std::string& name, const Remote& remote, int64_t created) {
  return {{"id", name}, {"object", "model"}, {"created", created}, {"owned_by", remote.name}};
}

// Names that stand for other models: "auto", where there is a choice, and aliases.
void each_standing_name(const Service& service,
                        const std::function<void(const std::string&, const std::string&)>& action) {
  if (!service.options.remotes.empty()) action(kAutomatic, "");
  for (const route::Alias& alias : service.options.routing.policy.aliases) action(alias.name, alias.model);
}

// An adapter goes by its name as a model that its own one is the parent of.
Json adapter_json(const std::string& name, const std::string& model, const ModelFacts& facts, int64_t created,
                  bool loaded) {
  Json json = model_json(name, facts, created, loaded);
  json["parent"] = model;
  return json;
}

Json standing_name_json(const std::string& name, const std::string& model, int64_t created) {
  Json json = {{"id", name}, {"object", "model"}, {"created", created}, {"owned_by", "hearth"}};
  if (!model.empty()) json["alias_of"] = model;
  return json;
}

Json anthropic_model_json(const std::string& name, int64_t created) {
  return {{"type", "model"}, {"id", name}, {"display_name", name}, {"created_at", utc_time(created)}};
}

// All models in one page.
Json anthropic_list(const Service& service) {
  Json data = Json::array();
  service.models.each([&](const std::string& name, const ModelFacts&, const Engine*) {
    data.push_back(anthropic_model_json(name, service.started));
  });
  service.models.each_adapter([&](const std::string& name, const std::string&, const ModelFacts&, const Engine*) {
    data.push_back(anthropic_model_json(name, service.started));
  });
  for (const Remote& remote : service.options.remotes)
    for (const std::string& name : remote.models) data.push_back(anthropic_model_json(name, service.started));
  each_standing_name(service, [&](const std::string& name, const std::string&) {
    data.push_back(anthropic_model_json(name, service.started));
  });
  const Json first = data.front()["id"], last = data.back()["id"];
  return {{"data", std::move(data)}, {"has_more", false}, {"first_id", first}, {"last_id", last}};
}

}  // namespace

asio::awaitable<void> list_models(Connection& connection, Service& service) {
  if (!connection.header("anthropic-version").empty()) {
    co_await connection.reply({200, to_text(anthropic_list(service))});
    co_return;
  }
  Json list = Json::array();
  service.models.each([&](const std::string& name, const ModelFacts& facts, const Engine* engine) {
    list.push_back(model_json(name, facts, service.started, engine != nullptr));
  });
  service.models.each_adapter(
      [&](const std::string& name, const std::string& model, const ModelFacts& facts, const Engine* engine) {
        list.push_back(adapter_json(name, model, facts, service.started, engine != nullptr));
      });
  for (const Remote& remote : service.options.remotes)
    for (const std::string& name : remote.models) list.push_back(remote_model_json(name, remote, service.started));
  each_standing_name(service, [&](const std::string& name, const std::string& model) {
    list.push_back(standing_name_json(name, model, service.started));
  });
  const Json body = {{"object", "list"}, {"data", std::move(list)}};
  co_await connection.reply({200, to_text(body)});
}

asio::awaitable<void> show_model(Connection& connection, Service& service) {
  std::string wanted = percent_decoded(connection.path().substr(std::string("/v1/models/").size()));
  if (const std::string* name = service.models.find_name(wanted)) wanted = *name;
  Json found;
  service.models.each([&](const std::string& name, const ModelFacts& facts, const Engine* engine) {
    if (name == wanted) found = model_json(name, facts, service.started, engine != nullptr);
  });
  service.models.each_adapter(
      [&](const std::string& name, const std::string& model, const ModelFacts& facts, const Engine* engine) {
        if (name == wanted) found = adapter_json(name, model, facts, service.started, engine != nullptr);
      });
  if (const Remote* remote = find_remote(service, wanted)) found = remote_model_json(wanted, *remote, service.started);
  each_standing_name(service, [&](const std::string& name, const std::string& model) {
    if (name == wanted) found = standing_name_json(name, model, service.started);
  });
  if (found.is_null()) throw unknown_model(wanted);
  if (!connection.header("anthropic-version").empty()) found = anthropic_model_json(wanted, service.started);
  co_await connection.reply({200, to_text(found)});
}

asio::awaitable<void> show_metrics(Connection& connection, Service& service) {
  service.models.each([&](const std::string& name, const ModelFacts&, const Engine* engine) {
    service.metrics.note(name, engine != nullptr, engine == nullptr ? Statistics{} : engine->statistics());
  });
  co_await connection.reply({200, service.metrics.text(), "text/plain; version=0.0.4; charset=utf-8"});
}

}  // namespace hearth::serve
