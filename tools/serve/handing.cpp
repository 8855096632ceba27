// From an inbox to a connection.
#include "tools/serve/handing.h"

#include <algorithm>

#include "tools/redact/shallow_json.h"
#include "tools/serve/anthropic/messages_reply.h"
#include "tools/serve/telling.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

constexpr uint64_t kMostChoices = 128;
constexpr size_t kMostWhole = 64 << 20;  // bytes of an answer that is no stream

ApiError bad_answer(const std::string& why) {
  return {502, "server_error", "remote_failed", "the remote provider failed: " + why};
}

// Takes a stream's bytes up to the end of its last whole event; all of them where one event is very long.
std::string take_events(std::string& arrived) {
  size_t end = 0;
  for (const std::string_view blank : {"\n\n", "\r\n\r\n"})
    if (const size_t at = arrived.rfind(blank); at != arrived.npos) end = std::max(end, at + blank.size());
  if (arrived.size() - end > Inbox::kMostUntaken) end = arrived.size();
  std::string events = arrived.substr(0, end);
  arrived.erase(0, end);
  return events;
}

// Whether whole events tell how an answer ended, or that it failed. Where a provider ends its stream by ending the
// connection, nothing else tells an answer that is whole from one that was cut. (Within texts quotes are escaped.)
bool tells_end(std::string_view events) {
  for (const std::string_view sign : {"data: [DONE]", "data:[DONE]", "\"finish_reason\":\"", "\"finish_reason\": \"",
                                      "\"message_stop\"", "event: error", "data: {\"error\""})
    if (events.find(sign) != events.npos) return true;
  return false;
}

// A provider's refusal in our words: its status, and what it says.
ApiError provider_error(int status, const Json& answer) {
  const Json error = answer.is_object() ? answer.value("error", Json()) : Json();
  const Json message = error.is_object() ? error.value("message", Json()) : Json();
  return {status, status < 500 ? "invalid_request_error" : "server_error", "remote_refused",
          "the remote provider refused: " +
              (message.is_string() ? message.get<std::string>() : "status " + std::to_string(status))};
}

}  // namespace

Handing::Handing(Connection& connection, Service& service, const Incoming& incoming)
    : connection_(connection),
      service_(service),
      inbox_(incoming.inbox),
      secrets_(incoming.secrets),
      translator_(incoming.leaving.usage_wanted),
      restorer_(incoming.secrets),
      leaving_(incoming.leaving) {}

std::string Handing::translated(std::string events) {
  return leaving_.words == Leaving::Words::messages_as_chat ? translator_.feed(events) : events;
}

asio::awaitable<std::optional<ApiError>> Handing::run(bool may_return) {
  for (bool streams = false;;) {
    Inbox::Content content = inbox_.take();
    if (content.head) {
      head_ = std::move(*content.head);
      answered_ = true;
      if (may_return && head_.status >= 400) co_return bad_answer("status " + std::to_string(head_.status));
      streams = head_.content_type.starts_with("text/event-stream");
      for (auto& [name, value] : head_.headers) connection_.set_header(name, value);
      if (streams) {
        told_ = true;
        co_await begin_stream();
      }
    }
    arrived_ += content.bytes;
    if (streams) {
      // The error of a stream that breaks must not become part of an event that was cut off.
      ended_ |= tells_end(arrived_);
      if (content.ended && !content.failure && content.passed.empty() && !ended_)
        content.failure = bad_answer("its stream stopped before its answer's end");
      const bool whole = content.ended && !content.failure && content.passed.empty();
      std::string came = whole ? std::exchange(arrived_, {}) : take_events(arrived_);
      std::string events = restorer_.feed(translated(std::move(came)));
      if (content.ended) events += restorer_.finish();
      note_block(events);
      co_await hand_on_events(std::move(events));
      if (content.failure) {
        if (!told_) co_return content.failure;
        co_await hand_on_failure(*content.failure);
        co_return std::nullopt;
      }
      if (!content.passed.empty()) {
        co_await hand_on_cut(content.passed);
        co_return std::nullopt;
      }
    } else if (content.ended) {
      co_return co_await finish_whole(content.failure);
    } else if (arrived_.size() > kMostWhole) {
      co_return bad_answer("its answer is too long");
    }
    if (content.ended) break;
    const bool woken = co_await connection_.signal().wait_for(service_.options.silence);
    if (connection_.gone() || connection_.interrupted()) throw ended_early();
    if (!woken && connection_.begun()) co_await break_silence();
  }
  co_await end_stream();
  co_return std::nullopt;
}

asio::awaitable<std::optional<ApiError>> Handing::finish_whole(std::optional<ApiError> failure) {
  if (failure) co_return failure;
  if (!answered_) co_return bad_answer("it did not answer");
  Json parsed = redact::parse_shallow(arrived_);
  if (head_.status == 200 && !parsed.is_object()) co_return bad_answer("its answer is no JSON object");
  const bool translates = leaving_.words == Leaving::Words::messages_as_chat;
  if (translates) parsed = MessagesAsChat::whole(parsed);
  if ((translates || !secrets_.empty()) && !parsed.is_null()) {
    redact::restore(parsed, secrets_);
    arrived_ = to_text(parsed);
  }
  co_await hand_on_whole(std::move(arrived_), std::move(parsed));
  co_return std::nullopt;
}

Handing::Awaitable Handing::begin_stream() { return connection_.begin(head_.status, head_.content_type); }

Handing::Awaitable Handing::hand_on_events(std::string events) { return connection_.send(std::move(events)); }

Handing::Awaitable Handing::hand_on_whole(std::string answer, Json) {
  return connection_.reply({head_.status, std::move(answer), head_.content_type});
}

Handing::Awaitable Handing::hand_on_failure(const ApiError& failure) {
  const bool messages = leaving_.words == Leaving::Words::messages;
  co_await connection_.send(messages ? "event: error\n" + to_event(anthropic_error_json(failure))
                                     : to_event(error_json(failure)));
  co_await connection_.end();
}

// Which block of a message is open: what ends the message must end it too.
void Handing::note_block(const std::string& events) {
  if (leaving_.words != Leaving::Words::messages) return;
  const size_t name = events.rfind("\"content_block_");
  if (name == events.npos) return;
  const size_t begin = events.rfind("data:", name);
  if (begin != events.npos) last_block_ = events.substr(begin + 5, events.find('\n', begin) - begin - 5);
}

Handing::Awaitable Handing::hand_on_cut(const std::string& limit) {
  const std::string warning = "the answer is cut: the limit is reached: " + limit;
  std::string told;
  if (leaving_.words == Leaving::Words::messages) {
    const auto event = [&](const Json& json) {
      told += "event: " + json["type"].get<std::string>() + "\n" + to_event(json);
    };
    const Json block = redact::parse_shallow(last_block_);
    if (block.is_object() && block.value("type", Json()) != "content_block_stop")
      event({{"type", "content_block_stop"}, {"index", block.value("index", Json(0))}});
    event({{"type", "message_delta"},
           {"delta", {{"stop_reason", "max_tokens"}, {"stop_sequence", nullptr}}},
           {"usage", Json::object()},
           {"x_hearth_warning", warning}});
    event({{"type", "message_stop"}});
  } else {
    const bool chat = leaving_.path != "/completions";
    Json choices = Json::array();
    const Json count = leaving_.body.value("n", Json(1));
    for (uint64_t i = 0; i < (count.is_number_unsigned() ? count.get<uint64_t>() : 1) && i < kMostChoices; ++i) {
      choices.push_back({{"index", i}, {"finish_reason", "length"}});
      choices.back()[chat ? "delta" : "text"] = chat ? Json::object() : Json("");
    }
    told = to_event({{"id", ""},
                     {"object", chat ? "chat.completion.chunk" : "text_completion"},
                     {"choices", std::move(choices)},
                     {"x_hearth_warning", warning}}) +
           "data: [DONE]\n\n";
  }
  co_await connection_.send(std::move(told));
  co_await connection_.end();
}

Handing::Awaitable Handing::end_stream() { return connection_.end(); }

Handing::Awaitable Handing::break_silence() { return connection_.send(":\n\n"); }

Handing::Awaitable WordedHanding::begin_stream() {
  if (!job_.stream) co_return;
  if (!switch_.told) co_await tell(connection_, *job_.reply, job_.reply->begin(0));
  if (!switch_.mark.empty()) co_await tell(connection_, *job_.reply, marked(*job_.reply, switch_.mark));
}

Handing::Awaitable WordedHanding::tell_events(const std::vector<Event>& events) {
  std::string pieces;
  if (job_.stream)
    for (const Event& event : events) pieces += job_.reply->piece(0, event);
  co_await tell(connection_, *job_.reply, std::move(pieces));
}

Handing::Awaitable WordedHanding::hand_on_events(std::string events) { co_await tell_events(answer_.feed(events)); }

Handing::Awaitable WordedHanding::hand_on_whole(std::string, Json parsed) {
  if (head_.status != 200) throw provider_error(head_.status, parsed);
  co_await begin_stream();
  co_await tell_events(answer_.feed_whole(parsed));
  co_await end_stream();
}

Handing::Awaitable WordedHanding::hand_on_failure(const ApiError& failure) {
  co_await connection_.send(job_.reply->failure(failure));
  co_await connection_.end();
}

Handing::Awaitable WordedHanding::finish(bool cut) {
  Event last = answer_.finish();
  if (cut) last.result->reason = FinishReason::max_tokens;
  if (job_.stream) {
    const std::string end = job_.reply->piece(0, last);
    co_await tell(connection_, *job_.reply, end + job_.reply->end());
    co_await connection_.end();
  } else {
    const std::vector<Result> results = {std::move(*last.result)};
    warn(connection_, job_);
    co_await connection_.reply({200, to_text(job_.reply->whole(results))});
  }
}

Handing::Awaitable WordedHanding::hand_on_cut(const std::string& limit) {
  job_.warnings.push_back("the answer is cut: the limit is reached: " + limit);
  if (job_.stream && job_.reply->content_type() == std::string_view("text/event-stream"))
    co_await connection_.send(": " + job_.warnings.back() + "\n\n");
  co_await finish(true);
}

Handing::Awaitable WordedHanding::end_stream() { return finish(false); }

Handing::Awaitable WordedHanding::break_silence() {
  if (job_.stream) co_await serve::break_silence(connection_, *job_.reply);
}

}  // namespace hearth::serve
