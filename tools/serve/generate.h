// Answers a request by generating: the same way for every protocol.
#pragma once

#include "tools/serve/job.h"
#include "tools/serve/service.h"

namespace hearth::serve {

// How a protocol reads a body; `heading.model` is used where it names no model.
using ReadJob = Job (*)(const Json& body, Heading heading);

boost::asio::awaitable<void> generate(Connection& connection, Service& service, ReadJob read, const char* id_prefix);

}  // namespace hearth::serve
