// Stop texts are found wherever the pieces are cut, and nothing else is lost.
#include "engine/decode/stop_filter.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

std::string filtered(const std::vector<std::string>& stops, std::string_view text, size_t piece) {
  StopFilter filter(stops);
  std::string out;
  for (size_t i = 0; i < text.size(); i += piece) out += filter.push(text.substr(i, piece));
  return filter.stopped() ? out : out + filter.finish();
}

TEST(StopFilter, FindsTheFirstStopInPiecesOfAnySize) {
  for (size_t piece = 1; piece < 12; ++piece) {
    EXPECT_EQ(filtered({"END"}, "one ENDtwo", piece), "one ");
    EXPECT_EQ(filtered({"two", "END"}, "one EEND two", piece), "one E");
    EXPECT_EQ(filtered({"END"}, "one EN", piece), "one EN");
    EXPECT_EQ(filtered({}, "one END", piece), "one END");
    EXPECT_EQ(filtered({"", "aab"}, "aaab", piece), "a");
  }
}

TEST(StopFilter, HoldsBackNoMoreThanMayBeAStop) {
  StopFilter filter({"\n\nUser:"});
  EXPECT_EQ(filter.push("text\n"), "text");
  EXPECT_EQ(filter.push("more"), "\nmore");
}

}  // namespace
}  // namespace hearth
