// Answers a request by asking a remote provider.
#pragma once

#include <optional>
#include <string>

#include "tools/serve/leaving.h"
#include "tools/serve/service.h"

namespace hearth::serve {

// What leaves by a plan that may; in a worker's thread.
RemoteRequest remote_request(const Plan& plan, const Leaving& leaving, std::string betas);

// Sends a request that may leave, by Routing::may_leave, and hands on the answer, with secrets put back. Where the
// client was told nothing yet, a failure comes back; the provider's own refusals only where `may_return`, others are
// handed on. Throws ApiError where the client goes away.
boost::asio::awaitable<std::optional<ApiError>> forward(Connection& connection, Service& service, Plan& plan,
                                                        const Leaving& leaving, bool may_return);

}  // namespace hearth::serve
