// GET and POST /lora-adapters: which adapters a model has, and how much of each requests get that do not say it.
#pragma once

#include "tools/serve/service.h"

namespace hearth::serve {

// Of the model that the parameter `model` names; default: the first one.
boost::asio::awaitable<void> list_adapters(Connection& connection, Service& service);
// [{"id": 0, "scale": 0.5}]; those not listed are not used.
boost::asio::awaitable<void> scale_adapters(Connection& connection, Service& service);

}  // namespace hearth::serve
