// Answers a request by generating: the same way for every protocol.
#pragma once

#include <functional>

#include "tools/serve/job.h"
#include "tools/serve/service.h"

namespace hearth::serve {

// How a protocol reads a body, in a worker's thread; `heading.model` is used where it names no model.
using ReadJob = std::function<Job(const Json& body, Heading heading)>;

// Whether requests for models of remote providers are sent on as they are, put into OpenAI's words and sent on where
// they are conversations, or refused.
enum class Remotes { forwarded, translated, refused };

boost::asio::awaitable<void> generate(Connection& connection, Service& service, ReadJob read, const char* id_prefix,
                                      Remotes remotes = Remotes::refused);

// How many tokens the prompt of such a request has.
boost::asio::awaitable<uint64_t> count_prompt(Connection& connection, Service& service, ReadJob read);

}  // namespace hearth::serve
