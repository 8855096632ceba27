// Places in one notation.
#include "tools/route/places.h"

#include <gtest/gtest.h>

#include <array>

#include "tools/route/policy.h"

namespace hearth::route {
namespace {

TEST(Places, HaveOneNotation) {
  for (const auto& [text, place] :
       std::initializer_list<std::array<const char*, 2>>{{"", ""},
                                                         {"/", "/"},
                                                         {"/a/", "/a"},
                                                         {"/a//b/./c/../d", "/a/b/d"},
                                                         {"/../a", "/a"},
                                                         {"../a/..", ".."},
                                                         {"a\\b", "a/b"},
                                                         {"C:\\a\\..\\b", "C:/b"},
                                                         {"file:///a/b", "/a/b"},
                                                         {"FILE://localhost/a", "/a"},
                                                         {"file:/a", "/a"},
                                                         {"file:///C:/a", "C:/a"},
                                                         {"github.com/acme/x/", "github.com/acme/x"}})
    EXPECT_EQ(normal_place(text), place) << text;
  EXPECT_EQ(places_of("/a%2Fb"), (std::vector<std::string>{"/a%2Fb", "/a/b"}));
  EXPECT_EQ(places_of("/a/%252e%252e/b").back(), "/b");
  EXPECT_EQ(places_of("100%"), std::vector<std::string>{"100%"});
  EXPECT_EQ(below("/a/b", "../c"), "/a/c");
  EXPECT_EQ(below("/a/b", "/c"), "/c");
}

TEST(Places, OfAFolderAreTheFolderToo) {
  EXPECT_TRUE(covers("/src/pay/**", "/src/pay"));
  EXPECT_TRUE(covers("/src/pay/**", "/src/pay/x/y"));
  EXPECT_FALSE(covers("/src/pay/**", "/src/payments"));
  EXPECT_TRUE(names_place({"secret/**"}, "/home/secret"));
  EXPECT_FALSE(names_place({"/secret/**"}, "/home/secret/a"));
}

TEST(Places, ThatAreMeantByOneHintAllCount) {
  Facts facts;
  facts.repositories = places_of("/src/open/%2e%2e/payments");
  const Rule stays{.name = "stays", .repositories = {"/src/payments/**"}};
  EXPECT_EQ(find_veto({.rules = {stays}}, facts), "stays");
  facts.automatic = facts.has_remotes = facts.can_be_sent = true;
  const Rule open{.name = "open", .then = Then::cloud, .repositories = {"/src/open/**"}};
  EXPECT_EQ(ask_quality({.rules = {open}}, facts).rule, "default")
      << "what may be elsewhere is not sent for being there";
}

TEST(Privacy, WhatIsUnclearIsForbidden) {
  Facts facts;
  facts.unclear = "X-Hearth-Path cannot be read";
  EXPECT_EQ(find_veto({}, facts), facts.unclear);
}

TEST(Privacy, AModelOfTheRemoteIsNotSentToByAnyName) {
  Facts facts;
  facts.models = {"auto"};
  facts.sent_as = "large";
  EXPECT_EQ(find_veto({.rules = {{.name = "not there", .models = {"large"}}}}, facts), "not there");
}

TEST(Quality, WhatIsKeptHereDoesNotLeaveLater) {
  const Policy policy = {.rules = {{.name = "keep", .then = Then::local, .clients = {"ada"}}}};
  const Wish later = {Wish::For::later, "long-prompt"};
  Facts facts;
  EXPECT_EQ(decide(policy, facts, later).route, Decision::Route::cloud);
  facts.client = "ada";
  EXPECT_EQ(decide(policy, facts, later).rule, "keep");
  facts.tasks = {"completion"};
  EXPECT_EQ(decide(policy, facts, later).rule, "task completion");
  facts.asked = Asked::local;
  EXPECT_EQ(decide(policy, facts, later).route, Decision::Route::local);
}

}  // namespace
}  // namespace hearth::route
