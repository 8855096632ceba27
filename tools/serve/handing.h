// Hands on what a remote provider answers.
#pragma once

#include <optional>
#include <string>

#include "tools/redact/answer_restorer.h"
#include "tools/serve/anthropic/messages_chat.h"
#include "tools/serve/forward.h"
#include "tools/serve/hop_answer.h"
#include "tools/serve/inbox.h"
#include "tools/serve/service.h"

namespace hearth::serve {

// What comes, and what it answers.
struct Incoming {
  Inbox& inbox;
  const redact::Secrets& secrets;
  const Leaving& leaving;
};

// As it comes, or in the words of an OpenAI chat; with secrets put back.
class Handing {
 public:
  using Awaitable = boost::asio::awaitable<void>;

  Handing(Connection& connection, Service& service, const Incoming& incoming);
  virtual ~Handing() = default;

  // A failure before the client was told anything, of the provider too where `may_return`. Throws ApiError where the
  // client goes away.
  boost::asio::awaitable<std::optional<ApiError>> run(bool may_return);

 protected:
  virtual Awaitable begin_stream();
  virtual Awaitable hand_on_events(std::string events);
  virtual Awaitable hand_on_whole(std::string answer, Json parsed);
  virtual Awaitable hand_on_failure(const ApiError& failure);
  // The answer ends before its end, for a limit.
  virtual Awaitable hand_on_cut(const std::string& limit);
  virtual Awaitable end_stream();
  virtual Awaitable break_silence();

  Connection& connection_;
  Service& service_;
  HttpReply head_;

 private:
  boost::asio::awaitable<std::optional<ApiError>> finish_whole(std::optional<ApiError> failure);

  std::string translated(std::string events);
  void note_block(const std::string& events);

  Inbox& inbox_;
  const redact::Secrets& secrets_;
  MessagesAsChat translator_;
  redact::StreamRestorer restorer_;
  const Leaving& leaving_;
  bool answered_ = false, ended_ = false;  // by the provider
  bool told_ = false;                      // the client was told of this answer
  std::string arrived_;
  std::string last_block_;  // of a message: the last event about one of its blocks
};

// In the words of another protocol.
class WordedHanding : public Handing {
 public:
  WordedHanding(Connection& connection, Service& service, const Incoming& incoming)
      : Handing(connection, service, incoming), job_(*incoming.leaving.wording), switch_(incoming.leaving.switched) {}

 protected:
  Awaitable begin_stream() override;
  Awaitable hand_on_events(std::string events) override;
  Awaitable hand_on_whole(std::string answer, Json parsed) override;
  Awaitable hand_on_failure(const ApiError& failure) override;
  Awaitable hand_on_cut(const std::string& limit) override;
  Awaitable end_stream() override;
  Awaitable break_silence() override;

 private:
  Awaitable tell_events(const std::vector<Event>& events);

  Awaitable finish(bool cut);

  Job& job_;
  const Switch& switch_;
  HopAnswer answer_;
};

}  // namespace hearth::serve
