// What real clients sent, word for word, to a live server: each request must be understood, and answered in the shape
// and order that its client needs.
#include <gtest/gtest.h>

#include <fstream>

#include "tests/shared_data.h"
#include "tests/tools/serve/live_server.h"
#include "tests/tools/serve/scripted_model.h"

namespace hearth::serve {
namespace {

struct Recorded {
  std::string name, method, path;
  std::string version;  // the header anthropic-version
  Json body;            // null: none
  Json reply;           // null: a stream
};

Json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return Json::parse(file);
}

// All requests of all sessions whose path begins with `path`; what they ask for is the scripted model.
std::vector<Recorded> recorded_requests(const std::string& path) {
  std::vector<Recorded> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(shared_data("clients"))) {
    const std::string file = entry.path().filename().string();
    if (entry.path().extension() != ".json" || file.find("reply") != file.npos) continue;
    const Json request = read_json(entry.path());
    Recorded one{entry.path().string(), request["method"], request["path"], "", request["body"], Json()};
    if (!one.path.starts_with(path)) continue;
    for (const auto& [name, value] : request["headers"].items())
      if (name == "anthropic-version") one.version = value;
    const auto reply = entry.path().parent_path() / (file.substr(0, 2) + "-reply.json");
    if (std::filesystem::exists(reply)) one.reply = read_json(reply);
    all.push_back(std::move(one));
  }
  EXPECT_FALSE(all.empty()) << path;
  std::ranges::sort(all, {}, &Recorded::name);
  return all;
}

std::string model_of(const Recorded& recorded) {
  return recorded.body.is_object() ? recorded.body.value("model", "") : "";
}

class Replay : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    write_scripted_model(folder_.path() / "spark.gguf", false);
    server_ = new LiveServer([](ServerOptions& options) {
      options.models.clear();
      for (const char* name : {"spark", "gpt-5.5", "gpt-6-sol"})
        options.models.push_back({name, folder_.path() / "spark.gguf", {}});
      options.engine.embeddings = true;
      options.engine.context = 16384;
      options.engine.most_tokens = 64;
    });
  }
  static void TearDownTestSuite() { delete server_; }

  static HttpAnswer send(const Recorded& recorded) {
    HttpAsk one{recorded.method, recorded.path, recorded.body.is_null() ? "" : to_text(recorded.body)};
    if (!recorded.version.empty()) one.headers.push_back("anthropic-version: " + recorded.version);
    return ask(server_->port(), one);
  }

  // Calls `check` with the answer to each request under `path` whose model is there; of the others the answer must be
  // a refusal that `is_error` knows.
  template <class Check, class IsError>
  void each(const std::string& path, Check check, IsError is_error) {
    HEARTH_REQUIRE_SHARED(shared_data("clients"));
    for (const Recorded& recorded : recorded_requests(path)) {
      SCOPED_TRACE(recorded.name);
      const HttpAnswer answer = send(recorded);
      const std::string model = model_of(recorded);
      if (model.starts_with("fail:") || model == "nope") {
        EXPECT_EQ(answer.status, 404);
        EXPECT_TRUE(is_error(answer.json())) << answer.body;
      } else {
        EXPECT_EQ(answer.status, 200) << answer.body;
        check(recorded, answer);
      }
    }
  }

  static TemporaryFolder folder_;
  static LiveServer* server_;
};
TemporaryFolder Replay::folder_;
LiveServer* Replay::server_ = nullptr;

// Every member of an accepted reply is there, with a value of the same kind; but for calls, which are the model's.
void expect_shape(const Json& wanted, const Json& given) {
  for (const auto& [name, value] : wanted.items()) {
    if (name == "tool_calls") continue;
    EXPECT_TRUE(given.contains(name)) << name << " in " << to_text(given);
    if (!given.contains(name) || value.is_null() || given[name].is_null()) continue;
    const bool numbers = value.is_number() && given[name].is_number();
    EXPECT_TRUE(numbers || value.type() == given[name].type()) << name << " in " << to_text(given);
    if (value.is_object() && name != "model_info") expect_shape(value, given[name]);
  }
}

struct Sent {
  std::string name;  // of the event
  Json data;
};

// The events of a stream; each must have a name.
std::vector<Sent> named_events(const std::string& body) {
  std::vector<Sent> events;
  for (size_t at = 0; at < body.size();) {
    const size_t line = body.find('\n', at), end = body.find("\n\n", at);
    EXPECT_TRUE(body.substr(at).starts_with("event: "));
    EXPECT_EQ(body.substr(line, 7), "\ndata: ");
    if (end == body.npos || body.substr(line, 7) != "\ndata: ") break;
    events.push_back({body.substr(at + 7, line - at - 7), Json::parse(body.substr(line + 7, end - line - 7))});
    EXPECT_EQ(events.back().data["type"], events.back().name);
    at = end + 2;
  }
  return events;
}

void expect_message_stream(const std::string& body) {
  int open = -1, next = 0;
  std::string order, reason;
  for (const Sent& event : named_events(body)) {
    if (event.name == "ping") continue;
    if (event.name == "content_block_start") {
      EXPECT_EQ(open, -1);
      EXPECT_EQ(event.data["index"], next);
      open = next++;
    } else if (event.name == "content_block_delta" || event.name == "content_block_stop") {
      EXPECT_EQ(event.data["index"], open);
      if (event.name == "content_block_stop") open = -1;
    } else {
      EXPECT_EQ(open, -1) << event.name;
      order += event.name + " ";
      if (event.name == "message_start") {
        EXPECT_GT(event.data["message"]["usage"]["input_tokens"], 0);
      }
      if (event.name == "message_delta") {
        EXPECT_GT(event.data["usage"]["output_tokens"], 0);
        reason = event.data["delta"]["stop_reason"];
      }
    }
  }
  EXPECT_EQ(order, "message_start message_delta message_stop ");
  EXPECT_TRUE(reason == "end_turn" || reason == "max_tokens") << reason;
  EXPECT_GE(next, 1);
}

bool is_anthropic_error(const Json& body) {
  return body["type"] == "error" && body["error"]["type"] == "not_found_error" && body["error"]["message"].is_string();
}
bool is_openai_error(const Json& body) { return body["error"]["code"] == "model_not_found"; }
bool is_ollama_error(const Json& body) { return body["error"].is_string(); }

TEST_F(Replay, AnthropicMessages) {
  each(
      "/v1/messages",
      [](const Recorded& recorded, const HttpAnswer& answer) {
        EXPECT_EQ(answer.header("X-Hearth-Ignored-Fields").find("messages"), std::string::npos);
        if (recorded.path.find("count_tokens") != std::string::npos)
          EXPECT_GT(answer.json()["input_tokens"], 0);
        else if (recorded.body.value("stream", false))
          expect_message_stream(answer.body);
        else if (recorded.reply["status"] == 200)
          expect_shape(recorded.reply["body"], answer.json());
      },
      is_anthropic_error);
}

TEST_F(Replay, OpenAiResponses) {
  each(
      "/v1/responses",
      [](const Recorded& recorded, const HttpAnswer& answer) {
        if (!recorded.body.value("stream", false)) return expect_shape(recorded.reply["body"], answer.json());
        const auto events = named_events(answer.body);
        ASSERT_GE(events.size(), 5u);
        size_t added = 0, done = 0;
        for (size_t i = 0; i < events.size(); ++i) {
          EXPECT_EQ(events[i].data["sequence_number"], i);
          if (events[i].name == "response.output_item.added") EXPECT_EQ(events[i].data["output_index"], added++);
          if (events[i].name == "response.output_item.done") EXPECT_EQ(events[i].data["output_index"], done++);
          EXPECT_TRUE(added == done || added == done + 1);
        }
        EXPECT_EQ(events[0].name, "response.created");
        EXPECT_EQ(events[1].name, "response.in_progress");
        EXPECT_TRUE(events.back().name == "response.completed" || events.back().name == "response.incomplete");
        const Json response = events.back().data["response"];
        EXPECT_EQ(response["id"], events[0].data["response"]["id"]);
        EXPECT_EQ(response["output"].size(), done);
        EXPECT_GE(done, 1u);
        EXPECT_GT(response["usage"]["input_tokens"], 0);
      },
      is_openai_error);
}

TEST_F(Replay, OpenAiChat) {
  each(
      "/v1/chat/completions",
      [](const Recorded& recorded, const HttpAnswer& answer) {
        if (!recorded.body.value("stream", false)) {
          if (recorded.reply["status"] == 200) expect_shape(recorded.reply["body"], answer.json());
          return;
        }
        const auto chunks = answer.chunks();
        ASSERT_GE(chunks.size(), 2u);
        EXPECT_EQ(chunks[0]["choices"][0]["delta"]["role"], "assistant");
        size_t finishes = 0;
        for (const Json& chunk : chunks)
          if (!chunk["choices"].empty() && !chunk["choices"][0]["finish_reason"].is_null()) ++finishes;
        EXPECT_EQ(finishes, 1u);
        if (recorded.body.contains("stream_options")) EXPECT_GT(chunks.back()["usage"]["total_tokens"], 0);
      },
      is_openai_error);
}

TEST_F(Replay, OpenAiCompletionsAndEmbeddings) {
  for (const char* path : {"/v1/completions", "/v1/embeddings"})
    each(
        path,
        [](const Recorded& recorded, const HttpAnswer& answer) {
          if (recorded.reply.is_object()) expect_shape(recorded.reply["body"], answer.json());
        },
        is_openai_error);
}

TEST_F(Replay, Ollama) {
  each(
      "/api/",
      [](const Recorded& recorded, const HttpAnswer& answer) {
        if (recorded.reply.is_object()) return expect_shape(recorded.reply["body"], answer.json());
        EXPECT_EQ(answer.header("Content-Type"), "application/x-ndjson");
        Json last;
        for (size_t at = 0; at < answer.body.size(); at = answer.body.find('\n', at) + 1)
          last = Json::parse(answer.body.substr(at, answer.body.find('\n', at) - at));
        EXPECT_TRUE(last.contains("done") ? last["done"] == true : last["status"] == "success") << answer.body;
      },
      is_ollama_error);
}

TEST_F(Replay, ModelLists) {
  HEARTH_REQUIRE_SHARED(shared_data("clients"));
  for (const Recorded& recorded : recorded_requests("/v1/models")) {
    SCOPED_TRACE(recorded.name);
    const HttpAnswer answer = send(recorded);
    EXPECT_EQ(answer.status, recorded.reply["status"]);
    expect_shape(recorded.reply["body"], answer.json());
    if (recorded.reply["body"].contains("data"))
      expect_shape(recorded.reply["body"]["data"][0], answer.json()["data"][0]);
  }
}

}  // namespace
}  // namespace hearth::serve
