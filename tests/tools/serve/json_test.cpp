// JSON within limits.
#include "tools/serve/json.h"

#include <gtest/gtest.h>

#include "tools/serve/api_error.h"

namespace hearth::serve {
namespace {

std::string nested(int depth) {
  return "{\"a\":" + std::string(static_cast<size_t>(depth - 1), '[') +
         std::string(static_cast<size_t>(depth - 1), ']') + "}";
}

TEST(RequestJson, KeepsTheOrderOfKeys) { EXPECT_EQ(to_text(parse_object(R"({"b":1,"a":2})")), R"({"b":1,"a":2})"); }

TEST(RequestJson, DepthSizeAndKeysAreLimited) {
  EXPECT_NO_THROW(parse_object(nested(kJsonDepth)));
  EXPECT_THROW(parse_object(nested(kJsonDepth + 1)), ApiError);
  EXPECT_THROW(parse_object(nested(100'000)), ApiError);
  std::string many = "{\"a\":[0", keys = "{";
  for (size_t i = 0; i < kJsonValues; ++i) many += ",0";
  for (size_t i = 0; i <= kJsonKeys; ++i) keys += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  EXPECT_THROW(parse_object(many + "]}"), ApiError);
  EXPECT_THROW(parse_object(keys + "}"), ApiError);
}

TEST(RequestJson, WhatIsNoObjectIsRefusedWithoutQuotingIt) {
  for (const char* body : {"", "secret", "[\"secret\"]", "{\"secret\":", "{\"a\":NaN}", "{\"a\":Infinity}",
                           "{\"a\":1e400}", "{\"a\":1}secret", "{\"a\":\"\xff\xfe\"}", "null"}) {
    try {
      parse_object(body);
      ADD_FAILURE() << body;
    } catch (const ApiError& error) {
      EXPECT_EQ(error.status, 400);
      EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << error.what();
    }
  }
}

TEST(RequestJson, TextThatIsNoUtf8IsReplaced) { EXPECT_EQ(to_text(Json("a\xff")), "\"a\xEF\xBF\xBD\""); }

}  // namespace
}  // namespace hearth::serve
