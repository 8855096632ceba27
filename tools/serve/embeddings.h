// Texts as vectors: POST /v1/embeddings.
#pragma once

#include "tools/serve/connection.h"
#include "tools/serve/service.h"

namespace hearth::serve {

boost::asio::awaitable<void> embeddings(Connection& connection, Service& service);

}  // namespace hearth::serve
