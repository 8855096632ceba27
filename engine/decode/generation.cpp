// Drawing tokens and telling what became of them.
#include "engine/decode/generation.h"

#include <algorithm>
#include <utility>

#include "engine/decode/logprobs.h"
#include "engine/errors.h"

namespace hearth {
namespace {

double seconds(std::chrono::steady_clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Generation::Generation(const Tokenizer& tokenizer, const Request& request, Prompt prompt, uint64_t seed,
                       const GenerationOptions& options, std::function<void(Event)> on_event, const GuideTools& guides)
    : tokenizer_(tokenizer),
      options_(options),
      max_tokens_(options.most_tokens == 0 ? request.max_tokens : std::min(request.max_tokens, options.most_tokens)),
      ignore_end_(request.ignore_end),
      logprobs_(request.logprobs),
      cancelled_by_caller_(request.cancelled),
      on_event_(std::move(on_event)),
      sampler_(request.sampling, seed),
      detokenizer_(tokenizer, {.continues = !prompt.begins_text}),
      guide_(guides, request, prompt),
      answer_(tokenizer.vocabulary(), request.stop, std::move(prompt.split)) {
  tokens = std::move(prompt.ids);
  for (const int32_t id : tokens) sampler_.accept(id);
  if (request.prompt_logprobs && logprobs_)
    for (uint32_t position = 0; position + 1 < tokens.size(); ++position) wanted.push_back(position);
  result_.seed = seed;
  result_.prompt_tokens = static_cast<uint32_t>(tokens.size());
}

bool Generation::waits_too_long() const {
  return !started_ && options_.longest_wait > 0 && seconds(Clock::now() - asked_) > options_.longest_wait;
}

bool Generation::cancelled() const {
  return cancel_ || (cancelled_by_caller_ && cancelled_by_caller_()) || waits_too_long();
}

void Generation::on_start(uint32_t cached) {
  if (!std::exchange(started_, true)) result_.cached_tokens = cached;
}

TokenLogprob Generation::describe(int32_t token, float logprob) const {
  TokenLogprob described{token, {}, logprob, {}};
  bool at_start = false;
  if (tokenizer_.vocabulary().contains(token)) tokenizer_.append_bytes(token, true, at_start, described.bytes);
  return described;
}

TokenLogprob Generation::logprob_of(int32_t token, std::span<const float> logits) const {
  const double sum = log_sum_exp(logits);
  const auto logprob = [&](float logit) { return static_cast<float>(double{logit} - sum); };
  TokenLogprob described = describe(token, logprob(logits[static_cast<size_t>(token)]));
  for (const auto& [logit, id] : largest_logits(logits, *logprobs_))
    described.top.push_back(describe(id, logprob(logit)));
  return described;
}

void Generation::on_logits(uint32_t position, std::span<float> logits) {
  if (position + 1 < tokens.size())
    result_.prompt_logprobs.push_back(logprob_of(tokens[position + 1], logits));
  else
    go_on(position, logits, [&] { return draw_token(logits); });
}

uint32_t Generation::candidates(uint32_t ahead) const {
  const bool may_bind = ahead == 0 ? guide_.binds() : guide_.may_bind();
  return may_bind || logprobs_ ? 0 : sampler_.candidates(ahead);
}

void Generation::on_candidates(uint32_t position, std::span<const Candidate> largest) {
  go_on(position, {}, [&] { return sampler_.draw(largest); });
}

void Generation::go_on(uint32_t position, std::span<const float> logits, const Drawn& drawn) {
  if (result_.generated_tokens < max_tokens_)
    draw(logits, drawn);
  else
    reason_ = FinishReason::max_tokens;
  if (reason_) tokens.resize(position + 1);  // nobody needs what would follow tokens that were taken at once
}

void Generation::draw(std::span<const float> logits, const Drawn& drawn) {
  if (result_.prompt_seconds == 0) {
    first_token_ = Clock::now();
    result_.prompt_seconds = seconds(first_token_ - asked_);
  }
  if (take_what_must_follow()) return;
  const std::vector<float> raw = logprobs_ ? std::vector<float>(logits.begin(), logits.end()) : std::vector<float>();
  const int32_t token = drawn();
  const Vocabulary& vocabulary = tokenizer_.vocabulary();
  // A second bos begins another text; models trained on many in a row end one so.
  if (!ignore_end_ && (vocabulary.is_end_of_generation(token) || token == vocabulary.special().bos) &&
      !answer_.goes_on_behind(token)) {
    reason_ = FinishReason::end;
    return;
  }
  if (guide_.binds() && !guide_.accept(token))
    throw Error(ErrorCode::bad_model, "the model's logits are no numbers, so its answer cannot be constrained");
  take(token, raw);
  if (!reason_) take_what_must_follow();
}

int32_t Generation::draw_token(std::span<float> logits) {
  const bool bound = guide_.binds();
  if (bound && !guide_.mask(logits, !ignore_end_))
    throw Error(ErrorCode::invalid_argument, "no token of the model can follow as the constraint wants it");
  return sampler_.draw(logits, bound);
}

// Ends an answer that is whole, and takes tokens that need no model; true where there is nothing to draw. Where their
// logprobs are wanted they are drawn like others.
bool Generation::take_what_must_follow() {
  const std::vector<int32_t> must = logprobs_ ? std::vector<int32_t>() : guide_.forced();
  for (const int32_t token : must) {
    guide_.accept(token);
    take(token, {});
    if (reason_) return true;
  }
  if (guide_.finished()) reason_ = FinishReason::end;
  return reason_ || !must.empty();
}

// A token becomes part of the answer. raw: its logits, where logprobs are wanted.
void Generation::take(int32_t token, std::span<const float> raw) {
  ++result_.generated_tokens;
  sampler_.accept(token);
  Event event;
  if (logprobs_) event.logprobs.push_back(logprob_of(token, raw));
  // Rows of the embedding past the vocabulary are padding without text.
  const bool thought = answer_.thinks();
  if (tokenizer_.vocabulary().contains(token)) add(event, answer_.push(detokenizer_.push(token, answer_.shows(token))));
  guide_.follow(answer_);
  if (thought || answer_.thinks()) ++result_.reasoning_tokens;
  if (answer_.stopped())
    reason_ = FinishReason::stop;
  else if (answer_.finished())
    reason_ = FinishReason::end;
  else if (result_.generated_tokens == max_tokens_)
    reason_ = FinishReason::max_tokens;
  else if (tokens.size() + 1 >= options_.context)
    reason_ = FinishReason::context_full;
  else
    tokens.push_back(token);
  // Behind them comes one more, which is drawn and needs no guess.
  guesses = std::min(max_tokens_ - result_.generated_tokens, options_.context - static_cast<uint32_t>(tokens.size()));
  guesses -= std::min(guesses, 1u);
  send(std::move(event));
}

void Generation::add(Event& event, AnswerPiece piece) {
  result_.text += piece.text;
  result_.reasoning += piece.reasoning;
  event.text = std::move(piece.text);
  event.reasoning = std::move(piece.reasoning);
  event.calls = std::move(piece.calls);
}

void Generation::send(Event event) {
  result_.logprobs.insert(result_.logprobs.end(), event.logprobs.begin(), event.logprobs.end());
  const bool empty = event.text.empty() && event.reasoning.empty() && event.calls.empty() && event.logprobs.empty();
  if (!empty) on_event_(std::move(event));
}

void Generation::on_end(std::exception_ptr error) {
  if (!error && !reason_ && waits_too_long())
    error = std::make_exception_ptr(Error(ErrorCode::busy, "the request has waited too long"));
  Event last;
  // The callback goes with its last call, so that it may hold what holds this.
  const auto on_event = std::exchange(on_event_, {});
  if (error) {
    last.error = public_error(error);
    on_event(std::move(last));
    return;
  }
  result_.reason = reason_.value_or(FinishReason::cancelled);
  if (!answer_.stopped() && result_.reason != FinishReason::cancelled) {
    add(last, answer_.push(detokenizer_.finish()));
    Event rest;
    add(rest,
        answer_.finish(result_.reason == FinishReason::max_tokens || result_.reason == FinishReason::context_full));
    last.text += rest.text;
    last.reasoning += rest.reasoning;
    last.calls.insert(last.calls.end(), rest.calls.begin(), rest.calls.end());
  }
  result_.calls = answer_.calls();
  result_.malformed_call = answer_.malformed_call();
  result_.stop = answer_.stop();
  if (result_.reason == FinishReason::end && !result_.calls.empty()) result_.reason = FinishReason::tool_calls;
  if (result_.prompt_seconds > 0) result_.generate_seconds = seconds(Clock::now() - first_token_);
  last.result = std::move(result_);
  on_event(std::move(last));
}

}  // namespace hearth
