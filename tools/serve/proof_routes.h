// What the page and its reader want to know of the log, and what they say of answers.
#pragma once

#include "tools/serve/service.h"

namespace hearth::serve {

// GET /v1/hearth/audit?last=N&task=&route=&client=&rule=: decisions with their outcomes, the newest first.
boost::asio::awaitable<void> show_audit(Connection& connection, Service& service);
// GET /v1/hearth/verify: whether the log is whole.
boost::asio::awaitable<void> show_verdict(Connection& connection, Service& service);
// GET /v1/hearth/comparisons: requests that were answered twice, the newest first.
boost::asio::awaitable<void> show_comparisons(Connection& connection, Service& service);
// GET /v1/hearth/budgets: what was spent today, and the limits.
boost::asio::awaitable<void> show_budgets(Connection& connection, Service& service);
// POST /v1/hearth/feedback {request, verdict}
boost::asio::awaitable<void> take_feedback(Connection& connection, Service& service);

}  // namespace hearth::serve
