// The way from a plan to a provider, and back where it fails.
#pragma once

#include "tools/serve/forward.h"
#include "tools/serve/service.h"

namespace hearth::serve {

// Asks both gates; `rule` says why the request should leave where its plan did not wish for it. Where it must not, says
// so in a header; throws ApiError where it is refused.
boost::asio::awaitable<bool> allowed_to_leave(Connection& connection, Service& service, Plan& plan,
                                              const Leaving& leaving, std::string rule = "");

// Sends a request that is allowed to. False where the remote failed and the answer is to be given here; throws ApiError
// where it failed and is not.
boost::asio::awaitable<bool> answered_elsewhere(Connection& connection, Service& service, Plan& plan,
                                                const Leaving& leaving);

// Throws the error of a request that remote providers do not answer.
[[noreturn]] void refuse_remote();

// What is recorded of an answer that was given here.
audit::Outcome local_outcome(const Connection& connection, const std::vector<Result>& results);
// The same for one that was not.
audit::Outcome local_failure(const Connection& connection, const std::string& result, int status);

}  // namespace hearth::serve
