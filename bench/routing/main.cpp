// What a decision costs: the processor time of the way that every request takes through the policy and into the audit
// log, of looking for secrets in one that may leave, and of a row that is flushed before anything does.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <vector>

#include "tools/audit/audit_log.h"
#include "tools/redact/redaction.h"
#include "tools/route/repository.h"

namespace hearth {
namespace {

constexpr int kRequests = 5000, kLooks = 200, kFlushed = 50;

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}
double thread_seconds() { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }

redact::Json request_body() {
  redact::Json body = {{"model", "auto"}, {"messages", redact::Json::array()}};
  for (int i = 0; i < 10; ++i)
    body["messages"].push_back(
        {{"role", "user"}, {"content", std::string(800, 'x') + " auto value = parse(tokens[i]);"}});
  return body;
}

void measure_decisions(const std::filesystem::path& folder, audit::AuditLog& log) {
  const std::filesystem::path repository = folder / "repository/src/a/b";
  std::filesystem::create_directories(repository);
  std::ofstream(folder / "repository/.hearth.toml")
      << "[policy]\nsecrets = 'never'\n[[rule]]\nthen = 'never'\npath = 'x/**'\n";
  route::Policy policy;
  policy.rules = {{.name = "a", .then = route::Then::cloud, .tasks = {"refactor"}},
                  {.name = "b", .pattern = "phoenix"}};
  route::Repositories repositories(policy);
  const redact::Json body = request_body();
  std::vector<double> each;
  for (int i = 0; i < kRequests; ++i) {
    const double begun = thread_seconds();
    route::Facts facts;
    facts.automatic = facts.has_remotes = facts.can_be_sent = true;
    facts.tasks = {"chat", "review"};
    const auto ruling = repositories.find({repository.string()});
    const std::string session = audit::sha256(body["messages"][0].dump());
    const route::Wish wish = route::ask_quality(ruling->policy, facts);
    const redact::Json leaving = body;  // in case that the model doubts
    audit::Decision decision;
    decision.request = session;
    decision.rule = wish.rule;
    log.write_soon(std::move(decision), {});
    each.push_back(thread_seconds() - begun);
  }
  std::ranges::sort(each);
  std::printf("decision of a local request: median %.0f us, p99 %.0f us\n", each[kRequests / 2] * 1e6,
              each[kRequests * 99 / 100] * 1e6);
}

void measure_redaction() {
  const redact::Finder finder({});
  const redact::Json body = request_body();
  const double begun = thread_seconds();
  for (int i = 0; i < kLooks; ++i) redact::Redaction({&finder}, "key").look(body);
  std::printf("looking for secrets: %.0f us for %zu bytes\n", (thread_seconds() - begun) / kLooks * 1e6,
              body.dump().size());
}

void measure_flushed_rows(audit::AuditLog& log) {
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < kFlushed; ++i) log.write(audit::Decision{}, "");
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begun;
  std::printf("a row that is flushed before bytes leave: %.1f ms\n", time.count() / kFlushed * 1e3);
}

}  // namespace
}  // namespace hearth

int main() {
  std::string pattern = (std::filesystem::temp_directory_path() / "hearth-bench-XXXXXX").native();
  if (mkdtemp(pattern.data()) == nullptr) return 1;
  const std::filesystem::path folder = pattern;
  {
    hearth::audit::AuditLog log({folder / "hearth.db"});
    hearth::measure_decisions(folder, log);
    log.flush();
    hearth::measure_redaction();
    hearth::measure_flushed_rows(log);
  }
  std::filesystem::remove_all(folder);
}
