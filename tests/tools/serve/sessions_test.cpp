// Whole sessions of coding agents, as their clients sent them, with a model that plays them: each request must come
// back as the call or the sentence of its turn, whatever the protocol, and under the schemas that the client sent.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "tests/shared_data.h"
#include "tests/tools/serve/live_server.h"
#include "tests/tools/serve/playing_model.h"

namespace hearth::serve {
namespace {

// What the model said in a turn; arguments are null where it called nothing.
struct Said {
  std::string thought, text, tool;
  Json arguments;
  bool operator==(const Said&) const = default;
};

void PrintTo(const Said& said, std::ostream* out) {
  *out << "<" << said.thought << "> " << said.text << " " << said.tool << to_text(said.arguments);
}

std::string file_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<Json> stream_data(const std::string& body) {
  std::vector<Json> all;
  for (size_t at = 0; (at = body.find("data: {", at)) != body.npos; at += 6)
    all.push_back(Json::parse(body.substr(at + 6, body.find('\n', at) - at - 6)));
  return all;
}

Json arguments_in(const std::string& text) { return text.empty() ? Json() : Json::parse(text); }

Said said_in_message(const std::string& body) {
  Said said;
  std::string input;
  for (const Json& event : stream_data(body)) {
    if (event["type"] == "content_block_start" && event["content_block"]["type"] == "tool_use")
      said.tool = event["content_block"]["name"];
    if (event["type"] != "content_block_delta") continue;
    const Json& delta = event["delta"];
    said.thought += delta.value("thinking", "");
    said.text += delta.value("text", "");
    input += delta.value("partial_json", "");
  }
  said.arguments = arguments_in(input);
  return said;
}

Said said_in_chat(const std::string& body) {
  Said said;
  std::string arguments;
  for (const Json& chunk : stream_data(body)) {
    if (chunk["choices"].empty()) continue;
    const Json& delta = chunk["choices"][0]["delta"];
    const auto text = [&](const char* name) {
      return delta.contains(name) && delta[name].is_string() ? delta[name] : "";
    };
    said.thought += text("reasoning_content");
    said.text += text("content");
    for (const Json& call : delta.value("tool_calls", Json::array())) {
      said.tool += call["function"].value("name", "");
      arguments += call["function"].value("arguments", "");
    }
  }
  said.arguments = arguments_in(arguments);
  return said;
}

Said said_in_response(const std::string& body) {
  Said said;
  for (const Json& event : stream_data(body)) {
    if (event["type"] != "response.completed") continue;
    for (const Json& item : event["response"]["output"]) {
      if (item["type"] == "reasoning")
        for (const Json& part : item["summary"]) said.thought += part["text"];
      if (item["type"] == "message") said.text += item["content"][0]["text"];
      if (!item["type"].get<std::string>().ends_with("_call")) continue;
      said.tool = item["name"];
      said.arguments = item.contains("input") ? Json{{"input", item["input"]}} : arguments_in(item["arguments"]);
    }
  }
  return said;
}

Said said_in(const std::string& path, const std::string& body) {
  return path.starts_with("/v1/messages")    ? said_in_message(body)
         : path.starts_with("/v1/responses") ? said_in_response(body)
                                             : said_in_chat(body);
}

struct Asked {
  std::string file, path;
  Json headers, body;
  std::string reply;  // the one that was recorded with it; empty: none was
  int turn = 0;       // results of tools so far; -1: no tools are offered
};

int turn_of(const Json& body) {
  const Json& items = body.contains("messages") ? body["messages"] : body["input"];
  int results = 0;
  bool tools = body.contains("tools");
  for (const Json& item : items) {
    if (item.value("role", "") == "tool" || item.value("type", "").ends_with("_output")) ++results;
    tools |= item.value("type", "") == "additional_tools";
    if (item.contains("content") && item["content"].is_array())
      for (const Json& block : item["content"]) results += block.value("type", "") == "tool_result" ? 1 : 0;
  }
  return tools ? results : -1;
}

class Session {
 public:
  explicit Session(const std::filesystem::path& folder) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      if (name.find("-POST-") == name.npos) continue;
      const Json request = Json::parse(file_text(entry.path()));
      if (!request["path"].get<std::string>().starts_with("/v1/") || !request["body"].value("stream", false)) continue;
      asked_.push_back({entry.path(), request["path"], request["headers"], request["body"],
                        file_text(folder / (name.substr(0, 2) + "-reply.sse")), turn_of(request["body"])});
    }
    std::ranges::sort(asked_, {}, &Asked::file);
    if (const std::string script = file_text(folder / "script.json"); !script.empty())
      read_turns(Json::parse(script));
    else
      for (const Asked& asked : asked_) turns_.emplace(asked.turn, said_in(asked.path, asked.reply));
  }

  const std::vector<Asked>& asked() const { return asked_; }
  const Said& turn(int number) const { return turns_.at(number); }

  std::string script() const {
    Json script = {{"turns", Json::array()}, {"without_tools", ""}};
    for (const auto& [number, said] : turns_) {
      if (number < 0) {
        script["without_tools"] = (said.thought.empty() ? "" : "<think>" + said.thought + "</think>\n\n") + said.text;
        continue;
      }
      Json turn = {{"thinks", said.thought}, {"says", said.text}};
      if (!said.tool.empty()) turn["calls"] = {{"name", said.tool}, {"arguments", said.arguments}};
      script["turns"].push_back(std::move(turn));
    }
    return to_text(script);
  }

 private:
  void read_turns(const Json& script) {
    int number = 0;
    for (const Json& turn : script["turns"]) {
      Said& said = turns_[number++];
      said.thought = turn.value("thinks", "");
      said.text = turn.value("says", "");
      while (said.text.ends_with('\n')) said.text.pop_back();
      if (!turn.contains("calls")) continue;
      said.tool = turn["calls"]["name"];
      said.arguments = turn["calls"]["arguments"];
    }
    turns_[-1].text = script["without_tools"];
  }

  std::vector<Asked> asked_;
  std::map<int, Said> turns_;
};

void play(const std::filesystem::path& folder) {
  SCOPED_TRACE(folder);
  const Session session(folder);
  ASSERT_FALSE(session.asked().empty());
  TemporaryFolder models;
  const auto path = models.path() / "playing.gguf";
  write_playing_model(path, read_script(session.script()));
  LiveServer server([&](ServerOptions& options) {
    options.models = {{session.asked().front().body["model"].get<std::string>(), path, {}}};
    options.engine.context = 32768;
    options.engine.threads = 1;
  });
  for (const Asked& asked : session.asked()) {
    SCOPED_TRACE(asked.file);
    HttpAsk one{"POST", asked.path, to_text(asked.body)};
    for (const auto& [name, value] : asked.headers.items())
      if (name.starts_with("anthropic-")) one.headers.push_back(name + ": " + value.get<std::string>());
    const HttpAnswer answer = ask(server.port(), one);
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(said_in(asked.path, answer.body), session.turn(asked.turn)) << answer.body.substr(0, 4000);
  }
}

std::string test_name(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

// Of clients that were tried end to end: tests/clients/agents.sh.
class TriedSession : public testing::TestWithParam<const char*> {};
TEST_P(TriedSession, IsPlayed) {
  play(std::filesystem::path(HEARTH_SOURCE_DIR) / "tests/clients/agents/recorded" / GetParam());
}
INSTANTIATE_TEST_SUITE_P(Of, TriedSession,
                         testing::Values("claude-code", "codex", "codex-apply-patch", "codex-schema", "codex-oss",
                                         "opencode", "continue"),
                         test_name);

// As they were recorded with another server.
class SharedSession : public testing::TestWithParam<const char*> {};
TEST_P(SharedSession, IsPlayed) {
  const auto folder = shared_data("clients") / GetParam();
  HEARTH_REQUIRE_SHARED(folder);
  play(folder);
}
INSTANTIATE_TEST_SUITE_P(Of, SharedSession,
                         testing::Values("claude-code-resume", "claude-code-no-betas", "claude-code-thinking",
                                         "codex-lite", "codex-reasoning", "codex-schema", "opencode-resume",
                                         "opencode-reasoning", "continue-resume"),
                         test_name);

// A model that is made to play must say its script under any mask, and end where it is told something else.
TEST(Sessions, APlayingModelSaysWhatItsScriptSays) {
  TemporaryFolder models;
  const auto path = models.path() / "playing.gguf";
  write_playing_model(path, read_script(R"({"turns":[{"thinks":"Hm.","says":"Ünder.\n","calls":{"name":"write",
      "arguments":{"path":"a \"b\"","lines":["x",2,null]}}},{"says":"Done."}],"without_tools":"A title"})"));
  LiveServer server([&](ServerOptions& options) { options.models = {{"playing", path, {}}}; });
  const auto said = [&](const std::string& more) {
    return said_in_chat(post(server.port(), "/v1/chat/completions",
                             R"({"stream":true,"messages":[{"role":"user","content":"x"})" + more)
                            .body);
  };
  const std::string tools = R"(,"tools":[{"type":"function","function":{"name":"write","parameters":{"type":"object",
      "properties":{"path":{"type":"string"},"lines":{"type":"array"}},"required":["path"]}}}]})";
  EXPECT_EQ(said("]}"), (Said{"", "A title", "", Json()}));
  EXPECT_EQ(said("]" + tools),
            (Said{"Hm.", "Ünder.", "write", Json{{"path", "a \"b\""}, {"lines", {"x", 2, nullptr}}}}));
  const std::string called =
      R"(,{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"write","arguments":"{}"}}]},
      {"role":"tool","tool_call_id":"1","content":"ok"})";
  for (const std::string& more : {called, called + called}) EXPECT_EQ(said(more + "]" + tools).text, "Done.");
  EXPECT_THROW(read_script(R"({"turns":7})"), std::runtime_error);
  EXPECT_THROW(write_playing_model(path, {std::vector<std::string>(11, "x"), ""}), std::runtime_error);
  const std::string again(100, 'x');
  EXPECT_THROW(write_playing_model(path, {{again + "y" + again + "z"}, ""}), std::runtime_error);
}

}  // namespace
}  // namespace hearth::serve
