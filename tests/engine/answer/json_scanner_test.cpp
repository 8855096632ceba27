// Following JSON byte by byte.
#include "engine/text/answer/json_scanner.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

TEST(JsonScannerTest, finds_the_end_of_objects_lists_and_strings) {
  for (const char* json : {"{}", "[]", R"({"a": [1, -2.5e3, true, false, null, "x\n\"\u00e9", {"b": []}]})", "\"]}\"",
                           "[[],[{}]]", R"(  {"a":1})"})
    EXPECT_EQ(json_end(std::string(json) + " }rest", 0), std::string_view(json).size()) << json;
}

TEST(JsonScannerTest, refuses_what_is_no_json) {
  for (const char* json : {"}", "{]", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "{'a':1}", "[\"\\x\"]", "[tru]",
                           "[\"\\u00g0\"]", "{\"a\":1,}", "[1 2]", ",", "{\"a\":1", "\"open"})
    EXPECT_EQ(json_end(json, 0), std::string::npos) << json;
}

TEST(JsonScannerTest, bounds_nesting) {
  EXPECT_NE(json_end(std::string(64, '[') + std::string(64, ']'), 0), std::string::npos);
  EXPECT_EQ(json_end(std::string(65, '[') + std::string(65, ']'), 0), std::string::npos);
}

TEST(JsonScannerTest, knows_keys_and_strings) {
  JsonScanner scanner;
  const std::string json = R"({"k": "v")";
  for (size_t i = 0; i < json.size(); ++i) {
    scanner.push(json[i]);
    EXPECT_EQ(scanner.in_key(), i == 1 || i == 2) << i;
    EXPECT_EQ(scanner.in_string(), i == 1 || i == 2 || i == 6 || i == 7) << i;
  }
  EXPECT_EQ(scanner.depth(), 1u);
}

TEST(JsonScannerTest, strings_are_written_with_escapes) {
  EXPECT_EQ(quoted_json("a\"b\\c\n\x01"), R"("a\"b\\c\n\u0001")");
}

}  // namespace
}  // namespace hearth
