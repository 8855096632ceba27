// Which failures pass by themselves, and the words for those that do not.
#include "tools/fetch/patience.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "hearth/hearth.h"
#include "tools/fetch/url.h"

namespace hearth::fetch {
namespace {

constexpr unsigned kLongestRetry = 60;  // seconds that a server may make us wait

bool passes(const Outcome& outcome) {
  if (outcome.ending != Ending::refused) return true;
  return outcome.status == 408 || outcome.status == 416 || outcome.status == 429 || outcome.status >= 500;
}

// Why an answer with this status is none.
std::string status_text(const Outcome& outcome, const Ask& ask, const std::string& what) {
  const bool has_token = !ask.token.empty();
  const std::string at = " (" + outcome.url + " answered " + std::to_string(outcome.status) + ")";
  switch (outcome.status) {
    case 401:
      return what +
             (has_token ? ": HF_TOKEN was not accepted"
                        : " does not exist, or needs an account: for Hugging Face, "
                          "set HF_TOKEN") +
             at;
    case 403:
      return what + ": access is not granted; models with terms must be agreed to on their page first" +
             (has_token ? "" : ", and need HF_TOKEN") + at;
    case 404:
      return what + " does not exist" + at;
    case 407:
      return what + ": the proxy wants a name and password" + at;
    case 429:
      return what + ": too many requests" +
             (outcome.retry_seconds > 0 ? "; try again in " + std::to_string(outcome.retry_seconds) + " s" : "") + at;
    default:
      return what + " cannot be had" + at;
  }
}

}  // namespace

Patience::Patience(const Settings& settings, std::string what, std::string advice)
    : settings_(settings), what_(std::move(what)), advice_(std::move(advice)) {}

void Patience::failed(const Outcome& outcome, const Ask& ask, const std::function<bool()>& unwanted) {
  ++failures_;
  const bool refused = outcome.ending == Ending::refused;
  if (!passes(outcome) || failures_ >= settings_.attempts || outcome.retry_seconds > kLongestRetry) {
    std::string line = refused ? status_text(outcome, ask, what_)
                               : what_ + ": " + shown_url(ask.url) + " failed " + std::to_string(failures_) +
                                     " times in a row: " + outcome.why;
    if (!advice_.empty() && passes(outcome)) line += "; " + advice_;
    throw Error(ErrorCode::bad_model, line);
  }
  auto pause = settings_.pause * (1 << std::min(failures_ - 1, 5));
  pause = std::max<std::chrono::milliseconds>(pause, std::chrono::seconds(outcome.retry_seconds));
  const auto end = std::chrono::steady_clock::now() + pause;
  while (std::chrono::steady_clock::now() < end && !unwanted())
    std::this_thread::sleep_for(std::min(pause, std::chrono::milliseconds(50)));
}

Text get_text(Getter& getter, const Ask& ask, size_t most, const Settings& settings, const std::string& what,
              const std::function<bool()>& interrupted) {
  Patience patience(settings, what);
  for (;;) {
    Text text;
    bool too_large = false;
    Receiver receiver;
    receiver.on_head = [&](const Head& head) {
      text.link = head.link;
      return true;
    };
    receiver.on_bytes = [&](std::string_view bytes) {
      text.body += bytes;
      too_large = text.body.size() > most;
      return !too_large;
    };
    receiver.unwanted = interrupted;
    const Outcome outcome = getter.get(ask, receiver);
    if (too_large)
      throw Error(ErrorCode::bad_model,
                  what + ": " + outcome.url + " sent more than " + std::to_string(most) + " bytes");
    if (outcome.ending == Ending::complete) return text;
    if (outcome.ending != Ending::unwanted) patience.failed(outcome, ask, interrupted);
    if (interrupted()) throw Interrupted("interrupted");
  }
}

}  // namespace hearth::fetch
