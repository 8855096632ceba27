// Names, ranges, entries and what else of fetching needs no network.
#include <gtest/gtest.h>

#include "hearth/hearth.h"
#include "tools/fetch/progress.h"
#include "tools/fetch/url.h"
#include "tools/store/entry.h"
#include "tools/store/model_name.h"
#include "tools/store/ranges.h"
#include "tools/store/size_text.h"

namespace hearth {
namespace {

const std::string kDigits(64, 'a');

std::string named(const std::string& text) {
  const auto name = store::parse_model_name(text);
  return name ? store::store_name(*name) : "a path";
}

std::string refused(const std::string& text) {
  try {
    return "taken as " + named(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
}

TEST(ModelName, EveryWayToWriteAModelGivesOneName) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"llama3.1", "llama3.1:latest"},
      {"qwen2.5-coder:0.5b", "qwen2.5-coder:0.5b"},
      {"library/llama3.1:8b", "llama3.1:8b"},
      {"registry.ollama.ai/library/llama3.1:8b", "llama3.1:8b"},
      {"https://registry.ollama.ai/library/llama3.1:8b", "llama3.1:8b"},
      {"ada/tiny", "ada/tiny:latest"},
      {"models.example.org/ada/tiny:q4", "models.example.org/ada/tiny:q4"},
      {"http://localhost:5000/ada/tiny:q4", "localhost:5000/ada/tiny:q4"},
      {"localhost:5000/tiny", "localhost:5000/library/tiny:latest"},
      {"hf.co/Owner/Repo-GGUF", "hf.co/Owner/Repo-GGUF"},
      {"HF.co/Owner/Repo-GGUF:q4_k_m", "hf.co/Owner/Repo-GGUF:Q4_K_M"},
      {"https://huggingface.co/Owner/Repo-GGUF", "hf.co/Owner/Repo-GGUF"},
      {"huggingface.co/Owner/Repo@v2:Q8_0", "hf.co/Owner/Repo@v2:Q8_0"},
      {"https://huggingface.co/o/r/resolve/main/a/b-Q4_0.gguf?download=true", "hf.co/o/r/a/b-Q4_0.gguf"},
      {"https://huggingface.co/o/r/blob/v2/b.gguf", "hf.co/o/r@v2/b.gguf"},
      {"hf.co/o/r@v2/b.gguf", "hf.co/o/r@v2/b.gguf"},
      {"hf.co/o/r/a (1).gguf", "hf.co/o/r/a (1).gguf"},
      {"registry.ollama.ai/localhost/a:b", "registry.ollama.ai/localhost/a:b"},
      {"https://example.org/b.gguf", "https://example.org/b.gguf"},
      {"https://example.org/b.gguf#sha256=" + kDigits, "https://example.org/b.gguf"},
  };
  for (const auto& [text, name] : cases) {
    EXPECT_EQ(named(text), name);
    EXPECT_EQ(named(name), name) << "a name is its own name";
  }
}

TEST(ModelName, WhatCanOnlyBeAPathIsNeverAName) {
  for (const char* text : {"", "modle.gguf", "models/a.GGUF", "/llama3", "./llama3", "../llama3", ".hidden", "a.bin",
                           "weights.safetensors", "two words", "a/b/c/d", "a//b", "a:b:c/", "-x", "k\xc3\xa4se"})
    EXPECT_EQ(named(text), "a path") << text;
}

TEST(ModelName, AddressesThatAreNoneAreRefusedInOneLine) {
  for (const std::string text :
       {"hf.co/owner", "hf.co/owner/..", "hf.co/o/r/readme.md", "hf.co/o/r:", "hf.co/o/r/../b.gguf",
        "hf.co/o/r/tree/main/tree/b/c.gguf", "hf.co/o/-r", "https://", "https://user:key@example.org/a.gguf",
        "https://example.org", "https://exam ple.org/a", "https://example.org/a.gguf#sha256=12",
        "https://example.org/a.gguf#part", "http://[::1/a"}) {
    const std::string error = refused(text);
    EXPECT_NE(error.find(text), error.npos) << error;
    EXPECT_EQ(error.find("taken as"), error.npos) << error;
    EXPECT_EQ(error.find('\n'), error.npos) << error;
  }
}

TEST(Url, OriginsTellWhoMayBeToldAToken) {
  EXPECT_EQ(fetch::origin_of("https://Example.org/a"), "https://example.org:443");
  EXPECT_EQ(fetch::origin_of("http://example.org:443/a"), "http://example.org:443");
  EXPECT_EQ(fetch::origin_of("https://example.org@evil.org/"), "https://evil.org:443");
  EXPECT_EQ(fetch::origin_of("http://[::1]/"), "http://[::1]:80");
  EXPECT_EQ(fetch::origin_of("example.org"), "");
  EXPECT_THROW(fetch::require_allowed("http://127.example.org/", false), Error);
  EXPECT_THROW(fetch::require_allowed("ftp://example.org/", true), Error);
  EXPECT_THROW(fetch::require_allowed("file:///etc/passwd", true), Error);
  for (const char* url : {"https://example.org/", "http://127.0.0.1:80/", "http://localhost/", "http://[::1]:80/"})
    EXPECT_NO_THROW(fetch::require_allowed(url, false)) << url;
  EXPECT_NO_THROW(fetch::require_allowed("http://example.org/", true));
  EXPECT_EQ(fetch::shown_url("https://cdn.org/a?signature=secret#x"), "https://cdn.org/a");
  EXPECT_EQ(fetch::escape_path("a b/c#?.gguf"), "a%20b/c%23%3F.gguf");
  EXPECT_EQ(fetch::next_link("<https://h/1>; rel=\"first\", <https://h/2?a=b,c>; rel=\"next\""), "https://h/2?a=b,c");
  EXPECT_EQ(fetch::next_link("<https://h/1"), "");
}

TEST(Ranges, GrowTogetherAndTellWhatIsMissing) {
  store::RangeSet set;
  set.add({10, 20});
  set.add({30, 40});
  set.add({5, 5});
  EXPECT_EQ(set.missing(50), (std::vector<store::Range>{{0, 10}, {20, 30}, {40, 50}}));
  EXPECT_EQ(set.missing(35), (std::vector<store::Range>{{0, 10}, {20, 30}}));
  EXPECT_EQ(set.first_missing({12, 35}), (store::Range{20, 30}));
  EXPECT_EQ(set.first_missing({12, 18}), std::nullopt);
  EXPECT_EQ(set.first_missing({35, 60}), (store::Range{40, 60}));
  EXPECT_EQ(to_text(set), "10-20 30-40");
  EXPECT_EQ(store::read_ranges("10-20 30-40", 40)->ranges(), set.ranges());
  set.add({20, 30});
  EXPECT_EQ(set.ranges(), (std::vector<store::Range>{{10, 40}}));
  set.add({0, 100});
  EXPECT_EQ(set.bytes(), 100u);
  EXPECT_EQ(set.missing(100).size(), 0u);
  for (const char* text :
       {"10-20 30-41", "10", "10-", "-20", "20-10", "1-2,3-4", "1-2  3-4", "1-2x", "1-99999999999999999999"})
    EXPECT_EQ(store::read_ranges(text, 40), std::nullopt) << text;
}

TEST(Ranges, PiecesCoverWhatTheyAreCutFrom) {
  for (const uint64_t piece : {1, 7, 64, 1000}) {
    store::RangeSet set;
    for (const store::Range& one : store::cut_into_pieces({{0, 100}, {200, 201}, {300, 450}}, piece)) {
      EXPECT_LT(one.size(), 2 * piece);
      EXPECT_EQ(set.first_missing(one), one) << "no byte twice";
      set.add(one);
    }
    EXPECT_EQ(to_text(set), "0-100 200-201 300-450");
  }
}

TEST(Entry, IsReadAsItWasWrittenAndRefusedOtherwise) {
  store::Entry entry;
  entry.name = "tiny:q4";
  entry.origin = "https://example.org/v2";
  entry.files = {{"tiny", kDigits, 12}};
  entry.papers = {{"license", kDigits, 3}};
  entry.vouched = true;
  entry.quantization = "Q4_0";
  const std::string json = to_json(entry);
  const store::Entry read = store::read_entry(json, "x.json");
  EXPECT_EQ(to_json(read), json);
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = json;
    text.replace(text.find(from), from.size(), to);
    try {
      store::read_entry(text, "x.json");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("taken");
  };
  EXPECT_NE(changed("\"version\": 1", "\"version\": 2").find("x.json: is of another version"), std::string::npos);
  EXPECT_NE(changed(kDigits, "../../etc/passwd").find("'sha256'"), std::string::npos);
  EXPECT_NE(changed("12", "-12").find("'size'"), std::string::npos);
  EXPECT_NE(changed("12", "1e99").find("'size'"), std::string::npos);
  EXPECT_NE(changed("true", "1").find("'vouched'"), std::string::npos);
  EXPECT_NE(changed("\"files\"", "\"fils\"").find("'files'"), std::string::npos);
  EXPECT_NE(changed("{", "[").find("no JSON object"), std::string::npos);
}

TEST(Progress, TellsRateAndTimeLeft) {
  fetch::RateMeter meter;
  const auto start = std::chrono::steady_clock::time_point();
  meter.add(start, 0);
  EXPECT_EQ(meter.rate(), std::nullopt);
  for (int second = 1; second <= 30; ++second)
    meter.add(start + std::chrono::seconds(second), static_cast<uint64_t>(second < 15 ? second : 15) * (1 << 20));
  EXPECT_NEAR(meter.rate().value_or(1), 0, 1) << "only the last seconds count";
  EXPECT_EQ(fetch::progress_line(100 << 20, 400 << 20, 10 << 20, 79),
            " 25 %  100.0 MiB of 400.0 MiB  10.0 MiB/s  30 s left");
  EXPECT_EQ(fetch::progress_line(100 << 20, 400 << 20, 10 << 20, 90),
            "[######..................]  25 %  100.0 MiB of 400.0 MiB  10.0 MiB/s  30 s left");
  EXPECT_EQ(fetch::progress_line(7, 7, std::nullopt, 10), "100 %");
  EXPECT_EQ(fetch::time_text(125), "2 min 5 s");
  EXPECT_EQ(fetch::time_text(4800), "1 h 20 min");
  EXPECT_EQ(fetch::time_text(1e9), "more than a day");
  EXPECT_EQ(store::size_text(1023), "1023 bytes");
  EXPECT_EQ(store::size_text((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(store::size_text(UINT64_MAX), "16.0 EiB");
}

}  // namespace
}  // namespace hearth
