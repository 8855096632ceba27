// Counts for GET /metrics. No label holds what a client wrote.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "hearth/hearth.h"

namespace hearth::serve {

// Thread-safe, but for text().
class Metrics {
 public:
  Metrics();

  void count_request(const std::string& endpoint, int status);
  void count_answer(const std::string& model, const Result& result);
  void count_gone(const std::string& model);  // a client that did not wait for its answer
  void set_connections(size_t open);
  // A request that was answered here ("local"), sent away ("remote") or "refused", by task; keeps the local share.
  void count_decision(const std::string& task, const std::string& route);
  void count_redactions(const std::map<std::string, uint64_t>& by_rule);
  void count_remote(const std::string& remote, uint64_t bytes, double money);
  void count_fallback(const std::string& remote);
  void count_lost(uint64_t decisions);  // that the audit log could not take
  // What an engine says of itself, as of now.
  void note(const std::string& model, bool loaded, const Statistics& now);

  // In Prometheus' text format.
  std::string text() const;

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>&requests_, &gone_, &prompt_, &cached_, &generated_, &decisions_, &redactions_,
      &remote_bytes_, &remote_money_, &fallbacks_, &lost_;
  prometheus::Family<prometheus::Histogram>&first_token_, &each_token_;
  prometheus::Family<prometheus::Gauge>&loaded_, &running_, &waiting_, &cache_, &cache_used_, &cache_held_, &steps_,
      &rows_, &set_back_, &guessed_, &came_true_, &devices_lost_, &share_;
  prometheus::Gauge& connections_;
  std::mutex shares_mutex_;
  std::map<std::string, std::pair<uint64_t, uint64_t>> shares_;  // by task: answered here, all
};

}  // namespace hearth::serve
