// From connections to responses.
#include "tools/serve/responses/responses_routes.h"

#include "tools/serve/generate.h"
#include "tools/serve/responses/responses_request.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

ResponseStore& store_of(const Connection& connection, Service& service) {
  if (service.options.access.keys.empty()) return service.responses.of("");
  return service.responses.of(
      std::string(given_key(connection.header("Authorization"), connection.header("x-api-key"))));
}

ReadJob reader_of(ResponseStore& store) {
  return
      [&store](const Json& body, Heading heading) { return read_responses_request(body, std::move(heading), store); };
}

std::string id_in(const Connection& connection) {
  return connection.path().substr(std::string("/v1/responses/").size());
}

ApiError unknown_response(const std::string& id) {
  return {404, "invalid_request_error", "response_not_found", "there is no response '" + id.substr(0, 64) + "'"};
}

}  // namespace

asio::awaitable<void> respond(Connection& connection, Service& service) {
  return generate(connection, service, reader_of(store_of(connection, service)), "resp_", Remotes::translated);
}

asio::awaitable<void> count_input_tokens(Connection& connection, Service& service) {
  const uint64_t tokens = co_await count_prompt(connection, service, reader_of(store_of(connection, service)));
  co_await connection.reply({200, to_text(Json{{"object", "response.input_tokens"}, {"input_tokens", tokens}})});
}

asio::awaitable<void> show_response(Connection& connection, Service& service) {
  const auto response = store_of(connection, service).response(id_in(connection));
  if (!response) throw unknown_response(id_in(connection));
  co_await connection.reply({200, to_text(*response)});
}

asio::awaitable<void> delete_response(Connection& connection, Service& service) {
  const std::string id = id_in(connection);
  if (!store_of(connection, service).forget(id)) throw unknown_response(id);
  co_await connection.reply({200, to_text(Json{{"id", id}, {"object", "response"}, {"deleted", true}})});
}

}  // namespace hearth::serve
