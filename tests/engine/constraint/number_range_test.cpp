// Bounds of numbers, each against plain comparison.
#include <gtest/gtest.h>

#include "tests/engine/constraint/constraint_tests.h"

namespace hearth {
namespace {

TEST(NumberRange, IntegersAreExactlyThoseBetweenTheBounds) {
  const std::vector<int> bounds = {-1005, -100, -99, -21, -10, -9, -1, 0, 1, 5, 9, 10, 19, 99, 100, 101, 990, 1001};
  for (const int low : bounds)
    for (const int high : bounds) {
      if (high < low) continue;
      const Automaton automaton = compile_schema("{\"type\":\"integer\",\"minimum\":" + std::to_string(low) +
                                                 ",\"maximum\":" + std::to_string(high) + "}");
      for (int value = -1100; value <= 1100; value += (value < -30 || value > 130) && value % 10 == 3 ? 6 : 1)
        ASSERT_EQ(accepts(automaton, std::to_string(value)), low <= value && value <= high)
            << value << " in " << low << ".." << high;
    }
}

TEST(NumberRange, DecimalsAreExactlyThoseBetweenTheBounds) {
  const std::vector<std::string> bounds = {"-12.5", "-1", "-0.25", "0", "0.05", "0.3", "1", "1.001", "9.99", "10"};
  std::vector<std::string> texts;
  for (const char* sign : {"", "-"})
    for (const char* whole : {"0", "1", "9", "10", "12", "13"})
      for (const char* fraction :
           {"", ".0", ".05", ".050", ".25", ".3", ".30", ".001", ".0011", ".5", ".50001", ".98", ".99", ".991"})
        texts.push_back(std::string(sign) + whole + fraction);
  for (const std::string& low : bounds)
    for (const std::string& high : bounds) {
      if (std::stod(high) < std::stod(low)) continue;
      for (const bool exclusive : {false, true}) {
        if (exclusive && low == high) continue;
        const Automaton automaton =
            compile_schema(std::string("{\"type\":\"number\",\"") + (exclusive ? "exclusiveMinimum" : "minimum") +
                           "\":" + low + ",\"" + (exclusive ? "exclusiveMaximum" : "maximum") + "\":" + high + "}");
        for (const std::string& text : texts) {
          const double value = std::stod(text);
          const bool fits = exclusive ? std::stod(low) < value && value < std::stod(high)
                                      : std::stod(low) <= value && value <= std::stod(high);
          const bool negative_zero = value == 0 && text[0] == '-';
          if (!negative_zero)
            ASSERT_EQ(accepts(automaton, text), fits) << text << " in " << low << ".." << high << exclusive;
        }
      }
    }
}

TEST(NumberRange, LargeAndSmallBoundsAreKept) {
  const Automaton wide = compile_schema(R"({"type":"integer","minimum":-9007199254740991,"maximum":9007199254740991})");
  EXPECT_TRUE(accepts(wide, "9007199254740991"));
  EXPECT_TRUE(accepts(wide, "-9007199254740991"));
  EXPECT_FALSE(accepts(wide, "9007199254740992"));
  EXPECT_FALSE(accepts(wide, "90071992547409910"));
  const Automaton tiny = compile_schema(R"({"type":"number","exclusiveMinimum":0,"maximum":1e-7})");
  EXPECT_TRUE(accepts(tiny, "0.0000001"));
  EXPECT_FALSE(accepts(tiny, "0.0000002"));
  EXPECT_FALSE(accepts(tiny, "0"));
  const Automaton endless = compile_schema(R"({"type":"number","maximum":1e300})");
  EXPECT_TRUE(accepts(endless, "123456789012345678.5"));
  EXPECT_TRUE(accepts(endless, "-3"));
  EXPECT_NE(schema_refusal(R"({"type":"number","minimum":1e300})"), "");
  EXPECT_EQ(schema_refusal(R"({"type":"integer","minimum":-9223372036854775808,"maximum":9223372036854775807})"), "");
}

TEST(NumberRange, WithoutBoundsExponentsStayWithinADouble) {
  const Automaton number = compile_schema(R"({"type":"number"})");
  EXPECT_TRUE(accepts(number, "1e289"));
  EXPECT_TRUE(accepts(number, "-6.02E+23"));
  EXPECT_FALSE(accepts(number, "1e999"));
  EXPECT_FALSE(accepts(number, "1e"));
  EXPECT_FALSE(accepts(number, "+1"));
}

}  // namespace
}  // namespace hearth
