// Files of a cache: what is written is read, and nothing else is believed.
#include "engine/decode/cache_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <set>

#include "tests/formats/gguf_bytes.h"

namespace hearth {
namespace {

CacheIdentity identity() {
  return {.model = 0x1234,
          .angles = 0x5678,
          .name = "a model",
          .kv_type = KvType::f16,
          .layers = 2,
          .key_width = 3,
          .value_width = 1,
          .vocabulary = 50,
          .page_size = 4,
          .position_bytes = 16,
          .arithmetic = ""};
}

std::vector<std::byte> content(size_t positions, uint8_t first) {
  std::vector<std::byte> bytes(positions * 16);
  for (std::byte& byte : bytes) byte = std::byte{first++};
  return bytes;
}

// Two pages of one text, the second not full, and one of another.
CacheContent write_sample(const std::filesystem::path& path, const CacheIdentity& as = identity()) {
  CacheFileWriter writer(path, as);
  writer.add(kNoParent, std::vector<int32_t>{1, 2, 3, 4}, content(4, 0));
  writer.add(0, std::vector<int32_t>{5, 6}, content(2, 64));
  writer.add(kNoParent, std::vector<int32_t>{49}, content(1, 99));
  return writer.finish();
}

CacheBytes bytes_of(const std::string& text) {
  return {.name = "sample", .size = text.size(), .read = [&text](uint64_t at, std::span<std::byte> to) {
            ASSERT_LE(at + to.size(), text.size());
            std::memcpy(to.data(), text.data() + at, to.size());
          }};
}

// One line that names the file; empty where it is read.
std::string refusal(const std::string& text, ErrorCode code, const CacheIdentity& expected = identity()) {
  try {
    CacheFile(bytes_of(text), expected, 100);
  } catch (const Error& error) {
    const std::string line = error.what();
    EXPECT_EQ(error.code(), code) << line;
    EXPECT_TRUE(line.starts_with("sample: ")) << line;
    EXPECT_EQ(line.find('\n'), line.npos) << line;
    return line;
  }
  return "";
}

class CacheFileTest : public testing::Test {
 protected:
  void SetUp() override {
    written_ = write_sample(path_);
    sample_ = text_of_file(path_);
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "cache";
  CacheContent written_;
  std::string sample_;
};

TEST_F(CacheFileTest, GivesWhatWasPut) {
  EXPECT_EQ(written_.tokens, 7u);
  EXPECT_EQ(written_.bytes, sample_.size());
  const CacheFile file(open_cache_bytes(path_), identity(), 100);
  ASSERT_EQ(file.pages().size(), 3u);
  EXPECT_EQ(file.content().tokens, 7u);
  std::vector<std::byte> buffer;
  const std::vector<int32_t> tokens[] = {{1, 2, 3, 4}, {5, 6}, {49}};
  const uint32_t parents[] = {kNoParent, 0, kNoParent};
  const uint8_t firsts[] = {0, 64, 99};
  for (size_t i = 3; i-- > 0;) {
    EXPECT_EQ(file.pages()[i].parent, parents[i]);
    EXPECT_EQ(file.pages()[i].tokens, tokens[i]);
    const auto bytes = file.read(file.pages()[i], buffer);
    EXPECT_EQ(std::vector(bytes.begin(), bytes.end()), content(tokens[i].size(), firsts[i]));
  }
}

TEST_F(CacheFileTest, KeepsNoMorePagesThanThereIsRoomFor) {
  const CacheFile file(bytes_of(sample_), identity(), 2);
  EXPECT_EQ(file.pages().size(), 2u);
  EXPECT_EQ(file.content().tokens, 7u);
}

TEST_F(CacheFileTest, CutAnywhereItIsRefused) {
  for (size_t size = 0; size < sample_.size(); ++size)
    EXPECT_NE(refusal(sample_.substr(0, size), size == 0 ? ErrorCode::other_cache : ErrorCode::bad_cache), "")
        << "cut at " << size;
  EXPECT_NE(refusal(sample_ + '\0', ErrorCode::bad_cache).find("1 bytes behind the last section"), std::string::npos);
}

TEST_F(CacheFileTest, WithAnyBitFlippedItIsRefused) {
  for (size_t bit = 0; bit < sample_.size() * 8; ++bit) {
    std::string text = sample_;
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
    // What names the format and its version cannot be told from another one.
    EXPECT_NE(refusal(text, bit < 12 * 8 ? ErrorCode::other_cache : ErrorCode::bad_cache), "") << "bit " << bit;
  }
}

TEST_F(CacheFileTest, OtherFilesAreRefused) {
  for (const std::string text : {"", "x", "GGUF\3", "a text that is longer than the header of such a file"})
    EXPECT_EQ(refusal(text, ErrorCode::other_cache), "sample: is no cache that Hearth wrote");
  std::string later = sample_;
  later[8] = 2;
  EXPECT_EQ(refusal(later, ErrorCode::other_cache),
            "sample: the file's version is 2, but this Hearth reads 1 at byte 8");
  EXPECT_THROW(open_cache_bytes(folder_.path()), FileError);
  EXPECT_THROW(open_cache_bytes(folder_.path() / "absent"), FileError);
}

TEST_F(CacheFileTest, WhatItDependsOnMustBeTheSame) {
  const auto other = [&](const std::function<void(CacheIdentity&)>& change, const std::string& what) {
    CacheIdentity expected = identity();
    change(expected);
    const std::string line = refusal(sample_, ErrorCode::other_cache, expected);
    EXPECT_NE(line.find(what), line.npos) << line;
  };
  other([](CacheIdentity& one) { one.model = 1, one.name = "b\n"; },
        "was saved with another model (\"a model\"), but here is \"b\\x0a\"");
  other([](CacheIdentity& one) { one.kv_type = KvType::q8_0; },
        "a cache of the type f16, but here is one of the type q8_0");
  other([](CacheIdentity& one) { one.angles = 1; }, "another scaling of positions");
  other([](CacheIdentity& one) { one.layers = 3; }, "2 layers");
  other([](CacheIdentity& one) { one.key_width = 4; }, "3 values of a key");
  other([](CacheIdentity& one) { one.value_width = 0; }, "1 numbers of a value");
  other([](CacheIdentity& one) { one.vocabulary = 51; }, "50 tokens of a vocabulary");
  other([](CacheIdentity& one) { one.page_size = 8; }, "4 tokens of a page");
  other([](CacheIdentity& one) { one.position_bytes = 8; }, "16 bytes of a position");
  other([](CacheIdentity& one) { one.arithmetic = "cpu avx2"; }, "depend on what else was decoded");
}

TEST_F(CacheFileTest, ExactResultsServeOthersToo) {
  CacheIdentity exact = identity(), elsewhere = identity();
  exact.arithmetic = "cpu avx2";
  elsewhere.arithmetic = "reference";
  write_sample(path_, exact);
  const std::string text = text_of_file(path_);
  EXPECT_EQ(refusal(text, ErrorCode::bad_cache, exact), "");
  EXPECT_EQ(refusal(text, ErrorCode::bad_cache, identity()), "");
  EXPECT_NE(refusal(text, ErrorCode::other_cache, elsewhere).find("the arithmetic of \"cpu avx2\""), std::string::npos);
}

// Sections with checksums as they should be, whatever is in them.
class Sections {
 public:
  explicit Sections(const std::string& sample) : text(sample.substr(0, 16)) {
    seal(0, text);
    // The one that names the model.
    uint64_t length;
    std::memcpy(&length, sample.data() + 24, sizeof length);
    add(1, sample.substr(32, length));
  }
  void add(uint32_t type, const std::string& payload) {
    GgufBytes section;
    section.put(type).put(uint32_t{0}).put(uint64_t{payload.size()}).text += payload;
    seal(before_, section.text);
    text += section.put(before_).text;
  }
  void add_page(uint32_t parent, uint32_t adapter, uint32_t count, const std::vector<int32_t>& tokens,
                size_t positions) {
    GgufBytes page;
    page.put(parent).put(adapter).put(count);
    for (const int32_t token : tokens) page.put(token);
    page.text.append(positions * 16, 'x');
    add(2, page.text);
  }
  void add_end(uint64_t pages, uint64_t tokens) { add(3, GgufBytes().put(pages).put(tokens).text); }

  std::string text;

 private:
  void seal(uint64_t before, const std::string& bytes) {
    Checksum checksum(before);
    checksum.add(std::as_bytes(std::span(bytes)));
    before_ = checksum.value();
  }
  uint64_t before_ = 0;
};

TEST_F(CacheFileTest, WholeSectionsThatMakeNoSenseAreRefused) {
  const auto refused = [&](const std::function<void(Sections&)>& fill, const std::string& what) {
    Sections file(sample_);
    fill(file);
    const std::string line = refusal(file.text, ErrorCode::bad_cache);
    EXPECT_NE(line.find(what), line.npos) << line << " instead of " << what;
  };
  Sections good(sample_);
  good.add_page(kNoParent, 0, 4, {1, 2, 3, 4}, 4);
  good.add_page(0, 0, 1, {1}, 1);
  good.add_end(2, 5);
  EXPECT_EQ(refusal(good.text, ErrorCode::bad_cache), "");

  refused([](Sections& f) { f.add_page(0, 0, 1, {1}, 1); }, "page 0: its parent is not a full page before it");
  refused(
      [](Sections& f) {
        f.add_page(kNoParent, 0, 1, {1}, 1);
        f.add_page(0, 0, 1, {1}, 1);
      },
      "page 1: its parent is not a full page before it");
  refused([](Sections& f) { f.add_page(kNoParent, 7, 1, {1}, 1); }, "its setting of adapters is not before it");
  refused([](Sections& f) { f.add_page(kNoParent, 0, 0, {}, 0); }, "no tokens, or too many");
  refused([](Sections& f) { f.add_page(kNoParent, 0, 5, {1, 2, 3, 4}, 4); }, "no tokens, or too many");
  refused([](Sections& f) { f.add_page(kNoParent, 0, UINT32_MAX, {1}, 1); }, "no tokens, or too many");
  refused([](Sections& f) { f.add_page(kNoParent, 0, 2, {1, 2}, 1); }, "its size is not that of its tokens");
  refused([](Sections& f) { f.add_page(kNoParent, 0, 1, {50}, 1); }, "a token is not in the vocabulary");
  refused([](Sections& f) { f.add_page(kNoParent, 0, 1, {-1}, 1); }, "a token is not in the vocabulary");
  refused([](Sections& f) { f.add_page(kNoParent, 0, 5, {1, 2, 3, 4, 5}, 5); }, "is past the ");
  refused([](Sections& f) { f.add(2, "short"); }, "a page's setting");
  refused([](Sections& f) { f.add(9, "from later"); }, "a section is of the type 9, which this Hearth does not know");
  refused([](Sections& f) { f.add_end(1, 0); }, "counts other pages");
  refused([](Sections& f) { f.add(3, std::string(24, '\0')); }, "counts other pages");
  refused([](Sections& f) { f.add(1, "again"); }, "a section is of the type 1");
}

TEST_F(CacheFileTest, StatesFollowThePages) {
  CacheIdentity with_states = identity();
  with_states.state_values = 3;
  {
    CacheFileWriter writer(path_, with_states);
    writer.add(kNoParent, std::vector<int32_t>{1, 2, 3, 4}, content(4, 0));
    writer.add_state(std::vector<int32_t>{1, 2, 3}, std::vector<float>{1, 2, 3});
    writer.add_state(std::vector<int32_t>{1, 2}, std::vector<float>{4, 5, 6});
    writer.finish();
  }
  const std::string text = text_of_file(path_);
  const CacheFile file(bytes_of(text), with_states, 100, 100);
  ASSERT_EQ(file.states().size(), 2u);
  EXPECT_EQ(file.states()[0].tokens, (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(file.read(file.states()[0]), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(file.read(file.states()[1]), (std::vector<float>{4, 5, 6}));
  EXPECT_EQ(CacheFile(bytes_of(text), with_states, 100, 1).states().size(), 1u);
  EXPECT_NE(refusal(text, ErrorCode::bad_cache).find("type 4, which this Hearth does not know"), std::string::npos);
  for (size_t size = 1; size < text.size(); ++size)
    EXPECT_NE(refusal(text.substr(0, size), ErrorCode::bad_cache, with_states), "") << size;
  for (size_t at = 0; at < text.size(); ++at) {
    std::string damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_THROW(CacheFile(bytes_of(damaged), with_states, 100, 100), Error) << at;
  }

  const auto refused = [&](uint32_t count, const std::vector<int32_t>& tokens, size_t values, const std::string& what) {
    Sections sections(text);
    sections.add_page(kNoParent, 0, 4, {1, 2, 3, 4}, 4);
    std::string state(reinterpret_cast<const char*>(&count), sizeof count);
    state.append(reinterpret_cast<const char*>(tokens.data()), tokens.size() * sizeof(int32_t));
    sections.add(4, state + std::string(values * sizeof(float), '\0'));
    sections.add_end(1, 4);
    const std::string line = refusal(sections.text, ErrorCode::bad_cache, with_states);
    EXPECT_NE(line.find(what), line.npos) << line << " instead of " << what;
  };
  refused(2, {1, 2}, 3, "");
  refused(0, {}, 3, "no tokens, or more than all pages");
  refused(5, {1, 2, 3, 4}, 3, "no tokens, or more than all pages");
  refused(2, {1, 2}, 2, "its size is not that of its tokens and values");
  refused(2, {1, 50}, 3, "a token is not in the vocabulary");
  refused(2, {1, 2}, 90, "is past the");
}

TEST_F(CacheFileTest, PagesSayWhichAdaptersTheyAreOf) {
  CacheIdentity both = identity();
  both.adapters = {7, 9};
  {
    CacheFileWriter writer(path_, both);
    writer.add(kNoParent, std::vector<int32_t>{1, 2, 3, 4}, content(4, 0), {0, 0.5f});
    writer.add(kNoParent, std::vector<int32_t>{1, 2, 3, 4}, content(4, 0));
    writer.add(0, std::vector<int32_t>{5}, content(1, 0), {0, 0.5f});
    writer.add(1, std::vector<int32_t>{6}, content(1, 0));
    writer.add(kNoParent, std::vector<int32_t>{7}, content(1, 0), {2, 0.5f});
    EXPECT_EQ(writer.finish().tokens, 11u);
  }
  const std::string text = text_of_file(path_);
  const auto read = [&](const std::vector<uint64_t>& adapters) {
    CacheIdentity expected = identity();
    expected.adapters = adapters;
    return CacheFile(bytes_of(text), expected, 100).pages();
  };
  using Setting = std::vector<float>;
  auto pages = read({7, 9});
  ASSERT_EQ(pages.size(), 5u);
  EXPECT_EQ(pages[2].setting, (Setting{0, 0.5f}));
  EXPECT_EQ(pages[3].setting, Setting{});
  EXPECT_EQ(pages[4].setting, (Setting{2, 0.5f}));
  pages = read({9, 1, 7});
  ASSERT_EQ(pages.size(), 5u);
  EXPECT_EQ(pages[4].setting, (Setting{0.5f, 0, 2}));
  // Those of adapters that are not here are left out, and those behind them go by other numbers.
  pages = read({9});
  ASSERT_EQ(pages.size(), 4u);
  EXPECT_EQ(pages[2].parent, 0u);
  pages = read({});
  ASSERT_EQ(pages.size(), 2u);
  EXPECT_EQ(pages[1].parent, 0u);
  EXPECT_EQ(pages[1].tokens, std::vector<int32_t>{6});

  const auto refused = [&](const std::function<void(Sections&)>& fill, const std::string& what) {
    Sections file(sample_);
    fill(file);
    const std::string line = refusal(file.text, ErrorCode::bad_cache);
    EXPECT_NE(line.find(what), line.npos) << line << " instead of " << what;
  };
  const auto setting = [](uint32_t count, float scale) {
    return GgufBytes().put(count).put(uint64_t{7}).put(scale).text;
  };
  refused([&](Sections& f) { f.add(5, setting(2, 1)); }, "makes no sense");
  refused([&](Sections& f) { f.add(5, setting(0, 1)); }, "makes no sense");
  refused([&](Sections& f) { f.add(5, setting(1, 0)); }, "makes no sense");
  refused([&](Sections& f) { f.add(5, setting(1, INFINITY)); }, "makes no sense");
  refused(
      [&](Sections& f) {
        f.add(5, setting(1, 1));
        f.add_page(kNoParent, 0, 4, {1, 2, 3, 4}, 4);
        f.add_page(0, 1, 1, {1}, 1);
      },
      "its setting of adapters is not its parent's");
}

TEST_F(CacheFileTest, AFileThatChangesWhileItIsReadIsNoticed) {
  std::string text = sample_;
  const CacheFile file(bytes_of(text), identity(), 100);
  text[file.pages()[1].at + 40] ^= 1;
  std::vector<std::byte> buffer;
  EXPECT_NO_THROW(static_cast<void>(file.read(file.pages()[0], buffer)));
  try {
    static_cast<void>(file.read(file.pages()[1], buffer));
    FAIL() << "was not noticed";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("was changed while it was read"), std::string::npos) << error.what();
  }
}

TEST_F(CacheFileTest, AnAbandonedOneLeavesWhatWasThere) {
  {
    CacheFileWriter writer(path_, identity());
    writer.add(kNoParent, std::vector<int32_t>{9}, content(1, 0));
  }
  EXPECT_EQ(text_of_file(path_), sample_);
  EXPECT_FALSE(std::filesystem::exists(path_.native() + ".partial"));
}

TEST_F(CacheFileTest, TwoAtOnceDoNotMix) {
  CacheFileWriter first(path_, identity());
  EXPECT_THROW(CacheFileWriter(path_, identity()), Error);
  first.add(kNoParent, std::vector<int32_t>{9}, content(1, 0));
  first.finish();
  EXPECT_EQ(CacheFile(open_cache_bytes(path_), identity(), 9).content().tokens, 1u);
  EXPECT_NO_THROW(write_sample(path_));
}

TEST(Checksum, DependsOnBytesAndOrderAndNotOnHowTheyAreCut) {
  std::vector<std::byte> bytes(100);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
  const auto sum = [](std::span<const std::byte> all, size_t step, uint64_t beginning = 0) {
    Checksum checksum(beginning);
    for (size_t at = 0; at < all.size(); at += step) checksum.add(all.subspan(at, std::min(step, all.size() - at)));
    return checksum.value();
  };
  const uint64_t whole = sum(bytes, 100);
  for (size_t step = 1; step < 100; ++step) EXPECT_EQ(sum(bytes, step), whole) << step;
  EXPECT_NE(sum(bytes, 100, 1), whole);
  std::set<uint64_t> different = {whole};
  for (size_t size = 0; size < 100; ++size) different.insert(sum(std::span(bytes).first(size), 100));
  for (size_t i = 0; i < 100; ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::vector<std::byte> changed = bytes;
      changed[i] ^= static_cast<std::byte>(1 << bit);
      different.insert(sum(changed, 100));
    }
  for (size_t i = 0; i + 1 < 100; ++i) {
    std::vector<std::byte> swapped = bytes;
    std::swap(swapped[i], swapped[i + 1]);
    different.insert(sum(swapped, 100));
  }
  EXPECT_EQ(different.size(), 1u + 100 + 800 + 99);
  EXPECT_EQ(sum(std::vector<std::byte>(8), 8) == sum(std::vector<std::byte>(40), 40), false) << "zeros count";
}

}  // namespace
}  // namespace hearth
