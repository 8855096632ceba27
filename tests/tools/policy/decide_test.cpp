// Facts in, decision out.
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "tools/route/confidence.h"
#include "tools/route/glob.h"
#include "tools/route/policy.h"
#include "tools/route/repetition.h"

namespace hearth::route {
namespace {

using For = Wish::For;
using Route = Decision::Route;

Facts automatic() {
  Facts facts;
  facts.models = {"auto"};
  facts.automatic = facts.has_remotes = facts.can_be_sent = true;
  facts.tasks = {"chat"};
  facts.prompt_tokens = 100;
  facts.local_context = 4096;
  return facts;
}

std::string wish(const Policy& policy, const Facts& facts) {
  const Wish answer = ask_quality(policy, facts);
  return (answer.is_for == For::local ? "local " : answer.is_for == For::cloud ? "cloud " : "watched ") + answer.rule;
}

TEST(Quality, ExplicitWishesComeFirst) {
  const Policy policy;
  Facts facts = automatic();
  facts.asked = Asked::cloud;
  EXPECT_EQ(wish(policy, facts), "cloud header");
  facts.asked = Asked::local;
  facts.vision = true;
  EXPECT_EQ(wish(policy, facts), "local header");
  facts = automatic();
  facts.automatic = false;
  EXPECT_EQ(wish(policy, facts), "local model");
  facts.remote_model = true;
  EXPECT_EQ(wish(policy, facts), "cloud model");
  facts.asked = Asked::local;
  EXPECT_EQ(wish(policy, facts), "local header");
}

TEST(Quality, BuiltInRulesFollowInOrder) {
  Policy policy;
  Facts facts = automatic();
  EXPECT_EQ(wish(policy, facts), "local default");
  facts.prompt_tokens = 5000;
  EXPECT_EQ(wish(policy, facts), "cloud long-prompt");
  facts.tools = true;
  facts.local_tools = false;
  EXPECT_EQ(wish(policy, facts), "cloud tools");
  facts.vision = true;
  EXPECT_EQ(wish(policy, facts), "cloud vision");
  facts.session_left = true;
  EXPECT_EQ(wish(policy, facts), "cloud session");
  facts.tasks.insert("completion");
  EXPECT_EQ(wish(policy, facts), "local task completion") << "completion is never sent by itself";
  facts.can_be_sent = false;
  EXPECT_EQ(wish(policy, facts), "local endpoint");
  facts.has_remotes = false;
  EXPECT_EQ(wish(policy, facts), "local no-remote");
  policy.margin = 0.3;
  EXPECT_EQ(wish(policy, automatic()), "watched confidence");
}

TEST(Quality, RulesOfTheFileGoBeforeTheBuiltInOnes) {
  Policy policy;
  policy.longest_prompt = 50;
  policy.rules = {{.name = "reviews", .then = Then::local, .tasks = {"review"}},
                  {.name = "refactoring", .then = Then::cloud, .tasks = {"refactor*"}, .longer_than = 10}};
  Facts facts = automatic();
  facts.tasks.insert("review");
  EXPECT_EQ(wish(policy, facts), "local reviews");
  facts.tasks = {"chat", "refactoring"};
  EXPECT_EQ(wish(policy, facts), "cloud refactoring");
  facts.prompt_tokens = 10;
  EXPECT_EQ(wish(policy, facts), "local default");
}

TEST(Privacy, EachConditionForbids) {
  Facts facts = automatic();
  facts.asked = Asked::cloud;
  facts.repositories = {"/home/ada/acme/payments"};
  facts.client = "ci";
  facts.paths = {"src/secrets/key.c"};
  facts.secrets = {"github-token"};
  facts.patterns = {"phoenix"};
  const std::vector<Rule> rules = {{.name = "repository", .repositories = {"**/acme/*"}},
                                   {.name = "path", .paths = {"secrets/**"}},
                                   {.name = "model", .models = {"auto"}},
                                   {.name = "task", .tasks = {"chat"}},
                                   {.name = "client", .clients = {"c?"}},
                                   {.name = "secret", .secrets = {"*"}},
                                   {.name = "phoenix", .pattern = "phoenix"},
                                   {.name = "all"}};
  for (const Rule& rule : rules) {
    Policy policy;
    policy.rules = {{.name = "want", .then = Then::cloud}, rule};
    const Decision decision = decide(policy, facts, ask_quality(policy, facts));
    EXPECT_EQ(decision.route, Route::local) << rule.name;
    EXPECT_EQ(decision.rule, rule.name);
  }
  Policy open;
  EXPECT_EQ(decide(open, facts, ask_quality(open, facts)).route, Route::cloud);
  open.secrets_stay = true;
  EXPECT_EQ(decide(open, facts, ask_quality(open, facts)).rule, "secret github-token");
}

TEST(Privacy, ConditionsOfOneRuleMustAllHold) {
  Policy policy;
  policy.rules = {{.name = "both", .repositories = {"**/acme/**"}, .clients = {"ci"}}};
  Facts facts = automatic();
  facts.repositories = {"/home/acme/x"};
  EXPECT_FALSE(find_veto(policy, facts));
  facts.client = "ci";
  EXPECT_EQ(find_veto(policy, facts), "both");
}

TEST(Privacy, OfflineEndsItAndAnUnknownRepositoryMay) {
  Policy policy;
  policy.require_repository = true;
  Facts facts = automatic();
  EXPECT_EQ(find_veto(policy, facts), "require_repository");
  facts.repositories = {"x"};
  EXPECT_FALSE(find_veto(policy, facts));
  policy.offline = true;
  EXPECT_EQ(find_veto(policy, facts), "offline");
}

TEST(Privacy, WhatWasAskedForByItsNameIsRefusedInsteadOfReplaced) {
  Policy policy;
  policy.offline = true;
  Facts facts = automatic();
  facts.automatic = false;
  facts.remote_model = true;
  EXPECT_EQ(decide(policy, facts, ask_quality(policy, facts)).route, Route::refused);
  policy.offline = false;
  facts.spent = "money of all";
  const Decision decision = decide(policy, facts, ask_quality(policy, facts));
  EXPECT_EQ(decision.route, Route::refused);
  EXPECT_TRUE(decision.over_limit);
  EXPECT_EQ(decision.rule, "money of all");
}

TEST(Privacy, ATaskThatTheClientSaysCannotHideTheOneItHas) {
  Policy policy;
  policy.rules = {{.name = "no chats", .tasks = {"chat"}}};
  Facts facts = automatic();
  facts.tasks.insert("review");
  EXPECT_EQ(find_veto(policy, facts), "no chats");
}

TEST(Strictest, TakesWhatEitherForbids) {
  Policy server, repository;
  server.rules = {{.name = "send", .then = Then::cloud}};
  server.patterns = {{"a", "a"}};
  repository.redact_email = false;
  repository.secrets_stay = true;
  repository.patterns = {{"b", "b"}};
  repository.rules = {{.name = "keep", .then = Then::local}, {.name = "sneaky", .then = Then::cloud}};
  const Policy both = strictest(server, repository);
  EXPECT_TRUE(both.secrets_stay && both.redact_email);
  EXPECT_EQ(both.patterns.size(), 2u);
  ASSERT_EQ(both.rules.size(), 2u) << "a repository sends nothing";
  EXPECT_EQ(both.rules[0].name, "keep");
  repository.offline = true;
  EXPECT_TRUE(strictest(server, repository).offline);
  EXPECT_TRUE(strictest(repository, server).offline);
}

TEST(Globs, KnowStarsAndFolders) {
  for (const auto& [pattern, text, expected] :
       std::initializer_list<std::tuple<const char*, const char*, bool>>{{"*", "abc", true},
                                                                         {"*", "a/b", false},
                                                                         {"**", "a/b", true},
                                                                         {"a*c", "abbc", true},
                                                                         {"a*c", "ab/c", false},
                                                                         {"**/x", "x", true},
                                                                         {"**/x", "a/b/x", true},
                                                                         {"**/x", "ax", false},
                                                                         {"a/**/b", "a/b", true},
                                                                         {"a/**/b", "a/c/d/b", true},
                                                                         {"a/**", "a/b/c", true},
                                                                         {"?b", "ab", true},
                                                                         {"?b", "/b", false},
                                                                         {"", "", true},
                                                                         {"*", "", true},
                                                                         {"ab", "abc", false}})
    EXPECT_EQ(matches(pattern, text), expected) << pattern << " " << text;
  EXPECT_FALSE(matches(std::string(50, '*') + "x", std::string(2000, 'a')));
}

TEST(ConfidenceOf, IsMarginAndEntropyOfTheLikeliest) {
  Confidence confidence;
  EXPECT_EQ(confidence.margin(), 1);
  const auto token = [](std::initializer_list<double> probabilities) {
    TokenLogprob made;
    for (const double p : probabilities) made.top.push_back({0, "", static_cast<float>(std::log(p)), {}});
    return made;
  };
  const std::vector<TokenLogprob> tokens = {token({0.9, 0.1}), token({0.5, 0.5})};
  confidence.add(tokens);
  EXPECT_EQ(confidence.tokens(), 2u);
  EXPECT_NEAR(confidence.margin(), 0.4, 1e-5);
  EXPECT_NEAR(confidence.entropy(), (0.469 + 1) / 2, 1e-3);
}

TEST(ConfidenceOf, CountsTokensThatTheModelWasKeptFrom) {
  const auto token = [](int32_t id, float first) {
    TokenLogprob made;
    made.id = id;
    made.top = {{1, "", std::log(first), {}}, {2, "", std::log(0.3f), {}}};
    return made;
  };
  Confidence confidence;
  EXPECT_EQ(confidence.masked(), 0);
  // One that it wanted, one of the likeliest, one where it wanted another, and one where it was not sure of any.
  confidence.add(std::vector{token(1, 0.6f), token(2, 0.6f), token(9, 0.6f), token(9, 0.4f)});
  EXPECT_EQ(confidence.masked(), 0.25);
}

TEST(Repetition, IsFoundAtTheEndAndNotInWhatOnlyLooksAlike) {
  const auto times = [](const std::string& piece, size_t count) {
    std::string text = "A beginning that differs. ";
    for (size_t i = 0; i < count; ++i) text += piece;
    return text;
  };
  EXPECT_TRUE(goes_in_circles(times("I will now read the file again. ", 12)));
  EXPECT_TRUE(goes_in_circles(times("a", 300)));
  EXPECT_TRUE(goes_in_circles(times(std::string(200, 'x') + " end\n", 5)));
  EXPECT_FALSE(goes_in_circles(times("I will now read the file again. ", 3)));
  EXPECT_FALSE(goes_in_circles(times("-", 500)));
  EXPECT_FALSE(goes_in_circles(times("    ", 200)));
  std::string rows;
  for (int i = 0; i < 60; ++i) rows += "  case " + std::to_string(i) + ": return " + std::to_string(i * i) + ";\n";
  EXPECT_FALSE(goes_in_circles(rows));
}

}  // namespace
}  // namespace hearth::route
