// Answers that must be the same to the last bit.
#pragma once

#include <gtest/gtest.h>

#include "hearth/hearth.h"

namespace hearth {

inline void expect_equal(const Result& a, const Result& b) {
  EXPECT_EQ(a.text, b.text);
  EXPECT_EQ(a.generated_tokens, b.generated_tokens);
  EXPECT_EQ(a.reason, b.reason);
  ASSERT_EQ(a.logprobs.size(), b.logprobs.size());
  for (size_t i = 0; i < a.logprobs.size(); ++i) EXPECT_EQ(a.logprobs[i].logprob, b.logprobs[i].logprob) << i;
}

}  // namespace hearth
