// Collecting and pooling.
#include "engine/decode/scoring.h"

#include <cmath>
#include <numeric>
#include <utility>

#include "engine/errors.h"

namespace hearth {

LogitsTask::LogitsTask(std::span<const int32_t> ids, std::span<const uint32_t> positions) : count_(positions.size()) {
  tokens.assign(ids.begin(), ids.end());
  wanted.assign(positions.begin(), positions.end());
  from_cache = false;
}

void LogitsTask::on_logits(uint32_t, std::span<float> logits) {
  if (results_.size() < count_) results_.emplace_back(logits.begin(), logits.end());
}

void LogitsTask::on_end(std::exception_ptr error) {
  if (error)
    promise_.set_exception(error);
  else if (results_.size() < count_)
    promise_.set_exception(std::make_exception_ptr(Error(ErrorCode::device, "the engine has gone")));
  else
    promise_.set_value(std::move(results_));
}

EmbeddingTask::EmbeddingTask(std::span<const int32_t> ids, Pooling pooling, std::function<void(Embedding)> on_done)
    : on_done_(std::move(on_done)), pooling_(pooling) {
  tokens.assign(ids.begin(), ids.end());
  if (pooling == Pooling::mean) {
    wanted.resize(tokens.size() - 1);
    std::iota(wanted.begin(), wanted.end(), 0u);
  } else if (pooling == Pooling::first && tokens.size() > 1) {
    wanted = {0};
  }
  from_cache = false;
}

void EmbeddingTask::on_logits(uint32_t position, std::span<float> hidden) {
  complete_ = position + 1 == tokens.size();
  if (pooling_ == Pooling::first && position != 0) return;
  sum_.resize(hidden.size());
  for (size_t i = 0; i < hidden.size(); ++i) sum_[i] += double{hidden[i]};
}

void EmbeddingTask::on_end(std::exception_ptr error) {
  Embedding embedding;
  if (error) {
    embedding.error = public_error(error);
  } else if (!complete_) {
    embedding.error = Error(ErrorCode::device, "the engine has gone");
  } else {
    const double length = std::sqrt(std::inner_product(sum_.begin(), sum_.end(), sum_.begin(), 0.0));
    for (const double value : sum_) embedding.values.push_back(static_cast<float>(length > 0 ? value / length : 0));
  }
  on_done_(std::move(embedding));
}

}  // namespace hearth
