// Bytes from a thread that asks a remote provider to a connection.
#include "tools/serve/forward.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

constexpr size_t kMostWaiting = 1 << 20;  // bytes that the client has not taken yet

// What arrived and was not told yet. Used by both threads.
class Inbox {
 public:
  struct Content {
    std::optional<HttpReply> head;
    std::string bytes;
    bool ended = false;
    std::optional<ApiError> failure;
  };

  explicit Inbox(std::function<void()> on_arrival) : on_arrival_(std::move(on_arrival)) {}

  // By the sender; false where the client has gone. Waits while too much is waiting.
  bool put(const std::function<void(Content&)>& add) {
    std::unique_lock lock(mutex_);
    taken_.wait(lock, [&] { return closed_ || content_.bytes.size() < kMostWaiting; });
    if (closed_) return false;
    add(content_);
    on_arrival_();
    return true;
  }
  bool open() const {
    const std::lock_guard lock(mutex_);
    return !closed_;
  }

  // By the receiver.
  Content take() {
    const std::lock_guard lock(mutex_);
    taken_.notify_one();
    return std::exchange(content_, {});
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    taken_.notify_one();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable taken_;
  std::function<void()> on_arrival_;
  Content content_;
  bool closed_ = false;
};

void ask_remote(const RemoteRequest& request, Inbox& inbox) {
  RemoteReceiver receiver;
  receiver.on_head = [&](int status, const std::string& type, const std::string& retry_after) {
    return inbox.put([&](Inbox::Content& content) {
      content.head = HttpReply{status, "", type};
      if (!retry_after.empty()) content.head->headers.emplace_back("Retry-After", retry_after);
    });
  };
  receiver.on_piece = [&](std::string_view piece) {
    return inbox.put([&](Inbox::Content& content) { content.bytes += piece; });
  };
  receiver.wanted = [&] { return inbox.open(); };
  std::optional<ApiError> failure;
  try {
    send_off_machine(request, receiver);
  } catch (...) {
    failure = from_current_exception();
  }
  inbox.put([&](Inbox::Content& content) {
    content.ended = true;
    content.failure = failure;
  });
}

// Takes a stream's bytes up to the end of its last whole event; all of them where one event is very long.
std::string take_events(std::string& arrived) {
  size_t end = 0;
  for (const std::string_view blank : {"\n\n", "\r\n\r\n"})
    if (const size_t at = arrived.rfind(blank); at != arrived.npos) end = std::max(end, at + blank.size());
  if (arrived.size() - end > kMostWaiting) end = arrived.size();
  std::string events = arrived.substr(0, end);
  arrived.erase(0, end);
  return events;
}

}  // namespace

asio::awaitable<void> forward(Connection& connection, Service& service, const Remote& remote, const Json& body) {
  connection.set_header("X-Hearth-Served-By", "remote " + remote.name);
  if (service.forwarding >= kMostForwarded) throw busy("too many requests wait for remote providers");
  // "/v1/chat/completions" here is "BASE/chat/completions" there.
  const RemoteRequest request{remote.base_url + connection.path().substr(3), remote.key, to_text(body)};
  const auto self = connection.shared_from_this();
  const auto inbox =
      std::make_shared<Inbox>([self, &io = service.io] { asio::post(io, [self] { self->signal().notify(); }); });
  ++service.forwarding;
  const std::shared_ptr<void> closing(nullptr, [&](void*) {
    inbox->close();
    --service.forwarding;
  });
  service.remote_workers.start([request, inbox] { ask_remote(request, *inbox); });

  std::string arrived;
  for (bool streams = false;;) {
    Inbox::Content content = inbox->take();
    if (content.head) {
      for (auto& [name, value] : content.head->headers) connection.set_header(name, value);
      co_await connection.begin(content.head->status, content.head->content_type);
      streams = content.head->content_type.starts_with("text/event-stream");
    }
    arrived += content.bytes;
    // The error of a stream that breaks must not become part of an event that was cut off.
    const bool whole = !streams || (content.ended && !content.failure);
    if (std::string now = whole ? std::exchange(arrived, {}) : take_events(arrived); !now.empty())
      co_await connection.send(std::move(now));
    if (content.failure) {
      if (!streams) throw *content.failure;
      co_await connection.send(to_event(error_json(*content.failure)));
    }
    if (content.ended) break;
    co_await connection.signal().wait_for(service.options.silence);
    if (connection.gone() || connection.interrupted()) throw ended_early();
  }
  co_await connection.end();
}

}  // namespace hearth::serve
