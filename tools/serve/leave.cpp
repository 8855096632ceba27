// Asking, sending, falling back.
#include "tools/serve/leave.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

bool falls_back(const Plan& plan) {
  const route::Fallback fallback = plan.ruling->policy.fallback;
  if (plan.facts.tasks.contains("embedding")) return false;
  return fallback == route::Fallback::always || (fallback == route::Fallback::automatic && !plan.facts.remote_model);
}

}  // namespace

asio::awaitable<bool> allowed_to_leave(Connection& connection, Service& service, Plan& plan, const Leaving& leaving,
                                       std::string rule) {
  const route::Decision decision =
      co_await service.workers.run([&] { return service.routing.may_leave(plan, leaving.body, rule); });
  if (decision.route == route::Decision::Route::cloud) co_return true;
  plan.settled = true;
  plan.kept_by = decision.rule;
  service.routing.note_staying(connection, plan, decision.rule);
  if (decision.route == route::Decision::Route::refused) {
    connection.set_header("X-Hearth-Served-By", "none");
    service.routing.note_refused(plan);
    throw refused_by_policy(decision);
  }
  co_return false;
}

asio::awaitable<bool> answered_elsewhere(Connection& connection, Service& service, Plan& plan, const Leaving& leaving) {
  const bool returns = falls_back(plan);
  const auto failure = co_await forward(connection, service, plan, leaving, returns);
  const bool was_sent = !failure || (failure->code != "busy" && failure->code != "audit_unavailable");
  if (!was_sent) connection.set_header("X-Hearth-Served-By", "none");
  if (failure && !returns) throw *failure;
  if (failure)
    service.routing.note_fallback(connection, plan, *failure);
  else
    service.routing.note_answered_there(plan);
  co_return !failure;
}

void refuse_remote() {
  throw invalid_request(
      "the model is a remote provider's: it answers conversations, and one of OpenAI's API also /v1/completions and "
      "/v1/embeddings",
      "model", "unsupported");
}

audit::Outcome local_outcome(const Connection& connection, const std::vector<Result>& results) {
  audit::Outcome outcome = local_failure(connection, "answered", 200);
  audit::Digest digest;
  for (const Result& result : results) {
    digest.add(result.text);
    outcome.answer_bytes += result.text.size();
    outcome.prompt_tokens += result.prompt_tokens;
    outcome.answer_tokens += result.generated_tokens;
  }
  outcome.answer_sha256 = digest.hex();
  return outcome;
}

audit::Outcome local_failure(const Connection& connection, const std::string& result, int status) {
  audit::Outcome outcome;
  outcome.result = result;
  outcome.status = status;
  outcome.seconds = connection.elapsed().count();
  return outcome;
}

}  // namespace hearth::serve
