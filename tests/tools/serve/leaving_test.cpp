// What must hold whenever something leaves: the log is where it was, limits count all of it, and nobody else's settings
// or words come in between.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/tools/serve/routed.h"

namespace hearth::serve {
namespace {

class LeavingTest : public Routed {
 protected:
  void start(Answers answers, const Change& change = {}) { Routed::start(std::move(answers), change); }
  HttpAnswer chat(Json more = Json::object(), const std::string& content = "Hello") {
    Json body = {
        {"model", "large"}, {"max_tokens", 8}, {"messages", Json::array({{{"role", "user"}, {"content", content}}})}};
    body.update(more);
    return post(server_->port(), "/v1/chat/completions", body.dump());
  }
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

TEST_F(LeavingTest, AllAnswersThatARequestAsksForAreSetAside) {
  start({http_answer(kFar)}, [](ServerOptions& options) { options.remotes[0].limits.tokens_per_day = 1000; });
  EXPECT_EQ(chat({{"n", 128}}).status, 429) << "128 answers of 8 tokens";
  EXPECT_EQ(
      post(server_->port(), "/v1/completions", R"({"model":"large","prompt":["a","b"],"n":64,"max_tokens":8})").status,
      429);
  EXPECT_EQ(chat({{"n", 64}}).status, 200);
  EXPECT_EQ(provider_->connections(), 1);
}

TEST_F(LeavingTest, AttemptsCountAgainstTheRate) {
  start({""}, [](ServerOptions& options) { options.remotes[0].limits.requests_per_minute = 2; });
  const HttpAnswer failed = chat();
  EXPECT_EQ(failed.status, 502);
  EXPECT_NE(failed.body.find("rate of remote cloud"), std::string::npos) << failed.body;
  EXPECT_EQ(provider_->connections(), 2);
  EXPECT_EQ(chat().status, 429);
}

TEST_F(LeavingTest, WhatWasSentAndNotAnsweredIsPaidAsEstimated) {
  start({kThenStall}, [](ServerOptions& options) { options.remotes[0].input_price = 4e6; });
  {
    ClientSocket client(server_->port());
    client.send(to_wire({"POST", "/v1/chat/completions",
                         R"({"model":"large","max_tokens":8,"messages":[{"role":"user","content":"Hello"}]})"}));
    ASSERT_TRUE(provider_->asked(1));
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (rows().size() < 2 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const std::vector<Json> all = rows();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1]["result"], "left");
  EXPECT_EQ(all[1]["tokens_estimated"], true);
  EXPECT_EQ(all[1]["prompt_tokens"], all[0]["bytes"].get<uint64_t>() / 4);
  EXPECT_GT(all[1]["cost"].get<double>(), 0);
}

// The log of a program that was killed: the decision is there, its outcome is not.
TEST_F(LeavingTest, WhatHasNoOutcomeCountsAsMuchAsWasSetAside) {
  const auto spent_after = [&](uint64_t reserved) {
    provider_ = std::make_unique<FakeProvider>(std::vector<std::string>{http_answer(kFar)});
    LiveServer server([&](ServerOptions& options) {
      options.remotes = {{"cloud", provider_->base_url(), "", {"large"}}};
      options.remotes[0].limits.tokens_per_day = 100000;
      audit::AuditLog log({options.models[0].path.parent_path() / "hearth.db"});
      audit::Decision decision;
      decision.leaves = true;
      decision.remote = "cloud";
      decision.bytes = 400;
      decision.reserved_tokens = reserved;
      log.write(decision, "");
    });
    return get(server.port(), "/v1/hearth/budgets").json()["data"][0]["tokens"].get<uint64_t>();
  };
  EXPECT_EQ(spent_after(700), 700u);
}

TEST_F(LeavingTest, TheEnvironmentsProxiesAreNotUsed) {
  FakeProvider proxy(std::vector<std::string>{http_answer(kFar)});
  const std::string address = proxy.base_url().substr(0, proxy.base_url().rfind('/'));
  for (const char* name : {"http_proxy", "https_proxy", "ALL_PROXY"}) setenv(name, address.c_str(), 1);
  start({http_answer(kFar)});
  const int status = chat().status;
  for (const char* name : {"http_proxy", "https_proxy", "ALL_PROXY"}) unsetenv(name);
  EXPECT_EQ(status, 200);
  EXPECT_EQ(proxy.connections(), 0);
  EXPECT_EQ(provider_->connections(), 1);
}

TEST_F(LeavingTest, AProxyThatIsConfiguredIsUsedAndTheRowNamesTheRemote) {
  FakeProvider proxy(std::vector<std::string>{http_answer("{}", "403 Forbidden")});
  start({http_answer(kFar)}, [&](ServerOptions& options) {
    options.remotes[0].base_url = "https://api.example/v1";
    options.remotes[0].proxy = proxy.base_url().substr(0, proxy.base_url().rfind('/'));
    options.remotes[0].key = "K1";
  });
  EXPECT_EQ(chat().status, 502);
  ASSERT_GE(proxy.heads().size(), 1u);
  EXPECT_TRUE(proxy.heads()[0].starts_with("CONNECT api.example:443 ")) << proxy.heads()[0];
  EXPECT_EQ(proxy.heads()[0].find("K1"), std::string::npos);
  EXPECT_EQ(rows()[0]["url"], "https://api.example/v1/chat/completions");
}

}  // namespace
}  // namespace hearth::serve
