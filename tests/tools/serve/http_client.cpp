// Over POSIX sockets, so that nothing of the server is used to test the server.
#include "tests/tools/serve/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace hearth::serve {

ClientSocket::ClientSocket(uint16_t port) : file_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  // Small, so that a client that does not read is noticed soon.
  const int buffer = 16 << 10;
  setsockopt(file_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(file_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    throw std::runtime_error("cannot connect");
}

ClientSocket::~ClientSocket() { close(file_); }

bool ClientSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(file_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

std::string ClientSocket::receive(std::string_view until) {
  std::string received;
  char block[4096];
  while (until.empty() || received.find(until) == received.npos) {
    pollfd ready{file_, POLLIN, 0};
    if (poll(&ready, 1, 10'000) <= 0) break;
    const ssize_t count = recv(file_, block, sizeof(block), 0);
    if (count <= 0) break;
    received.append(block, static_cast<size_t>(count));
  }
  return received;
}

bool ClientSocket::closed_within(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd ready{file_, POLLIN, 0};
    if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) <= 0) return false;
    char block[4096];
    if (recv(file_, block, sizeof(block), 0) <= 0) return true;
  }
}

std::string HttpAnswer::header(std::string_view name) const {
  for (size_t at = head.find("\r\n"); at != head.npos && at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
    const std::string_view line = std::string_view(head).substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0)
      return std::string(line.substr(line.find_first_not_of(' ', name.size() + 1)));
  }
  return "";
}

std::vector<std::string> HttpAnswer::events() const {
  std::vector<std::string> found;
  for (size_t at = body.find("data: "); at != body.npos; at = body.find("\ndata: ", at)) {
    if (body[at] == '\n') ++at;
    found.push_back(body.substr(at + 6, body.find("\n\n", at) - at - 6));
  }
  return found;
}

std::vector<Json> HttpAnswer::chunks() const {
  const auto all = events();
  EXPECT_FALSE(all.empty()) << body;
  if (all.empty()) return {};
  EXPECT_EQ(all.back(), "[DONE]");
  std::vector<Json> parsed;
  for (size_t i = 0; i + 1 < all.size(); ++i) parsed.push_back(Json::parse(all[i]));
  return parsed;
}

std::string to_wire(const HttpAsk& ask) {
  std::string text = ask.method + " " + ask.path + " HTTP/1.1\r\nConnection: close\r\n";
  if (!ask.host.empty()) text += "Host: " + ask.host + "\r\n";
  for (const std::string& header : ask.headers) text += header + "\r\n";
  if (!ask.body.empty()) text += "Content-Length: " + std::to_string(ask.body.size()) + "\r\n";
  return text + "\r\n" + ask.body;
}

HttpAnswer ask(uint16_t port, const HttpAsk& ask) {
  ClientSocket socket(port);
  socket.send(to_wire(ask));
  return parse_answer(socket.receive());
}

HttpAnswer get(uint16_t port, const std::string& path) { return ask(port, {"GET", path, "", {}}); }

HttpAnswer post(uint16_t port, const std::string& path, const std::string& body) {
  return ask(port, {"POST", path, body});
}

HttpAnswer parse_answer(const std::string& bytes) {
  HttpAnswer answer;
  const size_t end = bytes.find("\r\n\r\n");
  if (end == bytes.npos || !bytes.starts_with("HTTP/1.1 ")) return answer;
  answer.status = std::stoi(bytes.substr(9, 3));
  answer.head = bytes.substr(0, end + 2);
  answer.body = bytes.substr(end + 4);
  if (answer.header("Transfer-Encoding") != "chunked") return answer;
  std::string joined;
  answer.complete = false;
  for (size_t at = 0; at < answer.body.size();) {
    const size_t line = answer.body.find("\r\n", at);
    if (line == answer.body.npos) break;
    const size_t size = std::stoul(answer.body.substr(at, line - at), nullptr, 16);
    answer.complete = size == 0;
    if (size == 0) break;
    joined += answer.body.substr(line + 2, size);
    at = line + 2 + size + 2;
  }
  answer.body = joined;
  return answer;
}

}  // namespace hearth::serve
