// What of JSON Schema is followed, and what is refused.
#include <gtest/gtest.h>

#include "tests/engine/constraint/constraint_tests.h"

namespace hearth {
namespace {

struct SchemaCase {
  const char* schema;
  std::vector<std::string> valid, invalid;
};

void expect_cases(const std::vector<SchemaCase>& cases) {
  for (const SchemaCase& one : cases) {
    const Automaton automaton = compile_schema(one.schema);
    for (const std::string& text : one.valid) EXPECT_TRUE(accepts(automaton, text)) << one.schema << ": " << text;
    for (const std::string& text : one.invalid) EXPECT_FALSE(accepts(automaton, text)) << one.schema << ": " << text;
  }
}

TEST(Schema, AnyValueWhereNothingIsSaid) {
  for (const char* schema : {"{}", "true", R"({"title":"x","description":"y","default":1,"$schema":"s","examples":[1],
      "deprecated":true,"readOnly":true,"writeOnly":true,"$comment":"c","x-unknown":{"type":"string"}})"})
    expect_cases({{schema, {"1", "null", "{\"a\":[{}]}", "\"x\"", "[[],1.5e3]"}, {"", "{a:1}", "01", "[1,]", "nul"}}});
  expect_cases({{R"({"type":"object"})", {"{}", "{\"a\":{\"b\":[1]},\"\":null}"}, {"[]", "1", "{\"a\"}"}}});
}

TEST(Schema, ReferencesMayRecurse) {
  expect_cases({
      {R"({"$ref":"#/definitions/a%20b/0","definitions":{"a b":[{"const":1}]}})", {"1"}, {"2"}},
      {R"({"$ref":"#here","$defs":{"x":{"$anchor":"here","type":"null"}}})", {"null"}, {"1"}},
      {R"({"$ref":"#/$defs/x","maximum":3,"$defs":{"x":{"type":"integer"}}})", {"3"}, {"4", "null"}},
      {R"({"type":"array","items":{"$ref":"#"}})", {"[]", "[[],[[]]]"}, {"[1]"}},
      {R"({"$id":"https://x/y","anyOf":[{"type":"null"},{"type":"array","items":{"$ref":"https://x/y#"},"maxItems":1}]})",
       {"null", "[[null]]"},
       {"[1]"}},
      {R"({"$ref":"#/$defs/a~1b~0c","$defs":{"a/b~c":{"const":"k"}}})", {"\"k\""}, {"1"}},
  });
}

TEST(Schema, AllOfMerges) {
  expect_cases({
      {R"({"allOf":[{"type":["string","integer"]},{"type":["integer","null"]}]})", {"1"}, {"\"a\"", "null", "1.5"}},
      {R"({"allOf":[{"enum":[1,2,3]},{"enum":[2,3,4]},{"maximum":2}]})", {"2"}, {"1", "3"}},
      {R"({"allOf":[{"anyOf":[{"const":1},{"const":2}]},{"anyOf":[{"const":2},{"const":3}]}]})", {"2"}, {"1", "3"}},
      {R"({"type":"object","properties":{"a":{"type":"integer"}},"allOf":[{"required":["a"]},
          {"properties":{"a":{"minimum":5}}}],"additionalProperties":false})",
       {"{\"a\":5}"},
       {"{}", "{\"a\":4}"}},
  });
}

TEST(Schema, ObjectsHaveTheirMembersInOrder) {
  expect_cases({
      {R"({"type":"object","properties":{"b":{},"a":{}},"required":["a"]})",
       {R"({"a":1})", R"({"b":1,"a":2})", R"({"a":1,"c":2})"},
       {R"({"a":1,"b":2})", R"({"b":1})", R"({"a":1,"a":2})"}},
      {R"({"type":"object","required":["x"],"properties":{},"additionalProperties":{"type":"null"}})",
       {R"({"x":null})", R"({"x":null,"y":null})"},
       {"{}", R"({"y":null})", R"({"x":1})"}},
      {R"({"type":"object","properties":{"a\"\n":{"const":1}},"additionalProperties":false})",
       {R"({"a\"\n":1})"},
       {R"({"a":1})"}},
      {R"({"type":"object","maxProperties":2,"minProperties":1,"properties":{"a":{},"b":{},"c":{}}})",
       {R"({"a":1})", R"({"b":1,"c":1})", R"({"c":1,"z":1})"},
       {"{}", R"({"a":1,"b":1,"c":1})"}},
      {R"({"type":"object","properties":{"a":false,"b":{"type":"null"}}})", {"{}", R"({"b":null})"}, {R"({"a":1})"}},
      {R"({"type":"object","propertyNames":{"enum":["p","q"]}})", {R"({"q":1})"}, {R"({"r":1})"}},
      {R"({"type":"object","propertyNames":{"type":"string"}})", {R"({"q":1})"}, {}},
      {R"({"type":"object","patternProperties":{"^a":{"type":"integer"},"b$":{"minimum":3}},"additionalProperties":false})",
       {R"({"ab":3})", R"({"a":1})", R"({"xb":"t"})"},
       {R"({"ab":2})", R"({"x":1})"}},
  });
}

TEST(Schema, ArraysCountTheirItems) {
  expect_cases({
      {R"({"type":"array","maxItems":0})", {"[]"}, {"[1]"}},
      {R"({"type":"array","items":{"const":1},"minItems":1000,"maxItems":100000})", {}, {"[1,1]", "[]"}},
      {R"({"type":"array","prefixItems":[{"const":1},{"const":2}]})", {"[]", "[1]", "[1,2,null]"}, {"[2]", "[1,1]"}},
      {R"({"type":"array","items":[{"const":1}],"additionalItems":false})", {"[]", "[1]"}, {"[1,1]"}},
      {R"({"type":"array","items":false})", {"[]"}, {"[1]"}},
      {R"({"type":"array","prefixItems":[{},false]})", {"[]", "[1]"}, {"[1,1]"}},
  });
  std::string thousand = "[1";
  for (int i = 1; i < 1000; ++i) thousand += ",1";
  EXPECT_TRUE(accepts(compile_schema(R"({"type":"array","items":{"const":1},"minItems":1000})"), thousand + "]"));
  EXPECT_FALSE(accepts(compile_schema(R"({"type":"array","items":{"const":1},"minItems":1001})"), thousand + "]"));
  EXPECT_FALSE(accepts(compile_schema(R"({"type":"array","items":{"const":1},"maxItems":999})"), thousand + "]"));
}

TEST(Schema, LengthsCountCharacters) {
  expect_cases({
      {R"({"type":"string","minLength":2,"maxLength":3})",
       {R"("ąč")", R"("\n\n")", R"("\u00e9\ud83d\ude42x")", R"("🙂🙂🙂")"},
       {R"("ą")", R"("\ud83d\ude42")", R"("abcd")", R"("\ud83d!")"}},
      {R"({"type":"string","maxLength":0})", {R"("")"}, {R"("a")"}},
      {R"({"type":"string","pattern":"^a*$","minLength":2,"maxLength":3})",
       {R"("aa")", R"("aaa")"},
       {R"("a")", R"("ab")"}},
  });
  const Automaton long_text = compile_schema(R"({"type":"string","maxLength":100000})");
  EXPECT_TRUE(accepts(long_text, "\"" + std::string(100000, 'x') + "\""));
  EXPECT_FALSE(accepts(long_text, "\"" + std::string(100001, 'x') + "\""));
}

TEST(Schema, PatternsAreFoundAnywhereUnlessAnchored) {
  expect_cases({
      {R"({"type":"string","pattern":"b.d"})", {R"("abcd")", R"("b d")"}, {R"("bd")", R"("b\nd")"}},
      {R"({"type":"string","pattern":"^ab|cd$"})", {R"("abx")", R"("xcd")"}, {R"("xab")", R"("cdx")"}},
      {R"({"type":"string","pattern":"(^a|b)c?$"})", {R"("a")", R"("xbc")"}, {R"("xa")", R"("abd")"}},
      {R"({"type":"string","pattern":"^[^\\n\\r]*$"})", {R"("x")", R"("")"}, {R"("a\nb")"}},
      {R"({"type":"string","pattern":"^[\\s\\S]{0,300}$"})", {R"("a\n\"b")"}, {"\"" + std::string(301, 'a') + "\""}},
      {R"({"type":"string","pattern":"^\\w+\\.\\d{2}\\s\\S[\\w-]?$"})", {R"("a_1.22 x-")"}, {R"("a.2 x")"}},
      {R"({"type":"string","pattern":"^\\u0041\\x42\\u{1F642}[\\]\\\\^-]$"})",
       {R"("AB🙂]")", R"("AB🙂\\")"},
       {R"("AB🙂a")"}},
      {R"({"type":"string","pattern":"^(?:(?<year>\\d{4})-)+?x{2,}y{,3}$"})", {R"("2024-xxxy{,3}")"}, {R"("2024-x")"}},
      {R"({"type":"string","pattern":""})", {R"("")", R"("x")"}, {"1"}},
  });
}

TEST(Schema, FormatsAreKept) {
  const auto text = [](const std::string& inner) { return "\"" + inner + "\""; };
  struct FormatCase {
    const char* format;
    std::vector<std::string> valid, invalid;
  };
  for (const FormatCase& one : std::vector<FormatCase>{
           {"date", {"2024-02-29", "2000-02-29"}, {"2023-02-29", "1900-02-29", "2024-04-31"}},
           {"time", {"23:59:59Z", "00:00:00.123-01:30"}, {"24:00:00Z", "12:00:00", "12:60:00Z"}},
           {"duration", {"P1Y2M3DT4H5M6S", "PT1H", "P2W", "P1D"}, {"P", "PT", "P1", "1Y", "P1W1D"}},
           {"email", {"a.b+c@x-y.example.org"}, {"a@b", "@x.y", "a.@x.yz", "a@-x.yz"}},
           {"hostname", {"a", "example.org", "x-1.y"}, {"-a", "a-", "a..b", ""}},
           {"ipv4", {"10.0.0.255"}, {"1.2.3", "01.2.3.4", "256.1.1.1"}},
           {"ipv6",
            {"::", "::1", "2001:db8::1", "1:2:3:4:5:6:7:8", "fe80::1:2"},
            {":::", "1::2::3", "1:2:3", "12345::"}},
           {"uuid", {"123e4567-e89b-12d3-a456-426614174000"}, {"123e4567"}},
           {"uri",
            {"https://a.b/c?d=e#f", "mailto:a@b.c", "urn:isbn:1", "file:///x%20y", "http://u:p@h:80"},
            {"a b", "//x", "http://a b", "x%2"}},
           {"uri-reference", {"/a/b", "../x", "?q", "http://x", ""}, {"a b", "%"}},
           {"json-pointer", {"", "/a~0b/0"}, {"a", "/~2"}}}) {
    const Automaton automaton = compile_schema("{\"type\":\"string\",\"format\":\"" + std::string(one.format) + "\"}");
    for (const std::string& valid : one.valid) EXPECT_TRUE(accepts(automaton, text(valid))) << one.format << valid;
    for (const std::string& invalid : one.invalid)
      EXPECT_FALSE(accepts(automaton, text(invalid))) << one.format << invalid;
  }
  EXPECT_TRUE(accepts(compile_schema(R"({"type":"string","format":"no-such"})"), "\"x\""));
}

TEST(Schema, WhatCannotBeFollowedIsRefusedByNameAndPlace) {
  for (const auto& [schema, expected] : std::vector<std::pair<const char*, const char*>>{
           {R"({"properties":{"a":{"not":{"type":"null"}}},"type":"object"})", "schema #/properties/a: not"},
           {R"({"if":{},"then":{}})", "schema #: if"},
           {R"({"items":{"uniqueItems":true}})", "schema #/items: uniqueItems"},
           {R"({"contains":{}})", "contains"},
           {R"({"dependentSchemas":{}})", "dependentSchemas"},
           {R"({"multipleOf":2})", "multipleOf"},
           {R"({"$dynamicRef":"#a"})", "$dynamicRef"},
           {R"({"unevaluatedItems":false})", "unevaluatedItems"},
           {R"({"oneOf":[{"type":"integer"},{"type":"number"}]})", "oneOf"},
           {R"({"$ref":"https://other.example/s"})", "$ref leads out"},
           {R"({"$ref":"#/$defs/none"})", "leads nowhere"},
           {R"({"pattern":"(?=a)b","type":"string"})", "schema #/pattern: the pattern"},
           {R"({"pattern":"(a)\\1","type":"string"})", "refers back"},
           {R"({"pattern":"\\bx","type":"string"})", "edge of a word"},
           {R"({"pattern":"[","type":"string"})", "lacks a ]"},
           {R"({"type":"text"})", "schema #: type"},
           {R"({"enum":1})", "enum must be a list"},
           {R"({"minLength":-1})", "minLength"},
           {R"({"minimum":"1"})", "minimum"},
           {R"({"properties":[]})", "properties must be an object"},
           {R"({"required":"a","type":"object"})", "required must be a list"},
           {R"({"anyOf":[]})", "anyOf must be a list"},
           {R"([1])", "a schema must be"},
           {"{", "no JSON"},
           {"false", "allows no value"}}) {
    const std::string said = schema_refusal(schema);
    EXPECT_NE(said.find(expected), std::string::npos) << schema << ": " << said;
  }
}

TEST(Schema, WhatNoValueFitsIsRefused) {
  for (const char* schema :
       {R"({"type":"integer","minimum":5,"maximum":4})", R"({"enum":[]})",
        R"({"allOf":[{"type":"null"},{"type":"string"}]})",
        R"({"type":"object","properties":{"x":{"$ref":"#"}},"required":["x"]})",
        R"({"type":"array","minItems":2,"maxItems":1})",
        R"({"type":"object","properties":{"a":false},"required":["a"]})", R"({"const":1,"type":"string"})",
        R"({"type":"integer","minimum":0.2,"maximum":0.8})", R"({"type":"string","pattern":"^a$","minLength":2})"})
    EXPECT_NE(schema_refusal(schema), "") << schema;
}

TEST(Schema, LenientlyWhatCannotBeFollowedIsLeftOutAndListed) {
  std::vector<std::string> ignored;
  const SchemaOptions options{.lenient = true, .closed = true, .ignored = &ignored};
  const Automaton automaton = compile_schema(
      R"({"$schema":"http://json-schema.org/draft-07/schema#","properties":{"a":{"type":"string","pattern":"(?=x)y"},
          "b":{"type":"array","items":{"type":"integer","maximum":9007199254740991},"uniqueItems":true},
          "c":{"oneOf":[{"type":"integer"},{"type":"number"}]},"d":{"$ref":"other.json"}},"required":["a"],"not":{}})",
      options);
  EXPECT_TRUE(accepts(automaton, R"({"a":"q","b":[1,1],"c":2.5,"d":[]})"));
  EXPECT_FALSE(accepts(automaton, R"({"b":[1,1]})"));
  EXPECT_FALSE(accepts(automaton, R"({"a":"q","other":1})"));
  EXPECT_FALSE(accepts(automaton, "1"));
  std::sort(ignored.begin(), ignored.end());
  EXPECT_EQ(ignored, (std::vector<std::string>{"#/not", "#/properties/a/pattern", "#/properties/b/uniqueItems",
                                               "#/properties/c/oneOf", "#/properties/d/$ref"}));
}

TEST(Schema, SpacesStandWhereTheOptionsSayAndNowhereElse) {
  const Automaton automaton =
      compile_schema(R"({"type":"object","properties":{"a":{"type":"array"},"b":{"const":[1,2]}},
      "required":["a","b"]})",
                     {.comma = ", ", .colon = ": "});
  EXPECT_TRUE(accepts(automaton, R"({"a": [1, {"x": 2}], "b": [1, 2]})"));
  EXPECT_FALSE(accepts(automaton, R"({"a":[1],"b":[1,2]})"));
}

TEST(Schema, OneOfIsFollowedWhereItsAlternativesCannotMeet) {
  for (
      const char* schema :
      {R"({"oneOf":[{"type":"null"},{"type":"string"}]})", R"({"oneOf":[{"const":1},{"const":2}]})",
       R"({"oneOf":[{"type":"string","maxLength":2},{"type":"string","minLength":3}]})",
       R"({"oneOf":[{"type":"string","pattern":"^a"},{"type":"string","format":"ipv4"}]})",
       R"({"oneOf":[{"type":"array","items":{"type":"null"},"minItems":1},{"type":"array","items":{"type":"string"},"minItems":1}]})",
       R"({"oneOf":[{"type":"object","required":["a"],"properties":{"a":{}}},{"type":"object","properties":{"b":{}},
            "additionalProperties":false}]})"})
    EXPECT_EQ(schema_refusal(schema), "") << schema;
  for (const char* schema : {R"({"oneOf":[{"type":"string"},{"maxLength":3}]})",
                             R"({"oneOf":[{"type":"array"},{"type":"array","minItems":1}]})",
                             R"({"oneOf":[{"required":["a"]},{"required":["b"]}],"type":"object"})"})
    EXPECT_NE(schema_refusal(schema), "") << schema;
}

TEST(Schema, ManyAlternativesAreToldApartByATag) {
  const auto alternative = [](const std::string& tag) {
    return R"({"type":"object","properties":{"kind":{"const":")" + tag +
           R"("},"size":{"type":"integer"}},"required":["kind"],"additionalProperties":false})";
  };
  std::string schema = R"({"oneOf":[)" + alternative("k0");
  for (int i = 1; i < 500; ++i) schema += "," + alternative("k" + std::to_string(i));
  const Automaton automaton = compile_schema(schema + "]}");
  EXPECT_TRUE(accepts(automaton, R"({"kind":"k499","size":3})"));
  EXPECT_FALSE(accepts(automaton, R"({"kind":"k500"})"));
  EXPECT_NE(schema_refusal(schema + "," + alternative("k7") + "]}").find("alternatives 7 and 500"), std::string::npos);
  std::string texts = R"({"oneOf":[{"const":"t0"})";
  for (int i = 1; i < 500; ++i) texts += R"(,{"const":"t)" + std::to_string(i) + R"("})";
  EXPECT_TRUE(accepts(compile_schema(texts + "]}"), R"("t499")"));
  EXPECT_NE(schema_refusal(texts + R"(,{"enum":["u","t3"]}]})").find("alternatives 3 and 500"), std::string::npos);
}

}  // namespace
}  // namespace hearth
