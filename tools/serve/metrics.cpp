// Names and units of the counts.
#include "tools/serve/metrics.h"

#include <prometheus/text_serializer.h>

namespace hearth::serve {
namespace {

using prometheus::Histogram;

// Seconds.
const Histogram::BucketBoundaries kFirstToken = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120};
const Histogram::BucketBoundaries kEachToken = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};

auto& counter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
auto& gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}
auto& histogram(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

}  // namespace

Metrics::Metrics()
    : requests_(counter(registry_, "hearth_requests_total", "Requests answered, by endpoint and status.")),
      gone_(counter(registry_, "hearth_requests_gone_total", "Requests whose client went away before the end.")),
      prompt_(counter(registry_, "hearth_prompt_tokens_total", "Tokens of prompts.")),
      cached_(counter(registry_, "hearth_cached_tokens_total", "Tokens of prompts that were found in the cache.")),
      generated_(counter(registry_, "hearth_generated_tokens_total", "Tokens of answers.")),
      decisions_(counter(registry_, "hearth_decisions_total", "Requests by task, answered here or sent away.")),
      redactions_(counter(registry_, "hearth_redactions_total", "Secrets replaced before a request left, by rule.")),
      remote_bytes_(counter(registry_, "hearth_remote_bytes_total", "Bytes sent to remote providers.")),
      remote_money_(counter(registry_, "hearth_remote_money_total", "What remote providers cost, by their prices.")),
      fallbacks_(counter(registry_, "hearth_fallbacks_total", "Requests answered here because a remote failed.")),
      lost_(counter(registry_, "hearth_audit_lost_total", "Local decisions that the audit log could not take.")),
      first_token_(histogram(registry_, "hearth_time_to_first_token_seconds", "From a request to its first token.")),
      each_token_(histogram(registry_, "hearth_time_per_token_seconds", "Mean of each answer, after its first token.")),
      loaded_(gauge(registry_, "hearth_model_loaded", "1 where the model is in memory.")),
      running_(gauge(registry_, "hearth_requests_running", "Requests that are decoded now.")),
      waiting_(gauge(registry_, "hearth_requests_waiting", "Requests that wait for a place.")),
      cache_(gauge(registry_, "hearth_cache_tokens", "Tokens that the cache has place for.")),
      cache_used_(gauge(registry_, "hearth_cache_used_tokens", "Places in the cache that running requests use.")),
      cache_held_(gauge(registry_, "hearth_cache_held_tokens", "Places in the cache that hold anything.")),
      steps_(gauge(registry_, "hearth_steps", "Steps since the model was loaded.")),
      rows_(gauge(registry_, "hearth_step_rows", "Tokens computed by those steps; by steps: the mean batch.")),
      set_back_(gauge(registry_, "hearth_requests_set_back", "Times a request made room in the cache for older ones.")),
      guessed_(gauge(registry_, "hearth_guessed_tokens", "Tokens computed because they might follow.")),
      came_true_(gauge(registry_, "hearth_guessed_tokens_true", "Those of them that did.")),
      devices_lost_(gauge(registry_, "hearth_devices_lost", "Times that the model's device was lost.")),
      share_(gauge(registry_, "hearth_local_share", "Share of requests answered here, 0 to 1, by task.")),
      connections_(gauge(registry_, "hearth_connections", "Open connections.").Add({})) {}

void Metrics::count_request(const std::string& endpoint, int status) {
  requests_.Add({{"endpoint", endpoint}, {"status", std::to_string(status)}}).Increment();
}

void Metrics::count_answer(const std::string& model, const Result& result) {
  const prometheus::Labels labels = {{"model", model}};
  prompt_.Add(labels).Increment(result.prompt_tokens);
  cached_.Add(labels).Increment(result.cached_tokens);
  generated_.Add(labels).Increment(result.generated_tokens);
  if (result.generated_tokens > 0) first_token_.Add(labels, kFirstToken).Observe(result.prompt_seconds);
  if (result.generated_tokens > 1)
    each_token_.Add(labels, kEachToken).Observe(result.generate_seconds / (result.generated_tokens - 1));
}

void Metrics::count_gone(const std::string& model) { gone_.Add({{"model", model}}).Increment(); }

void Metrics::set_connections(size_t open) { connections_.Set(static_cast<double>(open)); }

void Metrics::count_decision(const std::string& task, const std::string& route) {
  decisions_.Add({{"task", task}, {"route", route}}).Increment();
  if (route == "refused") return;
  const std::lock_guard lock(shares_mutex_);
  for (const std::string& of : {task, std::string("all")}) {
    auto& [here, all] = shares_[of];
    here += route == "local" ? 1 : 0;
    ++all;
    share_.Add({{"task", of}}).Set(static_cast<double>(here) / static_cast<double>(all));
  }
}

void Metrics::count_redactions(const std::map<std::string, uint64_t>& by_rule) {
  for (const auto& [rule, count] : by_rule) redactions_.Add({{"rule", rule}}).Increment(static_cast<double>(count));
}

void Metrics::count_remote(const std::string& remote, uint64_t bytes, double money) {
  remote_bytes_.Add({{"remote", remote}}).Increment(static_cast<double>(bytes));
  remote_money_.Add({{"remote", remote}}).Increment(money);
}

void Metrics::count_fallback(const std::string& remote) { fallbacks_.Add({{"remote", remote}}).Increment(); }

void Metrics::count_lost(uint64_t decisions) { lost_.Add({}).Increment(static_cast<double>(decisions)); }

void Metrics::note(const std::string& model, bool loaded, const Statistics& now) {
  const auto set = [&](prometheus::Family<prometheus::Gauge>& family, uint64_t value) {
    family.Add({{"model", model}}).Set(static_cast<double>(value));
  };
  set(loaded_, loaded ? 1 : 0);
  set(running_, now.running);
  set(waiting_, now.waiting);
  set(cache_, now.cache_tokens);
  set(cache_used_, now.cache_used);
  set(cache_held_, now.cache_held);
  set(steps_, now.steps);
  set(rows_, now.rows);
  set(set_back_, now.set_back);
  set(guessed_, now.guessed);
  set(came_true_, now.came_true);
  set(devices_lost_, now.devices_lost);
}

std::string Metrics::text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

}  // namespace hearth::serve
