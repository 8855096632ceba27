// The report: counts, JSON and the page.
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "tools/conform/report.h"

namespace hearth {
namespace {

using conform::Outcome;
using conform::Record;

conform::Report small_report() {
  conform::Report report{.quick = true, .seed = 7, .seconds = 1.5, .devices = {}, .records = {}};
  report.devices = {{"cpu avx2", "2 threads", {}}, {"gpu <0>", "a & b \"c\"", {}}};
  const auto add = [&](const char* device, const char* op, const char* property, Outcome outcome, double share) {
    Record record{.device = device, .op = op, .property = property};
    record.format = "Q4_0";
    record.format_class = "blocks";
    record.cache = "-";
    record.precision = "int8";
    record.shape = "5x96";
    record.outcome = outcome;
    record.share = share;
    record.reason = "because";
    if (outcome != Outcome::passed) record.message = "<script>alert(1)</script> & more";
    report.records.push_back(record);
  };
  add("cpu avx2", "linear", "accuracy", Outcome::passed, 0.25);
  add("gpu <0>", "linear", "accuracy", Outcome::failed, std::numeric_limits<double>::infinity());
  add("cpu avx2", "linear", "accuracy", Outcome::passed, 0.5);
  add("cpu avx2", "linear", "repeat", Outcome::passed, 0);
  add("gpu <0>", "linear", "repeat", Outcome::skipped, 0);
  return report;
}

TEST(ConformReport, JsonCountsAndTellsEachCase) {
  const auto json = conform::json_of(small_report());
  EXPECT_EQ(json.at("passed"), 3);
  EXPECT_EQ(json.at("failed"), 1);
  EXPECT_EQ(json.at("skipped"), 1);
  EXPECT_EQ(json.at("devices").at(1).at("description"), "a & b \"c\"");
  EXPECT_EQ(json.at("devices").at(1).at("failed"), 1);
  ASSERT_EQ(json.at("cases").size(), 5u);
  const auto& failed = json.at("cases").at(1);
  for (const char* field : {"device", "op", "format", "shape", "error", "bound", "nmse", "reason", "outcome"})
    EXPECT_TRUE(failed.contains(field)) << field;
  EXPECT_EQ(failed.at("outcome"), "failed");
  EXPECT_TRUE(failed.at("share").is_null()) << "infinity is no number of JSON";
  EXPECT_NO_THROW(json.dump());
}

TEST(ConformReport, TheTableHasARowForEachOpAndPropertyAndFailuresInFull) {
  std::ostringstream out;
  conform::print_report(small_report(), out);
  const std::string text = out.str();
  EXPECT_NE(text.find("linear      blocks   2 ok, 0.50"), text.npos) << text;
  EXPECT_NE(text.find("1 of 1 FAILED"), text.npos) << text;
  EXPECT_NE(text.find("FAILED gpu <0>: linear Q4_0 5x96: accuracy"), text.npos) << text;
  EXPECT_NE(text.find("skipped 1 on gpu <0>"), text.npos) << text;
  EXPECT_NE(text.find("3 passed, 1 failed, 1 skipped"), text.npos) << text;
}

TEST(ConformReport, ThePageEscapesWhatDevicesSayAndNamesNothingElsewhere) {
  const std::string page = conform::page_of(small_report());
  EXPECT_EQ(page.find("<script"), page.npos);
  EXPECT_NE(page.find("&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"), page.npos);
  EXPECT_NE(page.find("gpu &lt;0&gt;"), page.npos);
  EXPECT_NE(page.find("a &amp; b &quot;c&quot;"), page.npos);
  for (const char* outside : {"http:", "https:", "src=", "href=", "@import", "url("})
    EXPECT_EQ(page.find(outside), page.npos) << outside;
  EXPECT_NE(page.find("default-src 'none'"), page.npos);
  for (const char* tag : {"table", "tbody", "tr", "td", "div", "details", "p", "main", "b", "small", "span"}) {
    const auto count = [&](const std::string& text) {
      size_t found = 0;
      for (size_t at = page.find(text); at != page.npos; at = page.find(text, at + 1)) ++found;
      return found;
    };
    EXPECT_EQ(count("<" + std::string(tag) + " ") + count("<" + std::string(tag) + ">"),
              count("</" + std::string(tag) + ">"))
        << tag;
  }
}

}  // namespace
}  // namespace hearth
