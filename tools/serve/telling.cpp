// Waiting for events, wording and sending them.
#include "tools/serve/telling.h"

#include <algorithm>

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

// One line of warnings. They are our own words, but for types of tools: those of clients are kept harmless.
std::string warning_line(const std::vector<std::string>& warnings) {
  constexpr size_t kMost = 1024;
  std::string line;
  for (const std::string& warning : warnings) line += (line.empty() ? "" : "; ") + warning;
  for (char& c : line)
    if (c < ' ' || c > '~') c = '?';
  return line.substr(0, kMost);
}

}  // namespace

void warn(Connection& connection, const Job& job) {
  if (!job.warnings.empty()) connection.set_header("X-Hearth-Warning", warning_line(job.warnings));
}

asio::awaitable<void> tell(Connection& connection, const Reply& reply, std::string text) {
  if (text.empty()) co_return;
  if (!connection.begun()) co_await connection.begin(200, reply.content_type());
  co_await connection.send(std::move(text));
}

std::string marked(Reply& reply, const std::string& mark) {
  Event event;
  event.text = "\n\n[" + mark + "]\n\n";
  return reply.piece(0, event);
}

asio::awaitable<void> break_silence(Connection& connection, Reply& reply) {
  return tell(connection, reply, reply.silence());
}

Telling::Telling(Connection& connection, Service& service, Job& job, Answers& answers, TimeLimit& limit, Watch* watch)
    : connection_(connection),
      service_(service),
      job_(job),
      answers_(answers),
      limit_(limit),
      watch_(watch),
      results_(job.requests.size()),
      left_(results_.size()) {}

asio::awaitable<void> Telling::tell_or_hold(std::string text) {
  held_ += text;
  if (watch_ != nullptr && watch_->holds()) co_return;
  if (watch_ != nullptr && !watch_->marks() && !connection_.begun())
    connection_.set_header("X-Hearth-Confidence", watch_->text());
  if (!held_.empty()) {
    told_ = true;
    told_at_ = Clock::now();
  }
  co_await tell(connection_, *job_.reply, std::exchange(held_, {}));
}

// What is held back is silence too, however fast it comes.
asio::awaitable<void> Telling::break_long_silence() {
  const auto now = Clock::now();
  // Of several answers none could be given elsewhere in a stream that has begun.
  const bool may_begin = watch_ == nullptr || !watch_->holds() || job_.requests.size() == 1;
  if (!job_.stream || !may_begin || now - told_at_ < service_.options.silence) co_return;
  told_at_ = now;
  co_await break_silence(connection_, *job_.reply);
}

asio::awaitable<bool> Telling::run(uint64_t prompt_tokens) {
  if (job_.stream && !std::exchange(begun_, true)) co_await tell_or_hold(job_.reply->begin(prompt_tokens));
  while (left_ > 0) {
    if (untold_.empty()) untold_ = answers_.take();
    if (untold_.empty()) {
      co_await connection_.signal().wait_for(service_.options.silence);
      if (connection_.gone() || connection_.interrupted()) throw ended_early();
      co_await break_long_silence();
      continue;
    }
    std::string pieces;
    for (; !untold_.empty() && (watch_ == nullptr || !watch_->doubts()); untold_.pop_front())
      left_ -= take(untold_.front(), pieces) ? 1 : 0;
    if (watch_ != nullptr && left_ == 0) watch_->end(results_);
    co_await tell_or_hold(std::move(pieces));
    if (watch_ != nullptr && watch_->doubts()) co_return false;
    if (connection_.gone()) throw ended_early();
    co_await break_long_silence();
  }
  co_await tell_or_hold("");
  if (job_.stream) {
    co_await tell(connection_, *job_.reply, job_.reply->end());
    co_await connection_.end();
  } else {
    if (std::ranges::any_of(results_, [](const Result& result) { return result.malformed_call; }))
      job_.warnings.emplace_back(kMalformedCall);
    warn(connection_, job_);
    co_await connection_.reply({200, to_text(job_.reply->whole(results_))});
  }
  co_return true;
}

// True for a choice's last event.
bool Telling::take(Answer& answer, std::string& pieces) {
  Event& event = answer.event;
  if (event.error) throw from_engine(*event.error);
  limit_.note(event);
  if (event.result && event.result->reason == FinishReason::cancelled) throw ended_early();
  if (watch_ != nullptr) watch_->note(answer.choice, event);
  if (job_.stream) pieces += job_.reply->piece(answer.choice, event);
  if (!event.result) return false;
  service_.metrics.count_answer(job_.model, *event.result);
  results_[answer.choice] = std::move(*event.result);
  return true;
}

}  // namespace hearth::serve
