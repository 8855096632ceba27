// Answers a request by asking a remote provider.
#pragma once

#include "tools/serve/json.h"
#include "tools/serve/service.h"

namespace hearth::serve {

// `body` is the request's, whose "model" is one of the remote's.
boost::asio::awaitable<void> forward(Connection& connection, Service& service, const Remote& remote, const Json& body);

}  // namespace hearth::serve
