// A server with a remote, "cloud" and its model "large", which is a provider that says what a test wants.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/tools/serve/fake_provider.h"
#include "tests/tools/serve/live_server.h"
#include "tools/audit/reader.h"

namespace hearth::serve {

inline const std::string kFar =
    R"({"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",)"
    R"("content":"from afar"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5}})";

using Answers = std::vector<std::string>;

class Routed : public testing::Test {
 protected:
  using Change = std::function<void(ServerOptions&)>;

  void SetUp() override {
    if (!can_send_off_machine()) GTEST_SKIP() << "built without HEARTH_REMOTE";
  }
  template <class Answer>
  void start(Answer answer, const Change& change = {}) {
    provider_ = std::make_unique<FakeProvider>(std::move(answer));
    server_ = std::make_unique<LiveServer>([&](ServerOptions& options) {
      options.remotes = {{"cloud", provider_->base_url(), "", {"large"}}};
      if (change) change(options);
    });
  }
  HttpAnswer chat(const std::string& model, const std::vector<std::string>& headers = {},
                  const std::string& content = "Hello", bool stream = false) {
    const Json body = {{"model", model},
                       {"stream", stream},
                       {"max_tokens", 8},
                       {"messages", Json::array({{{"role", "user"}, {"content", content}}})}};
    HttpAsk asked{"POST", "/v1/chat/completions", body.dump()};
    asked.headers.insert(asked.headers.end(), headers.begin(), headers.end());
    return ask(server_->port(), asked);
  }
  static std::string content_of(const HttpAnswer& answer) {
    return answer.json()["choices"][0]["message"]["content"].get<std::string>();
  }
  std::vector<Json> rows() const {
    std::vector<Json> rows;
    audit::Reader(server_->audit_log()).each([&](const audit::Row& row) {
      rows.push_back(audit::parse_row(row.content));
      return true;
    });
    return rows;
  }

  std::unique_ptr<FakeProvider> provider_;
  std::unique_ptr<LiveServer> server_;
};

}  // namespace hearth::serve
