// Requests for numbers instead of text.
#pragma once

#include <functional>
#include <future>
#include <span>
#include <vector>

#include "engine/decode/scheduler.h"
#include "engine/include/hearth/hearth.h"

namespace hearth {

// The logits after some positions of a sequence; nothing is taken from the cache, so that they do not depend on what
// was computed before.
class LogitsTask : public Task {
 public:
  LogitsTask(std::span<const int32_t> ids, std::span<const uint32_t> positions);
  std::future<std::vector<std::vector<float>>> future() { return promise_.get_future(); }

  bool cancelled() const override { return false; }
  void on_start(uint32_t) override {}
  void on_logits(uint32_t position, std::span<float> logits) override;
  void on_end(std::exception_ptr error) override;

 private:
  size_t count_;  // of positions; `wanted` shrinks where the task is set back
  std::vector<std::vector<float>> results_;
  std::promise<std::vector<std::vector<float>>> promise_;
};

// The pooled result of a program without a head.
class EmbeddingTask : public Task {
 public:
  // `pooling` is not `stated`.
  EmbeddingTask(std::span<const int32_t> ids, Pooling pooling, std::function<void(Embedding)> on_done);

  bool cancelled() const override { return false; }
  void on_start(uint32_t) override {}
  void on_logits(uint32_t position, std::span<float> hidden) override;
  void on_end(std::exception_ptr error) override;

 private:
  std::function<void(Embedding)> on_done_;
  Pooling pooling_;
  std::vector<double> sum_;  // [width]
  bool complete_ = false;    // the last token is in it
};

}  // namespace hearth
