// Secrets come back, however a provider cuts its answer.
#include <gtest/gtest.h>

#include "tools/redact/answer_restorer.h"

namespace hearth::redact {
namespace {

const Secrets kSecrets = {{"HEARTH_REDACTED_EMAIL_0123456789", "ada@lovelace.org"},
                          {"HEARTH_REDACTED_PRIVATE_KEY_ABCDEF0123", "line one\nline \"two\""}};

std::string in_pieces(const std::string& text, size_t size, Notation notation = Notation::plain) {
  TextRestorer restorer(kSecrets, notation);
  std::string told;
  for (size_t at = 0; at < text.size(); at += size) told += restorer.feed(text.substr(at, size));
  return told + restorer.finish();
}

TEST(TextRestorer, FindsPlaceholdersInPiecesOfAnySize) {
  const std::string text =
      "HEARTH HEARTH_REDACTED_EMAIL_0123456789, HEARTH_REDACTED_OTHER_1 HEARTH_REDACTED_EMAIL_0123456789HEARTH_RE";
  for (size_t size = 1; size < 50; ++size)
    EXPECT_EQ(in_pieces(text, size), "HEARTH ada@lovelace.org, HEARTH_REDACTED_OTHER_1 ada@lovelace.orgHEARTH_RE")
        << size;
}

TEST(TextRestorer, TellsAtOnceWhatCannotBecomeAPlaceholder) {
  TextRestorer restorer(kSecrets, Notation::plain);
  EXPECT_EQ(restorer.feed("abc HE"), "abc ");
  EXPECT_EQ(restorer.feed("LLO"), "HELLO");
  EXPECT_FALSE(restorer.holds_back());
}

TEST(TextRestorer, EscapesInsideStringsOfJson) {
  EXPECT_EQ(in_pieces(R"({"k":"HEARTH_REDACTED_PRIVATE_KEY_ABCDEF0123"})", 7, Notation::json),
            R"({"k":"line one\nline \"two\""})");
}

std::string chunk(const Json& delta, const Json& finish = nullptr) {
  return "data: " +
         Json{{"id", "c"}, {"choices", Json::array({{{"index", 0}, {"delta", delta}, {"finish_reason", finish}}})}}
             .dump() +
         "\n\n";
}

// The texts of a stream, put together as a client does.
struct Told {
  std::string content, arguments, last;
  int finished = 0, after_finish = 0;
};
Told put_together(const std::string& events) {
  Told told;
  for (size_t at = 0; at < events.size();) {
    const size_t end = events.find("\n\n", at);
    const std::string event = events.substr(at, end - at);
    at = end + 2;
    told.last = event;
    if (!event.starts_with("data: {")) continue;
    const Json choice = Json::parse(event.substr(6))["choices"][0];
    const Json delta = choice["delta"];
    if (delta.contains("content")) told.content += delta["content"].get<std::string>();
    if (delta.contains("tool_calls")) told.arguments += delta["tool_calls"][0]["function"].value("arguments", "");
    if (told.finished > 0) ++told.after_finish;
    if (!choice["finish_reason"].is_null()) ++told.finished;
  }
  return told;
}

TEST(StreamRestorer, RestoresTextsAndArgumentsOverChunks) {
  StreamRestorer restorer(kSecrets);
  std::string told;
  for (const char* piece : {"mail HEARTH_", "REDACTED_EMAIL_01", "23456789 and HEARTH_R"})
    told += restorer.feed(chunk({{"content", piece}}));
  for (const char* piece : {"{\"key\":\"HEARTH_REDACTED_PRIV", "ATE_KEY_ABCDEF0123\"", "}"})
    told += restorer.feed(chunk({{"tool_calls", Json::array({{{"index", 0}, {"function", {{"arguments", piece}}}}})}}));
  told += restorer.feed(": comment\n\n" + chunk(Json::object(), "stop") + "data: [DONE]\n\n");
  told += restorer.finish();
  const Told all = put_together(told);
  EXPECT_EQ(all.content, "mail ada@lovelace.org and HEARTH_R");
  EXPECT_EQ(all.arguments, R"({"key":"line one\nline \"two\""})");
  EXPECT_EQ(all.finished, 1);
  EXPECT_EQ(all.after_finish, 0) << "what was held back comes before the end";
  EXPECT_EQ(all.last, "data: [DONE]");
  EXPECT_NE(told.find(": comment"), std::string::npos);
}

// What a stream tells at a place of its deltas, where each event holds pieces of it.
std::string told_at(const std::string& events, const char* place) {
  std::string told;
  for (size_t at = 0; at < events.size();) {
    const size_t end = events.find("\n\n", at);
    const Json delta = Json::parse(events.substr(at + 6, end - at - 6))["choices"][0]["delta"];
    at = end + 2;
    const Json::json_pointer pointer(place);
    if (delta.contains(pointer)) told += delta[pointer].get<std::string>();
  }
  return told;
}

TEST(StreamRestorer, RestoresWhereverAProviderPutsText) {
  const std::string words = "a HEARTH_REDACTED_EMAIL_0123456789 b HEARTH";
  for (const char* place : {"/function_call/arguments", "/reasoning_details/0/text", "/content/0/text",
                            "/tool_calls/0/custom/input", "/thinking_blocks/0/thinking", "/x_new/content"}) {
    StreamRestorer restorer(kSecrets);
    std::string told;
    for (size_t at = 0; at < words.size(); at += 5) {
      Json delta = Json::object();
      if (std::string(place).find("/0/") != std::string::npos)
        delta[Json::json_pointer(std::string(place).substr(0, std::string(place).find("/0/")))] = Json::array();
      delta[Json::json_pointer(place)] = words.substr(at, 5);
      told += restorer.feed(chunk(delta));
    }
    told += restorer.feed(chunk(Json::object(), "stop"));
    EXPECT_EQ(told_at(told, place), "a ada@lovelace.org b HEARTH") << place << "\n" << told;
  }
}

TEST(StreamRestorer, NamesAreToldAtOnceAndCallsAreKeptApart) {
  StreamRestorer restorer(kSecrets);
  const auto call = [](int index, const Json& function) {
    return chunk({{"tool_calls", Json::array({{{"index", index}, {"id", "c_HEARTH"}, {"function", function}}})}});
  };
  const std::string first =
      restorer.feed(call(1, {{"name", "HEARTH_REDACTED_EMAIL_0123456789"}, {"arguments", "HEARTH"}}));
  EXPECT_NE(first.find("ada@lovelace.org"), std::string::npos) << first;
  EXPECT_NE(first.find("\"c_HEARTH\""), std::string::npos) << first;
  const std::string other = restorer.feed(call(0, {{"arguments", "_REDACTED_EMAIL_0123456789"}}));
  EXPECT_NE(other.find("_REDACTED_EMAIL_0123456789"), std::string::npos) << "of another call: " << other;
  const std::string end = restorer.finish();
  EXPECT_NE(end.find(R"("index":1,"function":{"arguments":"HEARTH"})"), std::string::npos) << end;
}

TEST(StreamRestorer, AnEventThatEndsATextTellsAllOfIt) {
  StreamRestorer restorer(kSecrets);
  const Told all = put_together(restorer.feed(chunk({{"content", "the end HEARTH_RED"}}, "length")));
  EXPECT_EQ(all.content, "the end HEARTH_RED");
}

TEST(StreamRestorer, AStreamThatStopsLosesNothing) {
  StreamRestorer restorer(kSecrets);
  std::string told = restorer.feed(chunk({{"content", "cut HEARTH_REDACTED_EMAIL"}}));
  EXPECT_EQ(put_together(told).content, "cut ");
  EXPECT_EQ(put_together(told + restorer.finish()).content, "cut HEARTH_REDACTED_EMAIL");
}

TEST(StreamRestorer, WhatIsNoJsonPassesAsItIs) {
  StreamRestorer restorer(kSecrets);
  EXPECT_EQ(restorer.feed("data: nonsense {\n\n"), "data: nonsense {\n\n");
  const std::string deep = "data: " + std::string(100000, '[') + "\n\n";
  EXPECT_EQ(restorer.feed(deep), deep);
}

TEST(WholeAnswers, AreRestoredEverywhere) {
  Json answer = {
      {"choices",
       Json::array({{{"message",
                      {{"content", "to HEARTH_REDACTED_EMAIL_0123456789"},
                       {"tool_calls",
                        Json::array({{{"function",
                                       {{"arguments", R"({"a":"HEARTH_REDACTED_PRIVATE_KEY_ABCDEF0123"})"}}}}})}}}}})}};
  restore(answer, kSecrets);
  const Json& said = answer["choices"][0]["message"];
  EXPECT_EQ(said["content"], "to ada@lovelace.org");
  EXPECT_EQ(Json::parse(said["tool_calls"][0]["function"]["arguments"].get<std::string>())["a"],
            "line one\nline \"two\"");
}

}  // namespace
}  // namespace hearth::redact
