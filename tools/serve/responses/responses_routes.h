// POST /v1/responses and /v1/responses/input_tokens, GET and DELETE /v1/responses/{id}.
#pragma once

#include "tools/serve/service.h"

namespace hearth::serve {

boost::asio::awaitable<void> respond(Connection& connection, Service& service);
// {object, input_tokens}
boost::asio::awaitable<void> count_input_tokens(Connection& connection, Service& service);
boost::asio::awaitable<void> show_response(Connection& connection, Service& service);
boost::asio::awaitable<void> delete_response(Connection& connection, Service& service);

}  // namespace hearth::serve
