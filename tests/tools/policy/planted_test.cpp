// The corpus of planted secrets: what is found of it, and what is taken for one that is none.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/tools/policy/planted_secrets.h"
#include "tools/redact/answer_restorer.h"
#include "tools/redact/redaction.h"

namespace hearth::redact {
namespace {

Json message(const std::string& role, const std::string& text) { return {{"role", role}, {"content", text}}; }

// In turn as a prompt, as a result of a tool, and inside the arguments of a call.
Json body_with(const Planted& planted, size_t number) {
  Json messages = Json::array({message("system", "You help."), message("user", "Look at this.")});
  if (number % 3 == 0) {
    messages.push_back(message("user", planted.text));
  } else if (number % 3 == 1) {
    messages.push_back({{"role", "tool"}, {"tool_call_id", "call_1"}, {"content", planted.text}});
  } else {
    const std::string arguments = Json{{"path", "a.txt"}, {"text", planted.text}}.dump();
    messages.push_back({{"role", "assistant"},
                        {"content", nullptr},
                        {"tool_calls", Json::array({{{"id", "call_1"},
                                                     {"type", "function"},
                                                     {"function", {{"name", "write"}, {"arguments", arguments}}}}})}});
  }
  return {{"model", "large"}, {"messages", std::move(messages)}};
}

TEST(PlantedSecrets, NoneLeavesAndAllComeBack) {
  const Finder finder({});
  const std::vector<Planted> all = planted_secrets();
  ASSERT_EQ(all.size(), kPlanted);
  size_t found = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const Json body = body_with(all[i], i);
    Redaction redaction({&finder}, "key");
    EXPECT_TRUE(redaction.look(body));
    Json sent = body;
    redaction.hide(sent);
    const std::string text = sent.dump();
    const bool hidden = text.find(all[i].secret) == text.npos && !redaction.empty();
    EXPECT_TRUE(hidden) << all[i].kind << " leaves in: " << all[i].text;
    found += hidden ? 1 : 0;
    // What a provider repeats comes back as it was, also as arguments of a call.
    restore(sent, redaction.secrets());
    EXPECT_EQ(sent, body) << all[i].text;
  }
  std::printf("planted secrets found: %zu of %zu\n", found, all.size());
}

TEST(PlantedSecrets, CleanTextsStayAsTheyAre) {
  const Finder finder({});
  size_t wrong = 0;
  const std::vector<std::string> texts = clean_texts();
  for (const std::string& text : texts)
    for (const Finding& finding : finder.find(text)) {
      ADD_FAILURE() << finding.rule << ": '" << text.substr(finding.begin, finding.end - finding.begin)
                    << "' in: " << text;
      ++wrong;
    }
  std::printf("taken for secrets in %zu clean texts: %zu\n", texts.size(), wrong);
}

TEST(PlantedSecrets, ASecretIsHiddenWhereverElseItStands) {
  const Finder finder({});
  Json body = {{"model", "large"},
               {"messages", Json::array({message("user", "password = \"tr0ub4dor&3x\""),
                                         message("user", "then it says tr0ub4dor&3x is wrong")})}};
  Redaction redaction({&finder}, "key");
  redaction.look(body);
  redaction.hide(body);
  EXPECT_EQ(body.dump().find("tr0ub4dor"), std::string::npos) << body.dump();
  EXPECT_EQ(redaction.counts().at("assignment"), 1u);
}

TEST(PlantedSecrets, MembersOfArgumentsAreAssignments) {
  const Finder finder({});
  const std::string arguments = R"({"user":"app","password":"Xy12-zz9","n":1})";
  Json body = {
      {"messages", Json::array({{{"role", "assistant"},
                                 {"tool_calls", Json::array({{{"function", {{"arguments", arguments}}}}})}}})}};
  const Json before = body;
  Redaction redaction({&finder}, "key");
  redaction.look(body);
  redaction.hide(body);
  EXPECT_EQ(body.dump().find("Xy12-zz9"), std::string::npos) << body.dump();
  restore(body, redaction.secrets());
  EXPECT_EQ(body, before);
}

TEST(PlantedSecrets, NamesOfMembersAreHiddenAtEveryLevel) {
  const Finder finder({});
  const std::string key = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
  Json body = {{"model", "large"}, {key, 1}, {"messages", Json::array({{{key, Json::array({{{key, 2}}})}}})}};
  const Json before = body;
  Redaction redaction({&finder}, "key");
  redaction.look(body);
  redaction.hide(body);
  EXPECT_EQ(body.dump().find("ghp_"), std::string::npos) << body;
  EXPECT_EQ(body.size(), before.size());
  EXPECT_EQ(body["model"], "large");
}

TEST(PlantedSecrets, NumbersOfWhatToolsAreGivenAreLookedAtToo) {
  const Finder finder({true, true, {{"account", R"(\b9[0-9]{7}\b)"}}});
  Json body = Json::parse(R"({"model":"large","max_tokens":90000001,"metadata":{"acct":91234561},"messages":[
    {"role":"assistant","content":[{"type":"tool_use","name":"f","input":{"acct":91234567,"all":[1,91234562]}}],
     "tool_calls":[{"function":{"name":"f","arguments":"{\"acct\": 91234563, \"n\": 3}"}}]}],
    "tools":[{"input_schema":{"properties":{"acct":{"type":"integer","enum":[91234564],"maximum":99999999}}}}]})");
  Redaction redaction({&finder}, "key");
  redaction.look(body);
  redaction.hide(body);
  EXPECT_EQ(body.dump().find("9123456"), std::string::npos) << body;
  EXPECT_EQ(body["max_tokens"], 90000001) << "the protocol's own numbers stay";
  const Json& said = body["messages"][0];
  EXPECT_TRUE(said["content"][0]["input"]["acct"].is_string());
  EXPECT_EQ(said["content"][0]["input"]["all"][0], 1);
  const Json arguments = Json::parse(said["tool_calls"][0]["function"]["arguments"].get<std::string>());
  EXPECT_TRUE(arguments["acct"].is_string()) << "and they are JSON still";
  EXPECT_EQ(redaction.counts().at("account"), 5u);
}

TEST(Placeholders, AreTheSameForTheSameSecretAndKeyAlone) {
  const Finder finder({});
  const auto placeholder = [&](const char* key, const char* address) {
    Redaction redaction({&finder}, key);
    redaction.look({{"messages", address}});
    return redaction.secrets().begin()->first;
  };
  EXPECT_EQ(placeholder("k", "ada@lovelace.org"), placeholder("k", "ada@lovelace.org"));
  EXPECT_NE(placeholder("k", "ada@lovelace.org"), placeholder("k", "bob@lovelace.org"));
  EXPECT_NE(placeholder("k", "ada@lovelace.org"), placeholder("l", "ada@lovelace.org"));
  EXPECT_TRUE(placeholder("k", "ada@lovelace.org").starts_with("HEARTH_REDACTED_EMAIL_"));
}

TEST(Placeholders, DoNotTakeTheModelsNameAndTooMuchIsRefused) {
  const Finder finder({});
  Json body = {{"model", "team@models.org"}, {"messages", "x"}};
  Redaction redaction({&finder}, "key");
  EXPECT_TRUE(redaction.look(body));
  EXPECT_TRUE(redaction.empty());
  std::string addresses;
  for (int i = 0; i < 3000; ++i) addresses += "user" + std::to_string(i) + "@mail.org ";
  Redaction many({&finder}, "key");
  EXPECT_FALSE(many.look({{"messages", addresses}}));
}

}  // namespace
}  // namespace hearth::redact
