// What must hold whenever something leaves: the log is where it was, limits count all of it, and nobody else's settings
// or words come in between.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/tools/serve/fake_provider.h"
#include "tests/tools/serve/live_server.h"
#include "tools/audit/reader.h"

namespace hearth::serve {
namespace {

const std::string kFar =
    R"({"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",)"
    R"("content":"from afar"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5}})";

class LeavingTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!can_send_off_machine()) GTEST_SKIP() << "built without HEARTH_REMOTE";
  }
  void start(std::vector<std::string> answers, const std::function<void(ServerOptions&)>& change = {}) {
    provider_ = std::make_unique<FakeProvider>(std::move(answers));
    server_ = std::make_unique<LiveServer>([&](ServerOptions& options) {
      options.remotes = {{"cloud", provider_->base_url(), "", {"large"}}};
      if (change) change(options);
    });
  }
  HttpAnswer chat(Json more = Json::object(), const std::string& content = "Hello") {
    Json body = {
        {"model", "large"}, {"max_tokens", 8}, {"messages", Json::array({{{"role", "user"}, {"content", content}}})}};
    body.update(more);
    return post(server_->port(), "/v1/chat/completions", body.dump());
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

TEST_F(LeavingTest, NothingLeavesOnceTheLogWasMovedAway) {
  start({http_answer(kFar)});
  EXPECT_EQ(chat().status, 200);
  std::filesystem::rename(server_->audit_log(), server_->audit_log().string() + ".1");
  const HttpAnswer refused = chat();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.json()["error"]["code"], "audit_unavailable") << refused.body;
  EXPECT_EQ(provider_->connections(), 1);
  EXPECT_NE(server_->log().find("nothing was sent: the audit log"), std::string::npos) << server_->log();
  EXPECT_NE(server_->log().find("was deleted, moved or replaced"), std::string::npos) << server_->log();
}

}  // namespace
}  // namespace hearth::serve
