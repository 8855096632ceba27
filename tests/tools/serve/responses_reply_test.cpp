// How responses are worded, event by event.
#include "tools/serve/responses/responses_reply.h"

#include <gtest/gtest.h>

namespace hearth::serve {
namespace {

// The data of the events in a stream's text; each must be named by its type.
std::vector<Json> response_events(const std::string& text) {
  std::vector<Json> events;
  for (size_t at = 0; at < text.size(); at = text.find("\n\n", at) + 2) {
    const size_t data = text.find("\ndata: ", at);
    events.push_back(Json::parse(text.substr(data + 7, text.find("\n\n", at) - data - 7)));
    EXPECT_EQ(text.substr(at, data - at), "event: " + events.back()["type"].get<std::string>());
  }
  return events;
}

std::vector<std::string> types_of(const std::vector<Json>& events) {
  std::vector<std::string> types;
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i]["sequence_number"], i);
    types.push_back(events[i]["type"].get<std::string>().substr(std::string("response.").size()));
  }
  return types;
}

ResponsesReplyOptions with_tools() {
  ResponsesReplyOptions options;
  options.tools.add(Json::parse(R"([{"type":"function","name":"f"},{"type":"custom","name":"apply_patch"},
      {"type":"namespace","name":"n","tools":[{"type":"function","name":"g"}]},{"type":"local_shell"}])"),
                    "tools");
  return options;
}

Result response_result(FinishReason reason) {
  Result result;
  result.reason = reason;
  result.prompt_tokens = 5;
  result.cached_tokens = 2;
  result.generated_tokens = 3;
  result.reasoning_tokens = 1;
  return result;
}

TEST(ResponsesReply, AStreamIsAnExactSeriesOfEvents) {
  const auto reply = make_responses_reply({"resp_a", 7, "m"}, with_tools());
  Event text;
  text.reasoning = "hm";
  text.text = "a";
  Event calls;
  calls.calls = {{0, "c1", "f", "{\"p\""}, {0, "", "", ":1}"}};
  calls.result = response_result(FinishReason::tool_calls);
  const auto events = response_events(reply->begin(0) + reply->piece(0, text) + reply->piece(0, calls) + reply->end());
  EXPECT_EQ(types_of(events), (std::vector<std::string>{"created",
                                                        "in_progress",
                                                        "output_item.added",
                                                        "reasoning_summary_part.added",
                                                        "reasoning_summary_text.delta",
                                                        "reasoning_summary_text.done",
                                                        "reasoning_summary_part.done",
                                                        "output_item.done",
                                                        "output_item.added",
                                                        "content_part.added",
                                                        "output_text.delta",
                                                        "output_text.done",
                                                        "content_part.done",
                                                        "output_item.done",
                                                        "output_item.added",
                                                        "function_call_arguments.delta",
                                                        "function_call_arguments.delta",
                                                        "function_call_arguments.done",
                                                        "output_item.done",
                                                        "completed"}));
  EXPECT_EQ(events[0]["response"]["status"], "in_progress");
  EXPECT_EQ(events[7]["item"]["summary"], Json::parse(R"([{"type":"summary_text","text":"hm"}])"));
  EXPECT_EQ(events[10]["delta"], "a");
  EXPECT_EQ(events[10]["item_id"], events[8]["item"]["id"]);
  EXPECT_EQ(events[18]["output_index"], 2);
  EXPECT_EQ(events[18]["item"],
            Json::parse(R"({"id":"fc_a_2","type":"function_call","status":"completed","call_id":"c1",
      "name":"f","arguments":"{\"p\":1}"})"));
  const Json response = events[19]["response"];
  EXPECT_EQ(response["status"], "completed");
  EXPECT_EQ(response["output"].size(), 3u);
  EXPECT_EQ(response["output"][2], events[18]["item"]);
  EXPECT_EQ(response["usage"], Json::parse(R"({"input_tokens":5,"input_tokens_details":{"cached_tokens":2},
      "output_tokens":3,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":8})"));
}

TEST(ResponsesReply, CallsGoBackAsWhatTheToolsWere) {
  const auto reply = make_responses_reply({"resp_a", 7, "m"}, with_tools());
  Event calls;
  calls.calls = {{0, "c1", "apply_patch", R"({"input":"*** )"},
                 {0, "", "", R"(Begin\n"})"},
                 {1, "c2", "n__g", "{}"},
                 {2, "c3", "local_shell", R"({"command":["ls"],"workdir":"/"})"}};
  calls.result = response_result(FinishReason::tool_calls);
  const auto events = response_events(reply->piece(0, calls));
  EXPECT_EQ(types_of(events),
            (std::vector<std::string>{"created", "in_progress", "output_item.added", "custom_tool_call_input.delta",
                                      "custom_tool_call_input.done", "output_item.done", "output_item.added",
                                      "function_call_arguments.delta", "function_call_arguments.done",
                                      "output_item.done", "output_item.added", "output_item.done"}));
  EXPECT_EQ(events[5]["item"],
            Json::parse(R"({"id":"ctc_a_0","type":"custom_tool_call","status":"completed","call_id":"c1",
      "name":"apply_patch","input":"*** Begin\n"})"));
  EXPECT_EQ(events[9]["item"]["name"], "g");
  EXPECT_EQ(events[9]["item"]["namespace"], "n");
  EXPECT_EQ(events[11]["item"]["type"], "local_shell_call");
  EXPECT_EQ(events[11]["item"]["action"]["command"], Json::parse(R"(["ls"])"));
}

TEST(ResponsesReply, SilenceIsAnEventBehindTheBeginning) {
  const auto reply = make_responses_reply({"resp_a", 7, "m"}, {});
  const auto events = response_events(reply->silence() + reply->begin(0) + reply->silence());
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[2]["type"], "keepalive");
  EXPECT_EQ(events[3]["sequence_number"], 3);
}

TEST(ResponsesReply, AnAnswerThatWasCutIsIncomplete) {
  const Json body = make_responses_reply({"resp_a", 7, "m"}, {})->whole({response_result(FinishReason::max_tokens)});
  EXPECT_EQ(body["status"], "incomplete");
  EXPECT_EQ(body["incomplete_details"]["reason"], "max_output_tokens");
  EXPECT_EQ(body["output"].back()["status"], "incomplete");
  EXPECT_EQ(body["output"][0]["content"][0]["text"], "");
}

TEST(ResponsesReply, AFailureSaysWhetherToComeAgain) {
  const auto events = response_events(make_responses_reply({"resp_a", 7, "m"}, {})->failure(busy("full")));
  EXPECT_EQ(events.back()["type"], "response.failed");
  EXPECT_EQ(events.back()["response"]["error"], Json::parse(R"({"code":"rate_limit_exceeded","message":"full"})"));
}

}  // namespace
}  // namespace hearth::serve
