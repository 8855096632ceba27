// POST /v1/messages and /v1/messages/count_tokens.
#pragma once

#include "tools/serve/service.h"

namespace hearth::serve {

boost::asio::awaitable<void> messages(Connection& connection, Service& service);
// {input_tokens}
boost::asio::awaitable<void> count_message_tokens(Connection& connection, Service& service);

}  // namespace hearth::serve
