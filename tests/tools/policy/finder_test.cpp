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

// The texts in which a secret stands, and what of them must be found.
struct Realistic {
  const char* what;
  std::string text, secret;
};

std::vector<Realistic> realistic() {
  const std::string token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789", aws = "AKIAQ7ZT3NVB2KXW5MPL";
  const std::string body = "MIIEowIBAAKCAQEA7bq3Kd93jSkq0ZxVbNm2Lp5Rt6Yw1Ue4Hg9Fc8aZ", last = "QWERTYuiopASDFGH12";
  const std::string begin = "-----BEGIN RSA PRIVATE KEY-----";
  return {
      {"coloured", "x\x1b[01;31m\x1b[K" + token + "\x1b[m\x1b[K y", token},
      {"coloured behind a word", "key\x1b[32m" + token + "\x1b[0m", token},
      {"coloured in the middle", "a=\x1b[1mghp_abcdefghij\x1b[0mklmnopqrstuvwxyz0123456789",
       "klmnopqrstuvwxyz0123456789"},
      {"colours written as escapes", R"({"out":"\u001b[01;31m\u001b[K)" + token + "\"}", token},
      {"behind \\u003e", R"("\u003cAccessKeyId\u003e)" + aws + R"(\u003c/AccessKeyId\u003e")", aws},
      {"behind \\u003d", R"(x\u003d)" + aws, aws},
      {"behind %3D", "https://h/?k%3D" + aws, aws},
      {"with \\/ for /", R"({"dsn":"postgres:\/\/admin:S3cr3tPw99@db:5432\/prod"})", "S3cr3tPw99"},
      {"invisible within", aws.substr(0, 8) + "\xE2\x80\x8B" + aws.substr(8), aws.substr(8)},
      {"invisible escape within", aws.substr(0, 8) + "\\u200b" + aws.substr(8), aws.substr(8)},
      {"numbered lines",
       "     1\xE2\x86\x92" + begin + "\n     2\xE2\x86\x92" + body + "\n    13\xE2\x86\x92" + last + "\n", last},
      {"numbered by cat", "     1\t" + begin + "\n     2\t" + body + "\n     3\t" + last, last},
      {"quoted mail", "> " + begin + "\n> " + body + "\n> " + last + "\n", last},
      {"added lines", "+" + begin + "\n+" + body + "\n+" + last + "\n", last},
      {"strings of code", "k = (\"" + begin + "\\n\"\n     \"" + body + "\\n\"\n     \"" + last + "\\n\")", last},
      {"strings of JSON", "[\"" + begin + "\", \n\"" + body + "\", \n\"" + last + "\"", last},
      {"headers", begin + "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AABB\n\n" + body + "\n" + last + "\n", last},
      {"of a URL", "-----BEGIN%20PRIVATE%20KEY-----%0A" + body + "%0A" + last + "%0A", last},
      {"$ in a password", "mysql://root:$3cr3tPw99@db/x", "3cr3tPw99"},
      {"a $ word", "mysql://root:$ecr3tPw99@db/x", "ecr3tPw99"},
      {"/ in a password", "mysql://root:S3cr/3tPw99@db/x", "3tPw99"},
      {"% in a password", "mysql://root:%24ecr3tPw99@db/x", "ecr3tPw99"},
      {"a template elsewhere", "postgres://admin:S3cr3tPw99@db:{port}/x", "S3cr3tPw99"},
      {"Go", "root:S3cr3tPw99@tcp(db:3306)/x", "S3cr3tPw99"},
      {"curl", "$ curl -s \\\n  -u admin:S3cr3tPw99 https://x", "S3cr3tPw99"},
      {"curl with quotes", "curl --user 'admin:S3cr3t Pw99' https://x", "S3cr3t Pw99"},
      {"mysql", "mysql -h db -u root -pS3cr3tPw99 orders", "S3cr3tPw99"},
      {"sshpass", "sshpass -p 'S3cr3tPw99' ssh h", "S3cr3tPw99"},
      {"docker login", "docker login -u ci -p S3cr3tPw99 registry.local", "S3cr3tPw99"},
      {"seven letters", "password: \"S3cr3t9\"", "S3cr3t9"},
      {"seven bare letters", "DB_PASSWORD=S3cr3t9\n", "S3cr3t9"},
  };
}

TEST(Finder, FindsSecretsAsTextsReallyShowThem) {
  const Finder finder({true, false, {}});
  for (const Realistic& one : realistic()) {
    std::string left = one.text;
    const std::vector<Finding> all = finder.find(one.text);
    for (auto found = all.rbegin(); found != all.rend(); ++found) left.erase(found->begin, found->end - found->begin);
    EXPECT_EQ(left.find(one.secret), std::string::npos) << one.what << ": " << left;
  }
}

TEST(Finder, ASecretIsFoundWithoutWhatStandsBeforeIt) {
  const Finder finder({});
  const std::string key = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
  EXPECT_EQ(found(finder, "a\\n" + key), "github-token:" + key);
  EXPECT_EQ(found(finder, "a\x1b[31m" + key + "\x1b[0m"), "github-token:" + key);
}

TEST(Finder, WhatOnlyLooksLikeAPasswordStays) {
  const Finder finder({});
  for (const char* text :
       {"docker run -u 1000:1000 -p 3306:3306 --name mysql -p3307:3306 mysql", "curl -u username:password https://x",
        "curl -u $USER:$PASSWORD https://x", "curl -u \"${USER}:${PASS}\" https://x", "mkdir -p src/login1/a2",
        "mysql -u root -p orders", "http://localhost:8080/@scope/a1", "postgres://{user}:{pw}@{host}:{port}/{db}",
        "postgres://%s:%s@%s:5432/db", "set U=amqp://%USER%:%DB_PASSWORD%@host/", "http://h:${PORT}/users/@me1",
        "https://x.example:443/a?mail=b@2.x", "oci://registry.local:5000/app1@sha256:1234", "validatePassword(user42)",
        "the sed expression s/^[[:alpha:]]+/x/ and 100%25 or \\u00e9t\\u00e9",
        "-----BEGIN CERTIFICATE-----\nMIIBszCC\n"})
    EXPECT_EQ(found(finder, text), "") << text;
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
                           "a.b-c_", "sk-", "eyJaaaaaaaaa.", "@a.", "bearer ", "-----BEGIN PRIVATE KEY-----\na b\n",
                           "curl -u a:", " -p", "\x1b[31m", "\x1b]8;;", "\\u200b", "%3D", "a:b@tcp(", "a://b:/@"})
    finder.find(repeated(text, 1 << 16));
}

}  // namespace
}  // namespace hearth::redact
