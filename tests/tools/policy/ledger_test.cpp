// Limits of a day and of a minute, and sessions.
#include "tools/route/ledger.h"

#include <gtest/gtest.h>

#include "tools/route/sessions.h"

namespace hearth::route {
namespace {

const std::vector<std::string> kAccounts = {"all", "remote cloud"};

TEST(Ledger, MoneyIsSetAsideAndSettled) {
  int64_t now = 1'000'000'000;
  Ledger ledger([&] { return now; });
  ledger.limit("remote cloud", {.money_per_day = 10});
  EXPECT_EQ(ledger.reserve(kAccounts, {6, 100}), "");
  EXPECT_EQ(ledger.reserve(kAccounts, {6, 100}), "money of remote cloud") << "two at once must not pass the limit";
  ledger.settle(kAccounts, {6, 100}, {2, 40});
  EXPECT_EQ(ledger.today("all").money, 2);
  EXPECT_EQ(ledger.today("all").tokens, 40u);
  EXPECT_EQ(ledger.reserve(kAccounts, {6, 100}), "");
  ledger.settle(kAccounts, {6, 100}, {9, 40});
  EXPECT_EQ(ledger.reserve(kAccounts, {0.1, 1}), "money of remote cloud");
  now += 86400;
  EXPECT_EQ(ledger.reserve(kAccounts, {6, 100}), "") << "a new day";
}

TEST(Ledger, TokensAndRatesHaveLimits) {
  int64_t now = 1'000'000'000;
  Ledger ledger([&] { return now; });
  ledger.limit("all", {.tokens_per_day = 1000, .requests_per_minute = 2});
  EXPECT_EQ(ledger.reserve(kAccounts, {0, 100}), "");
  EXPECT_EQ(ledger.reserve(kAccounts, {0, 950}), "tokens of all");
  EXPECT_EQ(ledger.reserve(kAccounts, {0, 100}), "");
  EXPECT_EQ(ledger.reserve(kAccounts, {0, 100}), "rate of all");
  now += 60;
  EXPECT_EQ(ledger.reserve(kAccounts, {0, 100}), "");
}

TEST(Ledger, FurtherAttemptsCountAsRequests) {
  Ledger ledger([] { return int64_t{1'000'000'000}; });
  ledger.limit("all", {.requests_per_minute = 3});
  EXPECT_EQ(ledger.reserve(kAccounts, {0, 1}), "");
  EXPECT_EQ(ledger.again(kAccounts), "");
  EXPECT_EQ(ledger.again(kAccounts), "");
  EXPECT_EQ(ledger.again(kAccounts), "rate of all");
  EXPECT_EQ(ledger.reserve(kAccounts, {0, 1}), "rate of all");
}

TEST(Ledger, AClockThatGoesBackBringsNoMoneyBack) {
  int64_t now = 1'000'000'000;
  Ledger ledger([&] { return now; });
  ledger.limit("all", {.money_per_day = 1});
  EXPECT_EQ(ledger.reserve(kAccounts, {1, 0}), "");
  ledger.settle(kAccounts, {1, 0}, {1, 0});
  now -= 2 * 86400;
  EXPECT_EQ(ledger.reserve(kAccounts, {1, 0}), "money of all");
}

TEST(Ledger, WhatAnEarlierRunSpentTodayCounts) {
  const int64_t now = 1'000'000'000;
  Ledger ledger([&] { return now; });
  ledger.limit("all", {.money_per_day = 1});
  ledger.restore(now - 86400, kAccounts, {5, 0});
  EXPECT_EQ(ledger.today("all").money, 0);
  ledger.restore(now - 10, kAccounts, {1, 0});
  EXPECT_EQ(ledger.reserve(kAccounts, {0.5, 0}), "money of all");
}

TEST(SessionsSent, StayForAnHourAndAreBounded) {
  Sessions sessions;
  const Sessions::Clock::time_point start{};
  EXPECT_FALSE(sessions.left("a", start));
  sessions.sent("a", start);
  EXPECT_TRUE(sessions.left("a", start + std::chrono::minutes(59)));
  EXPECT_FALSE(sessions.left("a", start + std::chrono::minutes(61)));
  sessions.sent("b", start);
  sessions.came_back("b");
  EXPECT_FALSE(sessions.left("b", start));
  sessions.sent("c", start);
  for (int i = 0; i < 5000; ++i) sessions.sent(std::to_string(i), start);
  EXPECT_FALSE(sessions.left("c", start));
  EXPECT_TRUE(sessions.left("4999", start));
}

TEST(Ledger, SaysWhenAnAnswerPassesALimitByMoreThanWasSetAside) {
  Ledger ledger([] { return int64_t{1000}; });
  ledger.limit("all", {10, 1000, 0});
  EXPECT_EQ(ledger.reserve({"all"}, {4, 100}), "");
  EXPECT_EQ(ledger.reserve({"all"}, {3, 100}), "");
  EXPECT_EQ(ledger.passed({"all"}, {4, 100}, {4, 100}), "");
  EXPECT_EQ(ledger.passed({"all"}, {4, 100}, {7, 900}), "");
  EXPECT_EQ(ledger.passed({"all"}, {4, 100}, {7.5, 200}), "money of all");
  EXPECT_EQ(ledger.passed({"all"}, {4, 100}, {1, 901}), "tokens of all");
  ledger.settle({"all"}, {3, 100}, {0, 0});
  EXPECT_EQ(ledger.passed({"all"}, {4, 100}, {7.5, 200}), "");
}

}  // namespace
}  // namespace hearth::route
