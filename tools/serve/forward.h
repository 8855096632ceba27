// Answers a request by asking a remote provider.
#pragma once

#include <optional>
#include <string>

#include "tools/serve/job.h"
#include "tools/serve/service.h"

namespace hearth::serve {

// What is sent, in OpenAI's words.
struct Leaving {
  Json body;
  std::string path;  // behind the remote's base URL: "/chat/completions"
  // Who words the answer, where the client speaks another protocol; null: it is handed on as it comes.
  Job* wording = nullptr;
};

// Sends a request that may leave, by Routing::may_leave, and hands on the answer, with secrets put back. Where the
// client was told nothing yet, a failure comes back; the provider's own refusals only where `may_return`, others are
// handed on. Throws ApiError where the client goes away.
boost::asio::awaitable<std::optional<ApiError>> forward(Connection& connection, Service& service, Plan& plan,
                                                        const Leaving& leaving, bool may_return);

}  // namespace hearth::serve
