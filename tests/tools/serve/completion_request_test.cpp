// What becomes of the body of a plain completion.
#include "tools/serve/openai/completion_request.h"

#include <gtest/gtest.h>

namespace hearth::serve {
namespace {

Job read_plain(const std::string& fields) { return read_completion_request(parse_object("{" + fields + "}"), {}); }

std::string refused_field(const std::string& fields) {
  try {
    read_plain(fields);
    return "";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 400);
    return error.param;
  }
}

TEST(CompletionRequest, PromptsAreTextsOrTokens) {
  using Tokens = std::vector<int32_t>;
  EXPECT_EQ(std::get<std::string>(read_plain(R"("prompt":"a")").requests[0].prompt), "a");
  EXPECT_EQ(std::get<Tokens>(read_plain(R"("prompt":[1,2])").requests[0].prompt), (Tokens{1, 2}));
  const Job texts = read_plain(R"("prompt":["a","b"],"n":2)");
  ASSERT_EQ(texts.requests.size(), 4u);
  EXPECT_EQ(std::get<std::string>(texts.requests[1].prompt), "a");
  EXPECT_EQ(std::get<std::string>(texts.requests[2].prompt), "b");
  const Job lists = read_plain(R"("prompt":[[1,2],[3]])");
  ASSERT_EQ(lists.requests.size(), 2u);
  EXPECT_EQ(std::get<Tokens>(lists.requests[1].prompt), (Tokens{3}));
}

TEST(CompletionRequest, ASuffixMakesAGap) {
  const Job job = read_plain(R"("prompt":"a","suffix":"b")");
  const auto& gap = std::get<Infill>(job.requests[0].prompt);
  EXPECT_EQ(gap.prefix, "a");
  EXPECT_EQ(gap.suffix, "b");
  EXPECT_TRUE(std::holds_alternative<std::string>(read_plain(R"("prompt":"a","suffix":"")").requests[0].prompt));
}

TEST(CompletionRequest, EchoWithLogprobsWantsThePromptsToo) {
  const Job job = read_plain(R"("prompt":"a","echo":true,"logprobs":2,"max_tokens":0)");
  EXPECT_TRUE(job.echo);
  EXPECT_TRUE(job.requests[0].prompt_logprobs);
  EXPECT_EQ(job.requests[0].logprobs, 2u);
  EXPECT_EQ(job.requests[0].max_tokens, 0u);
}

TEST(CompletionRequest, WhatCannotBeIsRefusedByName) {
  EXPECT_EQ(refused_field(R"("x":1)"), "prompt");
  for (const char* prompt :
       {"7", "[]", "{}", "[[]]", "[\"a\",1]", "[1,\"a\"]", "[-1]", "[1.5]", "[99999999999]", "[[\"a\"]]"})
    EXPECT_EQ(refused_field(std::string("\"prompt\":") + prompt), "prompt") << prompt;
  EXPECT_EQ(refused_field(R"("prompt":[1],"suffix":"b")"), "suffix");
  EXPECT_EQ(refused_field(R"("prompt":"a","suffix":"b","echo":true)"), "echo");
  EXPECT_EQ(refused_field(R"("prompt":"a","best_of":2)"), "best_of");
  EXPECT_EQ(refused_field(R"("prompt":"a","logprobs":21)"), "logprobs");
  EXPECT_EQ(refused_field(R"("prompt":["a","b"],"n":100)"), "n");
  EXPECT_EQ(refused_field(R"("prompt":"a","echo":true,"logprobs":0,"stream":true)"), "stream");
  EXPECT_EQ(refused_field(R"("prompt":"a","best_of":3,"n":3)"), "");
}

}  // namespace
}  // namespace hearth::serve
