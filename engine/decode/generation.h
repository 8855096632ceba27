// One answer under way: from logits to text and events.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "engine/decode/answer.h"
#include "engine/decode/guide.h"
#include "engine/decode/sampler.h"
#include "engine/decode/scheduler.h"
#include "engine/include/hearth/hearth.h"
#include "engine/text/prompt.h"
#include "engine/text/tokenizer/detokenizer.h"
#include "engine/text/tokenizer/tokenizer.h"

namespace hearth {

// What an answer needs to know besides its request.
struct GenerationOptions {
  uint32_t context;      // most tokens of prompt and answer
  uint32_t most_tokens;  // of the answer; 0: no limit
  double longest_wait;   // seconds; 0: no limit
};

// Made in any thread, then used by the scheduler's alone, but for cancel() and generated().
class Generation : public Task {
 public:
  // The tokenizer, the guides' tools and what the prompt refers to must outlive it. Throws Error (invalid_argument) for
  // options that cannot be.
  Generation(const Tokenizer& tokenizer, const Request& request, Prompt prompt, uint64_t seed,
             const GenerationOptions& options, std::function<void(Event)> on_event, const GuideTools& guides);

  void cancel() { cancel_ = true; }

  bool cancelled() const override;
  void on_start(uint32_t cached) override;
  void on_logits(uint32_t position, std::span<float> logits) override;
  uint32_t candidates(uint32_t ahead) const override;
  void on_candidates(uint32_t position, std::span<const Candidate> largest) override;
  void on_end(std::exception_ptr error) override;

 private:
  using Clock = std::chrono::steady_clock;

  bool waits_too_long() const;
  TokenLogprob describe(int32_t token, float logprob) const;
  TokenLogprob logprob_of(int32_t token, std::span<const float> logits) const;
  using Drawn = std::function<int32_t()>;  // the token that is drawn next
  // Goes on behind the last token, at that position. logits: where logprobs are wanted.
  void go_on(uint32_t position, std::span<const float> logits, const Drawn& drawn);
  void draw(std::span<const float> logits, const Drawn& drawn);
  int32_t draw_token(std::span<float> logits);
  void take(int32_t token, std::span<const float> raw);
  bool take_what_must_follow();
  void add(Event& event, AnswerPiece piece);
  void send(Event event);

  const Tokenizer& tokenizer_;
  GenerationOptions options_;
  uint32_t max_tokens_;
  bool ignore_end_;
  std::optional<uint32_t> logprobs_;
  std::function<bool()> cancelled_by_caller_;
  std::function<void(Event)> on_event_;
  Sampler sampler_;
  Detokenizer detokenizer_;
  Guide guide_;
  Answer answer_;

  std::atomic<bool> cancel_ = false;
  Result result_;
  std::optional<FinishReason> reason_;
  bool started_ = false;
  Clock::time_point asked_ = Clock::now(), first_token_;
};

}  // namespace hearth
