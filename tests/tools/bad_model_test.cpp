// What the program says to files that are no good model: one line, exit code 1, no memory out of proportion.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <functional>
#include <map>
#include <random>

#include "formats/gguf_writer.h"
#include "tests/formats/gguf_bytes.h"
#include "tests/shared_data.h"
#include "tests/tools/program.h"

namespace hearth {
namespace {

const std::filesystem::path kGoodModel = std::filesystem::path(HEARTH_SOURCE_DIR) / "tests/data/models/spark.gguf";
// Adds to the file what a test wants in it.
using Change = std::function<void(GgufWriter&)>;

class BadModel : public testing::Test {
 protected:
  static std::string good() {
    std::ifstream file(kGoodModel, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  std::filesystem::path write(const std::string& bytes) const {
    const auto path = folder_.path() / "model.gguf";
    write_text(path, bytes);
    return path;
  }

  // The good model with the named keys left out and what `change` adds instead, and with other tensors where `tensor`
  // renames (empty name: leaves out) or reshapes them.
  std::filesystem::path rewrite(const std::string& left_out, const Change& change = {},
                                const std::function<void(std::string&, std::vector<uint64_t>&)>& tensor = {}) const {
    const Gguf file = Gguf::open(kGoodModel);
    const auto path = folder_.path() / "model.gguf";
    GgufWriter writer(path);
    for (const GgufEntry& entry : file.entries())
      if (entry.key != left_out) writer.add_entry(entry);
    if (change) change(writer);
    std::vector<std::span<const std::byte>> data;
    for (const GgufTensor& old : file.tensors()) {
      std::string name(old.name);
      std::vector<uint64_t> dims(old.dims, old.dims + 4);
      while (dims.size() > 1 && dims.back() == 1) dims.pop_back();
      if (tensor) tensor(name, dims);
      if (name.empty()) continue;
      writer.add_tensor(name, old.format, dims);
      data.push_back(old.bytes);
    }
    for (const auto& bytes : data) writer.write(bytes);
    writer.finish();
    return path;
  }

  // The line with which the file is refused, by a command that needs all of the model.
  static std::string refusal(const std::filesystem::path& path) {
    const Outcome outcome = run_program({"logits", path}, "{\"tokens\":[1],\"positions\":[0]}");
    const std::string error = expect_refusal(outcome, 1);
    EXPECT_NE(error.find(path.filename()), error.npos) << error;
    return error;
  }

  static void expect_named(const std::filesystem::path& path, const std::string& name) {
    const std::string error = refusal(path);
    EXPECT_NE(error.find(name), error.npos) << error;
  }

  TemporaryFolder folder_;
};

TEST_F(BadModel, TheRewrittenModelIsGood) {
  const Outcome outcome = run_program({"logits", rewrite("")}, "{\"tokens\":[1],\"positions\":[0]}");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, run_program({"logits", kGoodModel}, "{\"tokens\":[1],\"positions\":[0]}").out);
}

TEST_F(BadModel, NoFilesAtAll) {
  refusal(folder_.path() / "absent.gguf");
  refusal(folder_.path());
  const auto fifo = folder_.path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  refusal(fifo);
}

TEST_F(BadModel, AnUnreadableFile) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const auto path = write(good());
  ::chmod(path.c_str(), 0);
  refusal(path);
}

TEST_F(BadModel, SmallAndRandomFiles) {
  const std::string bytes = good();
  for (const size_t size : {0, 4, 100}) refusal(write(bytes.substr(0, size)));
  std::mt19937 random(1);
  std::string noise(100000, 0);
  for (char& c : noise) c = static_cast<char>(random());
  refusal(write(noise));
  refusal(write("GGUF" + noise));
}

TEST_F(BadModel, TruncationAtEachPercent) {
  const std::string bytes = good();
  for (size_t percent = 0; percent < 100; ++percent) {
    SCOPED_TRACE(percent);
    refusal(write(bytes.substr(0, bytes.size() * percent / 100)));
  }
}

TEST_F(BadModel, HugeCountsTakeNoMemory) {
  const long usual = run_program({"logits", write("GGUF")}, "{\"tokens\":[1],\"positions\":[0]}").peak_rss_kib;
  std::string bytes = good();
  for (const uint64_t count : {uint64_t{1} << 31, uint64_t{1} << 32, uint64_t{1} << 63, UINT64_MAX}) {
    for (const size_t at : {8, 16, 24}) {  // tensors, keys, length of the first key
      SCOPED_TRACE(std::to_string(count) + " at " + std::to_string(at));
      std::string changed = bytes;
      std::memcpy(changed.data() + at, &count, sizeof count);
      const Outcome outcome = run_program({"logits", write(changed)}, "{\"tokens\":[1],\"positions\":[0]}");
      expect_refusal(outcome, 1);
      EXPECT_LT(outcome.peak_rss_kib, usual + 64 * 1024);
    }
  }
}

TEST_F(BadModel, KeysWithWrongTypesOrValuesAreNamed) {
  const auto number = [](const char* key, uint32_t value) -> Change {
    return [=](GgufWriter& writer) { writer.add(key, value); };
  };
  const auto text = [](const char* key, const char* value) -> Change {
    return [=](GgufWriter& writer) { writer.add(key, std::string_view(value)); };
  };
  const std::map<std::string, std::vector<Change>> changes = {
      {"general.architecture", {{}, text("general.architecture", "mamba"), number("general.architecture", 1)}},
      {"llama.block_count", {{}, number("llama.block_count", 0), number("llama.block_count", 100000)}},
      {"llama.embedding_length", {{}, number("llama.embedding_length", 0), text("llama.embedding_length", "wide")}},
      {"llama.attention.head_count", {{}, number("llama.attention.head_count", 0)}},
      {"llama.attention.head_count_kv", {number("llama.attention.head_count_kv", 1000)}},
      {"llama.context_length", {{}, number("llama.context_length", 0)}},
      {"tokenizer.ggml.model", {{}, text("tokenizer.ggml.model", "martian")}},
      {"tokenizer.ggml.tokens", {{}, number("tokenizer.ggml.tokens", 5)}},
      {"tokenizer.ggml.bos_token_id", {number("tokenizer.ggml.bos_token_id", 2048)}},
      {"tokenizer.ggml.eos_token_id", {number("tokenizer.ggml.eos_token_id", 1 << 30)}},
  };
  for (const auto& [key, wrong] : changes)
    for (size_t i = 0; i < wrong.size(); ++i) {
      SCOPED_TRACE(key + " " + std::to_string(i));
      const std::string last = key.substr(key.rfind('.') + 1);
      expect_named(rewrite(key, wrong[i]), key == "llama.attention.head_count_kv" ? "head_count" : last);
    }
}

TEST_F(BadModel, TokensOfTheWrongElementType) {
  expect_named(rewrite("tokenizer.ggml.tokens",
                       [](GgufWriter& writer) {
                         const std::vector<int32_t> numbers(2048, 1);
                         writer.add_array<int32_t>("tokenizer.ggml.tokens", numbers);
                       }),
               "tokenizer.ggml.tokens");
  expect_named(rewrite("tokenizer.ggml.token_type",
                       [](GgufWriter& writer) {
                         const std::vector<std::string_view> words(2048, "x");
                         writer.add_strings("tokenizer.ggml.token_type", words);
                       }),
               "tokenizer.ggml.token_type");
  expect_named(rewrite("tokenizer.ggml.merges",
                       [](GgufWriter& writer) {
                         const std::vector<int8_t> numbers(1783, 1);
                         writer.add_array<int8_t>("tokenizer.ggml.merges", numbers);
                       }),
               "tokenizer.ggml.merges");
}

TEST_F(BadModel, TensorsThatAreMissingOrOfAnotherShapeAreNamed) {
  const Gguf file = Gguf::open(kGoodModel);
  for (const GgufTensor& tensor : {file.tensors().front(), file.tensors().back()}) {
    const std::string name(tensor.name);
    SCOPED_TRACE(name);
    expect_named(rewrite("", {},
                         [&](std::string& other, auto&) {
                           if (other == name) other.clear();
                         }),
                 name);
    expect_named(rewrite("", {},
                         [&](std::string& other, auto& dims) {
                           if (other == name) dims.push_back(1), dims[0] /= 2, dims.back() = 2;
                         }),
                 name);
  }
}

}  // namespace
}  // namespace hearth
