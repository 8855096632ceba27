// The table of endpoints, and the checks in front of them.
#include "tools/serve/routes.h"

#include <algorithm>

#include "tools/serve/anthropic/messages_reply.h"
#include "tools/serve/anthropic/messages_routes.h"
#include "tools/serve/body.h"
#include "tools/serve/embeddings.h"
#include "tools/serve/generate.h"
#include "tools/serve/llama/adapter_routes.h"
#include "tools/serve/llama/llama_reply.h"
#include "tools/serve/llama/llama_request.h"
#include "tools/serve/model_routes.h"
#include "tools/serve/ollama/ollama_reply.h"
#include "tools/serve/ollama/ollama_routes.h"
#include "tools/serve/openai/chat_request.h"
#include "tools/serve/openai/completion_request.h"
#include "tools/serve/openai/fim_request.h"
#include "tools/serve/page/page_routes.h"
#include "tools/serve/proof_routes.h"
#include "tools/serve/responses/responses_routes.h"
#include "tools/serve/slot_routes.h"
#include "tools/serve/text_routes.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Answering = asio::awaitable<void>;

Answering chat(Connection& connection, Service& service) {
  return generate(connection, service, read_chat_request, "chatcmpl-", Remotes::forwarded);
}
Answering completions(Connection& connection, Service& service) {
  return generate(connection, service, read_completion_request, "cmpl-", Remotes::forwarded);
}
Answering fim_completions(Connection& connection, Service& service) {
  return generate(connection, service, read_fim_request, "cmpl-");
}
Answering infill(Connection& connection, Service& service) {
  return generate(connection, service, read_infill_request, "");
}
Answering llama_completion(Connection& connection, Service& service) {
  return generate(connection, service, read_llama_completion, "");
}
Answering count_chat_tokens(Connection& connection, Service& service) {
  const uint64_t tokens = co_await count_prompt(connection, service, read_chat_request);
  co_await connection.reply({200, to_text(Json{{"input_tokens", tokens}})});
}
Answering health(Connection& connection, Service&) { co_await connection.reply({200, R"({"status":"ok"})"}); }

struct Route {
  http::verb method;
  const char* path;  // one that ends in '/' is followed by a name
  Answering (*answer)(Connection&, Service&);
  bool is_public = false;  // needs no key
};

using WordError = Json (*)(const ApiError&);

// The protocol of a path, also of one that leads nowhere.
WordError wording(const Connection& connection) {
  const std::string path = connection.path();
  if (path.starts_with("/v1/messages") || !connection.header("anthropic-version").empty()) return anthropic_error_json;
  if (path == "/infill" || path.starts_with("/completion") || path.starts_with("/slots/") || path == "/lora-adapters")
    return llama_error_json;
  return path.starts_with("/api/") ? ollama_error_json : error_json;
}

constexpr Route kRoutes[] = {
    {http::verb::post, "/v1/chat/completions", chat},
    {http::verb::post, "/v1/chat/completions/input_tokens", count_chat_tokens},
    {http::verb::post, "/v1/completions", completions},
    {http::verb::post, "/v1/fim/completions", fim_completions},
    {http::verb::post, "/infill", infill},
    {http::verb::post, "/completion", llama_completion},
    {http::verb::post, "/completions", llama_completion},
    {http::verb::post, "/v1/embeddings", embeddings},
    {http::verb::post, "/v1/responses", respond},
    {http::verb::post, "/v1/responses/input_tokens", count_input_tokens},
    {http::verb::get, "/v1/responses/", show_response},
    {http::verb::delete_, "/v1/responses/", delete_response},
    {http::verb::post, "/v1/messages", messages},
    {http::verb::post, "/v1/messages/count_tokens", count_message_tokens},
    {http::verb::get, "/v1/models", list_models},
    {http::verb::get, "/v1/models/", show_model},
    {http::verb::post, "/api/chat", ollama_chat},
    {http::verb::post, "/api/generate", ollama_generate},
    {http::verb::post, "/api/embed", ollama_embed},
    {http::verb::post, "/api/embeddings", ollama_embeddings},
    {http::verb::post, "/api/pull", ollama_pull},
    {http::verb::post, "/api/show", ollama_show},
    {http::verb::get, "/api/tags", ollama_tags},
    {http::verb::get, "/api/ps", ollama_ps},
    {http::verb::get, "/api/version", ollama_version, true},
    {http::verb::get, "/lora-adapters", list_adapters},
    {http::verb::post, "/lora-adapters", scale_adapters},
    {http::verb::post, "/tokenize", tokenize},
    {http::verb::post, "/detokenize", detokenize},
    {http::verb::post, "/apply-template", apply_template},
    {http::verb::post, "/slots/", change_slot},
    {http::verb::get, "/v1/hearth/audit", show_audit},
    {http::verb::get, "/v1/hearth/verify", show_verdict},
    {http::verb::get, "/v1/hearth/comparisons", show_comparisons},
    {http::verb::get, "/v1/hearth/budgets", show_budgets},
    {http::verb::post, "/v1/hearth/feedback", take_feedback},
    {http::verb::get, "/metrics", show_metrics},
    {http::verb::get, "/health", health, true},
    {http::verb::get, "/page/", show_page_file, true},
    {http::verb::get, "/", show_root, true},
};

bool matches(const Route& route, const std::string& path) {
  const std::string_view pattern = route.path;
  if (pattern.size() > 1 && pattern.ends_with('/')) return path.size() > pattern.size() && path.starts_with(pattern);
  return path == pattern;
}

bool takes(const Route& route, http::verb method) {
  return method == route.method || (method == http::verb::head && route.method == http::verb::get);
}

// The first that matches path and method; where none takes the method, the first that matches the path, or null.
const Route* find_route(const Connection& connection) {
  const std::string path = connection.path();
  const Route* found = nullptr;
  for (const Route& route : kRoutes) {
    if (!matches(route, path)) continue;
    if (takes(route, connection.request().method())) return &route;
    if (found == nullptr) found = &route;
  }
  return found;
}

// As the header Allow lists them.
std::string taken_methods(const std::string& path) {
  std::string methods;
  for (const Route& route : kRoutes) {
    if (!matches(route, path)) continue;
    methods += (methods.empty() ? "" : ", ") + std::string(http::to_string(route.method));
    if (route.method == http::verb::get) methods += ", HEAD";
  }
  return methods;
}

bool is_json(std::string type) {
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.pop_back();
  return boost::beast::iequals(type, "application/json");
}

// A web page of an allowed origin may read the answer, and may ask at all what it may send.
void allow_origin(Connection& connection, const std::string& origin) {
  connection.set_header("Access-Control-Allow-Origin", origin);
  connection.set_header("Vary", "Origin");
  connection.set_header(
      "Access-Control-Expose-Headers",
      "X-Hearth-Served-By, X-Hearth-Rule, X-Hearth-Fallback, X-Hearth-Redactions, X-Hearth-Confidence, "
      "X-Hearth-Ignored-Fields, X-Hearth-Warning, X-Request-Id");
  if (connection.request().method() != http::verb::options) return;
  connection.set_header("Access-Control-Allow-Methods", "GET, POST, DELETE");
  connection.set_header("Access-Control-Allow-Headers", "*, Authorization");
  connection.set_header("Access-Control-Max-Age", "600");
}

}  // namespace

void check_request(Connection& connection, const Service& service) {
  const AccessRules& access = service.options.access;
  const std::string id = random_id("req_");
  connection.set_header("X-Request-Id", id);
  if (wording(connection) == anthropic_error_json) connection.set_header("Request-Id", id);
  const auto forbid = [](const std::string& why) { throw ApiError(403, "permission_error", "forbidden", why); };
  if (connection.header("Host").empty())
    throw ApiError(400, "invalid_request_error", "missing_host",
                   "the request has no Host header, which HTTP/1.0 leaves out; send one, as Host: localhost");
  if (!host_allowed(connection.header("Host"), access))
    forbid("this server does not go by the name in the Host header; --allow-host adds names");
  const std::string origin = connection.header("Origin");
  if (!same_origin(origin, connection.header("Host")) && !origin_allowed(origin, access))
    forbid("pages of this origin may not ask; --allow-origin adds origins");
  if (!origin.empty()) allow_origin(connection, origin);

  const http::verb method = connection.request().method();
  if (method == http::verb::options) return;
  const Route* route = find_route(connection);
  if ((route == nullptr || !route->is_public) &&
      !key_allowed(connection.header("Authorization"), connection.header("x-api-key"), access))
    throw ApiError(401, "authentication_error", "invalid_api_key", "the API key is missing or wrong");
  if (route == nullptr)
    throw ApiError(404, "not_found_error", "unknown_url", "there is nothing at " + connection.path().substr(0, 100));
  if (!takes(*route, method)) {
    const std::string methods = taken_methods(connection.path());
    connection.set_header("Allow", methods);
    throw ApiError(405, "invalid_request_error", "method_not_allowed", "this path takes " + methods);
  }
  if (method == http::verb::post && !is_json(connection.header("Content-Type")))
    throw ApiError(415, "invalid_request_error", "unsupported_media_type", "the content type must be application/json");
  if (!can_decode(connection.header("Content-Encoding")))
    throw ApiError(415, "invalid_request_error", "unsupported_encoding", "the content encoding must be zstd or none");
}

Json word_error(const Connection& connection, const ApiError& error) { return wording(connection)(error); }

Answering answer_request(Connection& connection, Service& service) {
  if (connection.request().method() == http::verb::options) {
    co_await connection.reply({204, ""});
    co_return;
  }
  co_await find_route(connection)->answer(connection, service);
}

void note_request(Connection& connection, Service& service) {
  const Route* route = find_route(connection);
  const std::string path = route == nullptr ? "other" : route->path;
  service.metrics.count_request(path, connection.status());
  if (!service.options.log_requests) return;
  char line[160];
  std::snprintf(line, sizeof(line), "%s %s %d %.3f s", std::string(connection.request().method_string()).c_str(),
                path.c_str(), connection.status(), connection.elapsed().count());
  service.options.log(line);
}

}  // namespace hearth::serve
