// Requests that both sides answer, and what the server tells of its log.
#include <gtest/gtest.h>

#include <sstream>

#include "tests/tools/serve/fake_provider.h"
#include "tests/tools/serve/live_server.h"
#include "tools/compare/report.h"

namespace hearth::serve {
namespace {

const std::string kSame =
    R"({"choices":[{"index":0,"message":{"role":"assistant","content":"Greet with a dash"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":10,"completion_tokens":5}})";

class Shadow : public testing::Test {
 protected:
  void SetUp() override {
    if (!can_send_off_machine()) GTEST_SKIP() << "built without HEARTH_REMOTE";
  }
  HttpAnswer chat(const std::vector<std::string>& headers, const std::string& content = "Hello") {
    const Json body = {{"model", "auto"}, {"messages", Json::array({{{"role", "user"}, {"content", content}}})}};
    HttpAsk asked{"POST", "/v1/chat/completions", body.dump()};
    asked.headers.insert(asked.headers.end(), headers.begin(), headers.end());
    return ask(server_->port(), asked);
  }
  // Waits for so many comparisons; the newest first.
  Json compared(size_t count) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (;;) {
      const Json rows = get(server_->port(), "/v1/hearth/comparisons").json()["data"];
      if (rows.size() >= count || std::chrono::steady_clock::now() > end) return rows;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  Json told(const std::string& path) { return get(server_->port(), path).json(); }

  FakeProvider provider_{std::vector<std::string>{http_answer(kSame)}};
  std::unique_ptr<LiveServer> server_;
};

TEST_F(Shadow, WhatLeftIsAnsweredHereTooAndJudged) {
  server_ = std::make_unique<LiveServer>([&](ServerOptions& options) {
    options.remotes = {{"cloud", provider_.base_url(), "", {"large"}, 1e6, 1e6}};
    options.remotes[0].limits.money_per_day = 5000;
    options.routing.shadow_escalated = 1;
    options.routing.audit_bodies = true;
    options.routing.policy.margin = 0.2;
  });
  const HttpAnswer there = chat({"X-Hearth-Route: cloud", "X-Hearth-Task: review"});
  ASSERT_EQ(there.header("X-Hearth-Served-By"), "remote cloud") << there.body;
  const Json rows = compared(1);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["request"], there.header("X-Request-Id"));
  EXPECT_EQ(rows[0]["task"], "chat,review");
  EXPECT_EQ(rows[0]["local_text"], "Greet with a comma");
  EXPECT_EQ(rows[0]["remote_text"], "Greet with a dash");
  EXPECT_EQ(rows[0]["distance"], 0.25);
  EXPECT_EQ(rows[0]["exact"], false);
  EXPECT_EQ(rows[0]["cost"], 15.0);
  EXPECT_EQ(provider_.connections(), 1) << "the second answer is local";
  const HttpAnswer here = chat({"X-Hearth-Session: other"});
  EXPECT_EQ(here.header("X-Hearth-Served-By"), "local");

  const auto judge = [&](const std::string& request, const std::string& verdict) {
    return post(server_->port(), "/v1/hearth/feedback", Json{{"request", request}, {"verdict", verdict}}.dump()).status;
  };
  EXPECT_EQ(judge(there.header("X-Request-Id"), "remote"), 200);
  EXPECT_EQ(judge(there.header("X-Request-Id"), "same"), 200) << "the last one counts";
  EXPECT_EQ(judge(here.header("X-Request-Id"), "down"), 200);
  EXPECT_EQ(judge("req_x", "perhaps"), 400);
  EXPECT_EQ(judge("x", "up"), 400);
  EXPECT_EQ(judge("req_unknown", "up"), 404);
  EXPECT_EQ(compared(1)[0]["verdict"], "same");

  EXPECT_EQ(told("/v1/hearth/verify")["whole"], true);
  const Json left = told("/v1/hearth/audit?route=remote&task=review")["data"];
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0]["outcome"]["cost"], 15.0);
  EXPECT_EQ(told("/v1/hearth/audit?task=other")["data"].size(), 0u);
  EXPECT_EQ(told("/v1/hearth/audit?last=1")["data"].size(), 1u);
  const Json budget = told("/v1/hearth/budgets")["data"];
  EXPECT_EQ(budget[0]["account"], "remote cloud") << budget;
  EXPECT_EQ(budget[0]["money"], 15.0);

  std::ostringstream report;
  compare::report(server_->audit_log(), {}, report);
  EXPECT_NE(report.str().find("review                0        1      0 %        1    100 %      0 %     0.25"),
            std::string::npos)
      << report.str();
  EXPECT_NE(report.str().find("Local share 50 %, the target is 80 %: not reached."), std::string::npos) << report.str();
  const auto samples = compare::samples(server_->audit_log(), {});
  ASSERT_EQ(samples.size(), 1u) << "the local answer that was watched and judged";
  EXPECT_FALSE(samples[0].good);
  EXPECT_GT(samples[0].margin, 0.9);
}

TEST_F(Shadow, WhatStayedIsAskedElsewhereOnlyWhereItMayLeave) {
  server_ = std::make_unique<LiveServer>([&](ServerOptions& options) {
    options.remotes = {{"cloud", provider_.base_url(), "", {"large"}}};
    options.routing.shadow_local = 1;
    options.routing.policy.rules = {{.name = "phoenix stays", .pattern = "phoenix"}};
  });
  EXPECT_EQ(chat({}, "On phoenix").header("X-Hearth-Served-By"), "local");
  EXPECT_EQ(chat({"X-Hearth-Route: local"}).header("X-Hearth-Served-By"), "local");
  EXPECT_EQ(chat({}).header("X-Hearth-Served-By"), "local");
  const Json rows = compared(1);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["escalated"], false);
  EXPECT_FALSE(rows[0].contains("local_text")) << "bodies are not kept";
  EXPECT_EQ(provider_.connections(), 1);
  const Json left = told("/v1/hearth/audit?route=remote")["data"];
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0]["rule"], "shadow");
}

TEST_F(Shadow, NoSecretIsKept) {
  for (const bool escalated : {true, false}) {
    server_ = std::make_unique<LiveServer>([&](ServerOptions& options) {
      options.remotes = {{"cloud", provider_.base_url(), "", {"large"}}};
      options.routing.audit_bodies = true;
      (escalated ? options.routing.shadow_escalated : options.routing.shadow_local) = 1;
    });
    const std::string key = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    chat({escalated ? "X-Hearth-Route: cloud" : "X-Hearth-Session: here"}, "use " + key);
    const Json rows = compared(1);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0]["escalated"], escalated);
    EXPECT_EQ(rows.dump().find(key), std::string::npos) << rows;
    EXPECT_NE(rows[0]["prompt"].get<std::string>().find("use HEARTH_REDACTED_GITHUB_TOKEN_"), std::string::npos)
        << rows;
  }
}

TEST_F(Shadow, WhatQualityKeepsHereIsNotAskedElsewhere) {
  server_ = std::make_unique<LiveServer>([&](ServerOptions& options) {
    options.remotes = {{"cloud", provider_.base_url(), "", {"large"}}};
    options.routing.shadow_local = 1;
    options.routing.policy.rules = {{.name = "keep", .then = route::Then::local, .repositories = {"/src/keep/**"}}};
  });
  EXPECT_EQ(chat({"X-Hearth-Repository: /src/keep/x"}).header("X-Hearth-Rule"), "keep");
  const HttpAnswer quiet =
      post(server_->port(), "/v1/completions", R"({"model":"auto","max_tokens":8,"prompt":"def f("})");
  EXPECT_EQ(quiet.header("X-Hearth-Rule"), "task completion") << quiet.body;
  EXPECT_EQ(chat({}).header("X-Hearth-Served-By"), "local");
  EXPECT_EQ(compared(1).size(), 1u);
  EXPECT_EQ(provider_.connections(), 1) << "the last one alone";
}

TEST(Calibration, IsTheSmallestMarginAboveWhichEnoughIsGood) {
  std::vector<compare::Sample> samples;
  for (int i = 0; i < 100; ++i) samples.push_back({i / 100.0, i >= 30 || i % 3 == 0});
  const auto found = compare::calibrate(samples, 0.95, 20);
  ASSERT_TRUE(found.margin);
  EXPECT_NEAR(*found.margin, 0.25, 0.04);
  EXPECT_GE(found.reached, 0.95);
  EXPECT_FALSE(compare::calibrate(samples, 0.95, 101).margin);
  EXPECT_FALSE(compare::calibrate({{0.5, false}}, 0.5, 1).margin);
}

TEST(Calibration, IsShownAsACurve) {
  const std::vector<compare::Sample> samples = {{0.05, false}, {0.05, true}, {0.95, true}, {1, true}};
  std::ostringstream found, none;
  compare::show_curve(samples, compare::calibrate(samples, 0.9, 2), found);
  EXPECT_TRUE(
      found.str().starts_with("margin       answers  good\n"
                              "0.0 to 0.1        2   50 %  " +
                              std::string(20, '#') +
                              "\n"
                              "0.1 to 0.2        0      -  \n"))
      << found.str();
  EXPECT_TRUE(found.str().ends_with("0.9 to 1.0        2  100 %  " + std::string(40, '#') +
                                    "\nFrom the margin 0.950 on, 100 % of the local answers were good.\n"))
      << found.str();
  compare::show_curve(samples, compare::calibrate(samples, 0.9, 3), none);
  EXPECT_TRUE(none.str().ends_with("No margin is good enough yet, or too few answers were judged.\n")) << none.str();
}

}  // namespace
}  // namespace hearth::serve
