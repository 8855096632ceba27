// From connections to Anthropic's messages.
#include "tools/serve/anthropic/messages_routes.h"

#include "tools/serve/anthropic/messages_request.h"
#include "tools/serve/generate.h"

namespace hearth::serve {
namespace {

ReadJob reader(Service& service) {
  return [&service](const Json& body, Heading heading) {
    if (has_billing_header(body) && !service.billing_header_noted.test_and_set())
      service.options.log(
          "a client's x-anthropic-billing-header is kept out of its prompts, which it would make differ");
    return read_messages_request(body, std::move(heading));
  };
}

}  // namespace

boost::asio::awaitable<void> messages(Connection& connection, Service& service) {
  return generate(connection, service, reader(service), "msg_", Remotes::translated);
}

boost::asio::awaitable<void> count_message_tokens(Connection& connection, Service& service) {
  const uint64_t tokens = co_await count_prompt(connection, service, reader(service));
  co_await connection.reply({200, to_text(Json{{"input_tokens", tokens}})});
}

}  // namespace hearth::serve
