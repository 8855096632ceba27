// One connection after the other, over POSIX sockets.
#include "tests/tools/serve/fake_provider.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace hearth::serve {
namespace {

// Takes a request to its end, so that closing does not take the answer back; its head and body.
std::pair<std::string, std::string> read_request(int connection) {
  std::string request;
  char block[4096];
  for (;;) {
    const size_t head = request.find("\r\n\r\n");
    if (head != request.npos) {
      const size_t length = request.find("Content-Length: ");
      if (length == request.npos || request.size() >= head + 4 + std::stoul(request.substr(length + 16)))
        return {request.substr(0, head + 2), request.substr(head + 4)};
    }
    const ssize_t count = recv(connection, block, sizeof(block), 0);
    if (count <= 0) return {};
    request.append(block, static_cast<size_t>(count));
  }
}

}  // namespace

std::string http_answer(const std::string& body, const std::string& status) {
  return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

std::string http_stream(const std::string& events) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + events;
}

FakeProvider::FakeProvider(std::vector<std::string> answers)
    : FakeProvider([answers = std::move(answers), number = size_t{0}](const std::string&) mutable {
        return answers[std::min(number++, answers.size() - 1)];
      }) {}

FakeProvider::FakeProvider(std::function<std::string(const std::string&)> answer)
    : answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("cannot listen");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

void FakeProvider::run() {
  for (int connection; (connection = accept(listener_, nullptr, nullptr)) >= 0;) {
    ++connections_;
    const auto [head, body] = read_request(connection);
    {
      const std::lock_guard lock(mutex_);
      bodies_.push_back(body);
      heads_.push_back(head);
    }
    arrived_.notify_all();
    std::string bytes = answer_(body);
    const bool stalls = bytes.ends_with(kThenStall);
    if (stalls) bytes.resize(bytes.size() - kThenStall.size());
    send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (stalls)
      stalled_.push_back(connection);
    else
      close(connection);
  }
}

std::vector<std::string> FakeProvider::bodies() const {
  const std::lock_guard lock(mutex_);
  return bodies_;
}

std::vector<std::string> FakeProvider::heads() const {
  const std::lock_guard lock(mutex_);
  return heads_;
}

bool FakeProvider::asked(size_t times) const {
  std::unique_lock lock(mutex_);
  return arrived_.wait_for(lock, std::chrono::seconds(10), [&] { return bodies_.size() >= times; });
}

FakeProvider::~FakeProvider() {
  shutdown(listener_, SHUT_RDWR);  // ends accept()
  thread_.join();
  for (const int connection : stalled_) close(connection);
  close(listener_);
}

std::string FakeProvider::base_url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }

}  // namespace hearth::serve
