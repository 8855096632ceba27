// Reading the log in a worker's thread.
#include "tools/serve/proof_routes.h"

#include <algorithm>
#include <deque>

#include "tools/audit/reader.h"
#include "tools/audit/verify.h"
#include "tools/serve/body.h"
#include "tools/serve/fields.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

constexpr size_t kMostRows = 1000, kUsualRows = 100;

size_t rows_wanted(const Connection& connection) {
  const std::string last = connection.parameter("last");
  const bool number = !last.empty() && last.size() < 6 &&
                      std::ranges::all_of(last, [](unsigned char c) { return std::isdigit(c) != 0; });
  return std::clamp<size_t>(number ? std::stoul(last) : kUsualRows, 1, kMostRows);
}

const std::filesystem::path& log_of(const Service& service) {
  const auto& path = service.options.routing.audit_path;
  if (path.empty()) throw ApiError(404, "not_found_error", "no_audit_log", "this server keeps no audit log");
  return path;
}

Json read_rows(const std::filesystem::path& log, size_t most,
               const std::vector<std::pair<const char*, std::string>>& filters) {
  std::deque<Json> decisions;
  std::map<int64_t, Json> outcomes;
  audit::Reader(log).each([&](const audit::Row& row) {
    Json content = audit::parse_row(row.content);
    if (audit::text_in(content, "kind") == "outcome") {
      const auto about = static_cast<int64_t>(audit::number_in(content, "decision"));
      outcomes[about] = std::move(content);
      return true;
    }
    for (const auto& [name, wanted] : filters)
      if (!wanted.empty() && audit::text_in(content, name).find(wanted) == std::string::npos) return true;
    decisions.push_back(std::move(content));
    if (decisions.size() > most) {
      outcomes.erase(static_cast<int64_t>(audit::number_in(decisions.front(), "n")));
      decisions.pop_front();
    }
    return true;
  });
  Json rows = Json::array();
  for (auto decision = decisions.rbegin(); decision != decisions.rend(); ++decision) {
    const auto outcome = outcomes.find(static_cast<int64_t>(audit::number_in(*decision, "n")));
    if (outcome != outcomes.end()) (*decision)["outcome"] = std::move(outcome->second);
    rows.push_back(std::move(*decision));
  }
  return rows;
}

// The log's errors name files of this machine: whoever asks has the key, and may know.
template <class Work>
asio::awaitable<Json> read_log(Service& service, Work work) {
  co_return co_await service.workers.run([&]() -> Json {
    try {
      return work();
    } catch (const audit::AuditError& error) {
      throw ApiError(503, "server_error", "audit_unavailable", error.what());
    }
  });
}

}  // namespace

asio::awaitable<void> show_audit(Connection& connection, Service& service) {
  const std::filesystem::path& log = log_of(service);
  std::vector<std::pair<const char*, std::string>> filters;
  for (const char* name : {"task", "route", "client", "rule", "repository", "request"})
    filters.emplace_back(name, connection.parameter(name));
  const Json rows = co_await read_log(service, [&] {
    return Json{{"data", read_rows(log, rows_wanted(connection), filters)}};
  });
  co_await connection.reply({200, to_text(rows)});
}

asio::awaitable<void> show_verdict(Connection& connection, Service& service) {
  const std::filesystem::path& log = log_of(service);
  const Json verdict = co_await read_log(service, [&] {
    if (service.routing.log() != nullptr) service.routing.log()->flush();
    const audit::Verdict found = audit::verify(log);
    return Json{{"whole", found.whole()}, {"rows", found.rows},
                {"left", found.left},     {"last", audit::link_text(found.last)},
                {"faults", found.faults}, {"remarks", found.remarks}};
  });
  co_await connection.reply({200, to_text(verdict)});
}

asio::awaitable<void> show_comparisons(Connection& connection, Service& service) {
  log_of(service);
  const Json rows = co_await read_log(service, [&] {
    audit::Comparisons& store = *service.shadows.store();
    const auto most = static_cast<int64_t>(rows_wanted(connection));
    Json found = Json::array();
    store.each(std::max<int64_t>(store.last() - most + 1, 0),
               [&](const Json& row) { found.insert(found.begin(), row); });
    return Json{{"data", std::move(found)}};
  });
  co_await connection.reply({200, to_text(rows)});
}

asio::awaitable<void> show_budgets(Connection& connection, Service& service) {
  co_await connection.reply(
      {200, to_text(Json{{"log", service.routing.log() != nullptr}, {"data", service.routing.budgets()}})});
}

asio::awaitable<void> take_feedback(Connection& connection, Service& service) {
  log_of(service);
  const Json body = co_await read_body(connection, service);
  Fields fields(body);
  const std::string request = fields.required_text("request"), verdict = fields.required_text("verdict");
  if (!request.starts_with("req_") || request.size() > 64) refuse("request", "the X-Request-Id of an answer");
  if (!audit::is_verdict(verdict)) refuse("verdict", "up, down, local, remote or same");
  co_await read_log(service, [&] {
    service.routing.log()->flush();
    if (!audit::Reader(service.options.routing.audit_path).knows(request))
      throw ApiError(404, "not_found_error", "unknown_request", "the log knows no request '" + request + "'");
    service.shadows.store()->judge(request, verdict, now_in_milliseconds());
    return Json();
  });
  co_await connection.reply({200, R"({"ok":true})"});
}

}  // namespace hearth::serve
