// One connection after the other, over POSIX sockets.
#include "tests/tools/serve/fake_provider.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace hearth::serve {
namespace {

// Takes a request to its end, so that closing does not take the answer back.
void read_request(int connection) {
  std::string request;
  char block[4096];
  for (;;) {
    const size_t head = request.find("\r\n\r\n");
    if (head != request.npos) {
      const size_t length = request.find("Content-Length: ");
      if (length == request.npos || request.size() >= head + 4 + std::stoul(request.substr(length + 16))) return;
    }
    const ssize_t count = recv(connection, block, sizeof(block), 0);
    if (count <= 0) return;
    request.append(block, static_cast<size_t>(count));
  }
}

}  // namespace

FakeProvider::FakeProvider(std::vector<std::string> answers)
    : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("cannot listen");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this, answers = std::move(answers)] {
    for (int connection; (connection = accept(listener_, nullptr, nullptr)) >= 0;) {
      const auto number = static_cast<size_t>(connections_++);
      const std::string& bytes = answers[std::min(number, answers.size() - 1)];
      read_request(connection);
      send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      close(connection);
    }
  });
}

FakeProvider::~FakeProvider() {
  shutdown(listener_, SHUT_RDWR);  // ends accept()
  thread_.join();
  close(listener_);
}

std::string FakeProvider::base_url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }

}  // namespace hearth::serve
