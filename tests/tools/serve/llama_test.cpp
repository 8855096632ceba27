// What becomes of the bodies of /infill, /completion and /v1/fim/completions, and how they are answered.
#include <gtest/gtest.h>

#include "tools/serve/llama/llama_reply.h"
#include "tools/serve/llama/llama_request.h"
#include "tools/serve/openai/fim_request.h"

namespace hearth::serve {
namespace {

TEST(InfillRequest, TheFieldsOfEditorsReachTheRequest) {
  const Job job = read_infill_request(parse_object(R"({"input_prefix":"a\n","input_suffix":"\nb","prompt":"  re",
      "input_extra":[{"filename":"x.h","text":"int x;"},{"text":"y"}],"n_predict":9,"n_indent":2,"top_k":40,"top_p":0.9,
      "samplers":["top_k"],"cache_prompt":true,"t_max_prompt_ms":500,"t_max_predict_ms":1000,"stream":false,"response_fields":["content"],
      "seed":-1,"stop":["\n\n"]})"),
                                      {"", 1, "spark"});
  const auto& gap = std::get<Infill>(job.requests[0].prompt);
  EXPECT_EQ(gap.prefix, "a\n  re");
  EXPECT_EQ(gap.suffix, "\nb");
  using Files = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(gap.files, (Files{{"x.h", "int x;"}, {"tmp", "y"}}));
  EXPECT_EQ(job.requests[0].max_tokens, 9u);
  EXPECT_EQ(job.most_time, std::chrono::seconds(1));
  EXPECT_FALSE(job.requests[0].sampling.seed);
  EXPECT_EQ(job.ignored, (std::vector<std::string>{"n_indent", "samplers", "t_max_prompt_ms"}));
}

TEST(LlamaCompletion, PromptsAreRawTextOrTokens) {
  const auto read = [](const std::string& body) { return read_llama_completion(parse_object(body), {}); };
  const Job job = read(R"({"prompt":"a","n_predict":-1,"grammar":"root ::= \"a\""})");
  EXPECT_EQ(std::get<std::string>(job.requests[0].prompt), "a");
  EXPECT_EQ(job.requests[0].max_tokens, UINT32_MAX);
  EXPECT_TRUE(std::holds_alternative<Grammar>(job.requests[0].constraint));
  EXPECT_TRUE(job.prepare);
  EXPECT_EQ(std::get<std::vector<int32_t>>(read(R"({"prompt":[1,2]})").requests[0].prompt),
            (std::vector<int32_t>{1, 2}));
  for (const char* wrong : {"{}", R"({"prompt":7})", R"({"prompt":[]})", R"({"prompt":[-1]})", R"({"prompt":["a"]})",
                            R"({"prompt":"a","response_fields":"x"})", R"({"prompt":"a","n_predict":-3})"})
    EXPECT_THROW(read(wrong), ApiError) << wrong;
}

TEST(LlamaCompletion, AdaptersComeWithTheirScales) {
  const auto read = [](const std::string& lora) {
    return read_llama_completion(parse_object(R"({"prompt":"a")" + lora + "}"), {}).requests[0].adapters;
  };
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read(R"(,"lora":null)"));
  ASSERT_TRUE(read(R"(,"lora":[])"));
  EXPECT_TRUE(read(R"(,"lora":[])")->empty());
  const auto two = read(R"(,"lora":[{"id":3,"scale":-0.5},{"id":0}])");
  ASSERT_EQ(two->size(), 2u);
  EXPECT_EQ((*two)[0].adapter, 3u);
  EXPECT_EQ((*two)[0].scale, -0.5f);
  EXPECT_EQ((*two)[1].scale, 0);
  for (const char* wrong : {"7", "{}", "[1]", R"([{"id":"a"}])", R"([{"id":0.5}])", R"([{"scale":1}])",
                            R"([{"id":0,"scale":true}])", R"([{"id":0,"scale":1e30}])"})
    EXPECT_THROW(read(std::string(",\"lora\":") + wrong), ApiError) << wrong;
}

Result llama_result() {
  Result result;
  result.text = "a\nb";
  result.reason = FinishReason::stop;
  result.stop = "END";
  result.prompt_tokens = 12;
  result.cached_tokens = 2;
  result.generated_tokens = 4;
  result.prompt_seconds = 0.5;
  result.generate_seconds = 2;
  return result;
}

TEST(LlamaReply, OnlyTheFieldsThatWereAskedForAreTold) {
  const auto reply =
      make_llama_reply({"", 1, "m"}, {"content", "timings/prompt_n", "timings/none", "stop_type"}, "prompt");
  EXPECT_EQ(to_text(reply->whole({llama_result()})), R"({"content":"a\nb","timings/prompt_n":10,"stop_type":"word"})");
}

TEST(LlamaReply, AStreamEndsWithFigures) {
  const auto reply = make_llama_reply({"", 1, "m"}, {}, "prompt");
  Event event;
  event.text = "a\nb";
  event.result = llama_result();
  const std::string text = reply->piece(0, event);
  const size_t second = text.find("\n\ndata: ");
  EXPECT_EQ(text.substr(0, second), R"(data: {"index":0,"content":"a\nb","tokens":[],"stop":false,"id_slot":-1})");
  const Json last = Json::parse(text.substr(second + 8));
  EXPECT_EQ(last["stop"], true);
  EXPECT_EQ(last["stopping_word"], "END");
  EXPECT_EQ(last["has_new_line"], true);
  EXPECT_EQ(last["tokens_predicted"], 4);
  EXPECT_EQ(last["timings"]["predicted_per_second"], 2.0);
  EXPECT_EQ(last["timings"]["prompt_per_token_ms"], 50.0);
  EXPECT_EQ(reply->end(), "");
}

TEST(LlamaReply, ErrorsHaveNumbers) {
  ApiError error = invalid_request("too long");
  error.prompt_tokens = 9;
  error.context = 8;
  EXPECT_EQ(to_text(llama_error_json(error)), R"({"error":{"code":400,"message":"too long",)"
                                              R"("type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}})");
}

TEST(FimRequest, APromptAndASuffixAreAGap) {
  const Job job = read_fim_request(
      parse_object(R"({"model":"m","prompt":"a","suffix":"b","random_seed":7,"max_tokens":5,"stream":true})"), {});
  EXPECT_EQ(std::get<Infill>(job.requests[0].prompt).prefix, "a");
  EXPECT_EQ(std::get<Infill>(job.requests[0].prompt).suffix, "b");
  EXPECT_EQ(job.requests[0].sampling.seed, 7u);
  Event event;
  event.text = "x";
  EXPECT_NE(job.reply->piece(0, event).find(R"("delta":{"content":"x"})"), std::string::npos);
  EXPECT_THROW(read_fim_request(parse_object("{}"), {}), ApiError);
}

}  // namespace
}  // namespace hearth::serve
