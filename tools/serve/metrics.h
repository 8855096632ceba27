// Counts for GET /metrics. No label holds what a client wrote.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>

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
  // What an engine says of itself, as of now.
  void note(const std::string& model, bool loaded, const Statistics& now);

  // In Prometheus' text format.
  std::string text() const;

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>&requests_, &gone_, &prompt_, &cached_, &generated_;
  prometheus::Family<prometheus::Histogram>&first_token_, &each_token_;
  prometheus::Family<prometheus::Gauge>&loaded_, &running_, &waiting_, &cache_, &cache_used_, &cache_held_, &steps_,
      &rows_, &set_back_;
  prometheus::Gauge& connections_;
};

}  // namespace hearth::serve
