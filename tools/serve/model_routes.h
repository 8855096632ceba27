// GET /v1/models, /v1/models/{id} and /metrics.
#pragma once

#include "tools/serve/service.h"

namespace hearth::serve {

boost::asio::awaitable<void> list_models(Connection& connection, Service& service);
boost::asio::awaitable<void> show_model(Connection& connection, Service& service);
boost::asio::awaitable<void> show_metrics(Connection& connection, Service& service);

}  // namespace hearth::serve
