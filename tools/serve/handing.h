// Hands on what a remote provider answers.
#pragma once

#include <optional>
#include <string>

#include "tools/redact/answer_restorer.h"
#include "tools/serve/hop_answer.h"
#include "tools/serve/inbox.h"
#include "tools/serve/job.h"
#include "tools/serve/service.h"

namespace hearth::serve {

// As it comes, with secrets put back.
class Handing {
 public:
  using Awaitable = boost::asio::awaitable<void>;

  Handing(Connection& connection, Service& service, Inbox& inbox, const redact::Secrets& secrets);
  virtual ~Handing() = default;

  // A failure before the client was told anything, of the provider too where `may_return`. Throws ApiError where the
  // client goes away.
  boost::asio::awaitable<std::optional<ApiError>> run(bool may_return);

 protected:
  virtual Awaitable begin_stream();
  virtual Awaitable hand_on_events(std::string events);
  virtual Awaitable hand_on_whole(std::string answer, Json parsed);
  virtual Awaitable hand_on_failure(const ApiError& failure);
  virtual Awaitable end_stream();

  Connection& connection_;
  Service& service_;
  HttpReply head_;

 private:
  boost::asio::awaitable<std::optional<ApiError>> finish_whole(std::optional<ApiError> failure);

  Inbox& inbox_;
  const redact::Secrets& secrets_;
  redact::StreamRestorer restorer_;
  bool answered_ = false;
  std::string arrived_;
};

// In the words of another protocol.
class WordedHanding : public Handing {
 public:
  WordedHanding(Connection& connection, Service& service, Inbox& inbox, const redact::Secrets& secrets, Job& job)
      : Handing(connection, service, inbox, secrets), job_(job) {}

 protected:
  Awaitable begin_stream() override;
  Awaitable hand_on_events(std::string events) override;
  Awaitable hand_on_whole(std::string answer, Json parsed) override;
  Awaitable hand_on_failure(const ApiError& failure) override;
  Awaitable end_stream() override;

 private:
  Awaitable tell_events(const std::vector<Event>& events);

  Job& job_;
  HopAnswer answer_;
};

}  // namespace hearth::serve
