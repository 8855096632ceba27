// A server whose device is lost answers what runs with an error, and goes on.
#include <gtest/gtest.h>

#include <future>

#include "tests/backends/losing_gpu.h"
#include "tests/tools/serve/live_server.h"

namespace hearth::serve {
namespace {

constexpr const char* kEndless = R"({"prompt":"#","max_tokens":200})";

class ServerRecovery : public testing::Test {
 protected:
  ServerRecovery() { losing_gpu().reset(); }
  ~ServerRecovery() override {
    server_.reset();
    EXPECT_EQ(losing_gpu().plans, 0) << "plans were not given back";
  }
  void start() {
    server_ = std::make_unique<LiveServer>([](ServerOptions& options) {
      options.engine.device = "cuda";
      options.engine.context = 16384;
      options.engine.embeddings = true;
    });
    expect_answer();
  }
  uint16_t port() const { return server_->port(); }
  bool tells(const std::string& words) const { return server_->log().find(words) != std::string::npos; }
  HttpAnswer answer() const { return post(port(), "/v1/completions", R"({"prompt":"x"})"); }
  void expect_answer() const {
    const HttpAnswer found = answer();
    EXPECT_EQ(found.status, 200) << found.body;
    if (found.status == 200) {
      EXPECT_EQ(found.json()["choices"][0]["text"], " Hello, world!");
    }
  }
  static void expect_loss(const HttpAnswer& found) {
    EXPECT_EQ(found.status, 503) << found.body;
    EXPECT_EQ(found.header("Retry-After"), "1");
    EXPECT_EQ(found.json()["error"]["code"], "device_lost") << found.body;
    EXPECT_EQ(found.json()["error"]["message"], "cuda: the losing GPU: it was lost");
  }

  std::unique_ptr<LiveServer> server_;
};

TEST_F(ServerRecovery, WhatRunsEndsWithAnErrorAndWhatComesNextIsAnswered) {
  start();
  for (double losses = 1; losses <= 2; ++losses) {
    losing_gpu().lose_after(5);
    expect_loss(post(port(), "/v1/completions", kEndless));
    expect_answer();
    EXPECT_EQ(server_->metric("hearth_devices_lost{model=\"scripted\"}"), losses);
  }
  EXPECT_TRUE(tells("scripted: cuda: the losing GPU: it was lost\n")) << server_->log();
  EXPECT_TRUE(tells("scripted: the device cuda was made anew; its cache is empty\n")) << server_->log();
  EXPECT_EQ(server_->metric("hearth_requests_running{model=\"scripted\"}"), 0);
}

TEST_F(ServerRecovery, AStreamEndsWithTheError) {
  start();
  ClientSocket socket(port());
  socket.send(to_wire({"POST", "/v1/completions", R"({"prompt":"#","stream":true})"}));
  EXPECT_NE(socket.receive(" one").find("HTTP/1.1 200"), std::string::npos);
  losing_gpu().lose_after(0);
  const std::string rest = socket.receive();
  EXPECT_NE(rest.find("\"device_lost\""), std::string::npos) << rest;
  expect_answer();
}

TEST_F(ServerRecovery, ManyAtOnceEachGetOneAnswerOrOneError) {
  start();
  for (const int refuses : {0, 1}) {
    losing_gpu().refuses = refuses;
    losing_gpu().lose_after(30);
    std::vector<std::future<HttpAnswer>> all;
    for (int i = 0; i < 12; ++i)
      all.push_back(std::async(std::launch::async, [&, i] {
        if (i % 4 == 3) return post(port(), "/v1/embeddings", R"({"input":"some text","model":"scripted"})");
        return post(port(), "/v1/completions", kEndless);
      }));
    int lost = 0;
    for (auto& one : all) {
      const HttpAnswer found = one.get();
      if (found.status == 200) continue;
      expect_loss(found);
      ++lost;
    }
    EXPECT_GE(lost, 1);
    expect_answer();
  }
  EXPECT_TRUE(tells("the CPU computes until the model is loaded again")) << server_->log();
  EXPECT_EQ(server_->metric("hearth_devices_lost{model=\"scripted\"}"), 2);
}

TEST_F(ServerRecovery, ModelsAreLostEachByItself) {
  start();
  const auto other = [&] { return post(port(), "/v1/completions", R"({"prompt":"x","model":"other"})").status; };
  EXPECT_EQ(other(), 200);
  losing_gpu().lose_after(3);
  expect_loss(post(port(), "/v1/completions", kEndless));
  EXPECT_EQ(other(), 200);
  expect_answer();
  EXPECT_EQ(server_->metric("hearth_devices_lost{model=\"other\"}"), 0);
}

}  // namespace
}  // namespace hearth::serve
