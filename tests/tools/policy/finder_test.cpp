// What is found, where it begins and ends, and in what time.
#include "tools/redact/finder.h"

#include <gtest/gtest.h>

namespace hearth::redact {
namespace {

// "rule:match rule:match"
std::string found(const Finder& finder, const std::string& text) {
  std::string list;
  for (const Finding& one : finder.find(text))
    list += (list.empty() ? "" : " ") + one.rule + ":" + text.substr(one.begin, one.end - one.begin);
  return list;
}

TEST(Finder, PatternsOfTheUserComeFirst) {
  const Finder finder({true, true, {{"project", "(?i)project[- ]phoenix"}, {"host", R"(\b[a-z]+\.corp\.example\b)"}}});
  EXPECT_EQ(found(finder, "Deploy Project Phoenix to web.corp.example now"),
            "project:Project Phoenix host:web.corp.example");
  EXPECT_EQ(found(finder, "nothing here"), "");
}

TEST(Finder, APatternThatCannotBeIsNamed) {
  try {
    const Finder finder({false, false, {{"broken", "(["}}});
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("'broken'"), std::string::npos) << error.what();
  }
  EXPECT_THROW(Finder({false, false, {{"lookahead", "(?=a)"}}}), std::invalid_argument);
}

TEST(Finder, OverlapsBecomeOne) {
  const Finder finder({});
  EXPECT_EQ(found(finder, "DATABASE_PASSWORD_URL=postgres://u:pw12@h/db?token=abcdefg12345XYZ98"),
            "connection-string:postgres://u:pw12@h/db?token=abcdefg12345XYZ98");
}

TEST(Finder, KeysAreFoundBehindEscapesAndUnderscores) {
  const Finder finder({});
  const std::string key = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
  EXPECT_NE(found(finder, "{\"a\":\"x\\n" + key + "\"}").find(key), std::string::npos);
  EXPECT_NE(found(finder, "OLD_" + key).find(key), std::string::npos);
  EXPECT_EQ(found(finder, "x" + key), "");
}

TEST(Finder, APrivateKeyWithoutItsEndIsFoundAsFarAsItGoes) {
  const Finder finder({});
  EXPECT_EQ(found(finder, "a -----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIA\n!"),
            "private-key:-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIA\n");
  EXPECT_EQ(found(finder, "-----BEGIN CERTIFICATE-----\nMHcC\n-----END CERTIFICATE-----"), "");
}

// Inputs on which a search that starts anew at every place would take minutes.
TEST(Finder, TakesLinearTime) {
  const Finder finder({});
  const auto repeated = [](const std::string& text, size_t bytes) {
    std::string all;
    while (all.size() < bytes) all += text;
    return all;
  };
  for (const char* text : {"-----BEGIN PRIVATE KEY-----\n", "token=", "server=a;", "a://a:", "password\\\": \\\"",
                           "a.b-c_", "sk-", "eyJaaaaaaaaa.", "@a.", "bearer "})
    finder.find(repeated(text, 1 << 16));
}

}  // namespace
}  // namespace hearth::redact
