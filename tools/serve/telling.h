// Tells a client the events of an answer as they come.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/serve/answers.h"
#include "tools/serve/job.h"
#include "tools/serve/service.h"
#include "tools/serve/watch.h"

namespace hearth::serve {

// Ends answers that take too long.
class TimeLimit {
 public:
  explicit TimeLimit(Job& job) : most_(job.most_time) {
    if (most_.count() <= 0) return;
    for (Request& request : job.requests) request.cancelled = [over = over_] { return over->load(); };
  }

  // Before an event is told. An answer that ended for the time is one that was cut.
  void note(Event& event) {
    if (most_.count() <= 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (!begun_ && !event.text.empty()) begun_ = now;
    has_line_ |= event.text.find('\n') != event.text.npos;
    if (event.result && event.result->reason == FinishReason::cancelled && over_->load())
      event.result->reason = FinishReason::max_tokens;
    if (begun_ && has_line_ && now - *begun_ > most_) over_->store(true);
  }

 private:
  std::chrono::milliseconds most_;
  std::optional<std::chrono::steady_clock::time_point> begun_;
  bool has_line_ = false;
  std::shared_ptr<std::atomic<bool>> over_ = std::make_shared<std::atomic<bool>>(false);  // read by the engine
};

// The header X-Hearth-Warning, where there is something to say.
void warn(Connection& connection, const Job& job);

// Sends a part of a stream, if there is any.
boost::asio::awaitable<void> tell(Connection& connection, const Reply& reply, std::string text);

// Our own words inside an answer.
std::string marked(Reply& reply, const std::string& mark);

// Tells a client that waits for a stream that it is not forgotten.
boost::asio::awaitable<void> break_silence(Connection& connection, Reply& reply);

// Tells the events of all choices until the last one has ended.
class Telling {
 public:
  // `watch` is null where nobody doubts the answer; otherwise nothing is told until it is sure.
  Telling(Connection& connection, Service& service, Job& job, Answers& answers, TimeLimit& limit, Watch* watch);

  // The stream has a beginning, by an answer that was given up.
  void go_on() { begun_ = told_ = true; }
  // False where the watch doubts: then nothing has been told, unless it marks. Another call goes on where this one
  // stopped.
  boost::asio::awaitable<bool> run(uint64_t prompt_tokens);
  const std::vector<Result>& results() const { return results_; }
  bool told() const { return told_; }  // the stream's beginning at least

 private:
  using Clock = std::chrono::steady_clock;

  bool take(Answer& answer, std::string& pieces);
  boost::asio::awaitable<void> tell_or_hold(std::string text);
  boost::asio::awaitable<void> break_long_silence();

  Connection& connection_;
  Service& service_;
  Job& job_;
  Answers& answers_;
  TimeLimit& limit_;
  Watch* watch_;
  std::deque<Answer> untold_;
  std::string held_;
  std::vector<Result> results_;
  size_t left_;  // choices that have not ended
  bool begun_ = false, told_ = false;
  Clock::time_point told_at_ = Clock::now();
};

}  // namespace hearth::serve
