// hearth run with its cache in a file.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>

#include "tests/engine/model/adapter_file.h"
#include "tests/formats/gguf_bytes.h"
#include "tests/tools/program.h"
#include "tests/tools/running_program.h"
#include "tests/tools/serve/http_client.h"

namespace hearth {
namespace {

const std::string kSpark = std::filesystem::path(HEARTH_SOURCE_DIR) / "tests/data/models/spark.gguf";

class RunCache : public testing::Test {
 protected:
  Outcome run(std::vector<std::string> more, std::string_view input = {}) const {
    std::vector<std::string> words = {"run", kSpark, "--temp", "0", "-n", "20", "--cache-file", file_};
    words.insert(words.end(), more.begin(), more.end());
    return run_program(words, input);
  }
  static bool says(const Outcome& outcome, const std::string& what) {
    return outcome.err.find(what) != outcome.err.npos;
  }

  TemporaryFolder folder_;
  std::string file_ = folder_.path() / "cache";
  // Longer than a page of the cache.
  const std::string text_ =
      "import os, sys, json, re, time, math, random, logging, threading, argparse, subprocess, csv";
  const std::vector<std::string> prompt_ = {"-p", text_ + "\nfrom pathlib import Path\n\n\ndef read_lines(path):\n"};
};

TEST_F(RunCache, GoesOnFromTheFileWithTheSameText) {
  const Outcome first = run(prompt_);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_TRUE(says(first, " 0 of them cached")) << first.err;
  EXPECT_TRUE(says(first, "[saved ")) << first.err;
  struct stat status {};
  ASSERT_EQ(stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const Outcome again = run(prompt_);
  EXPECT_EQ(again.out, first.out);
  EXPECT_TRUE(says(again, "[restored ")) << again.err;
  EXPECT_FALSE(says(again, " 0 of them cached")) << again.err;
}

TEST_F(RunCache, KeepsApartWhatAdaptersMade) {
  const std::string adapter = folder_.path() / "adapter.gguf";
  random_adapter(Gguf::open(kSpark), 4, 1).write(adapter);
  std::vector<std::string> tuned = prompt_;
  tuned.insert(tuned.end(), {"--lora", adapter});
  const Outcome plain = run(prompt_), first = run(tuned);
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_TRUE(says(first, " 0 of them cached")) << first.err;
  EXPECT_NE(first.out, plain.out);
  const Outcome again = run(tuned);
  EXPECT_EQ(again.out, first.out);
  EXPECT_TRUE(says(again, "[restored ")) << again.err;
  EXPECT_FALSE(says(again, " 0 of them cached")) << again.err;
  // Without the adapter only what was made without it is found.
  EXPECT_EQ(run(prompt_).out, plain.out);
}

TEST_F(RunCache, ReadsWithoutWritingWhereTold) {
  std::vector<std::string> words = prompt_;
  words.emplace_back("--cache-read-only");
  const Outcome absent = run(words);
  EXPECT_EQ(absent.exit_code, 0);
  EXPECT_TRUE(says(absent, "No such file")) << absent.err;
  EXPECT_FALSE(std::filesystem::exists(file_));
  run(prompt_);
  const std::string before = text_of_file(file_);
  const Outcome outcome = run(words);
  EXPECT_TRUE(says(outcome, "[restored ")) << outcome.err;
  EXPECT_FALSE(says(outcome, "[saved ")) << outcome.err;
  EXPECT_EQ(text_of_file(file_), before);
  expect_refusal(run_program({"run", kSpark, "-p", "x", "--cache-read-only"}), 2);
}

TEST_F(RunCache, SaysWhyAFileIsNotUsedAndReplacesOnlyWhatIsDamaged) {
  const Outcome first = run(prompt_);
  const std::string good = text_of_file(file_);
  std::vector<std::string> q8 = prompt_;
  q8.insert(q8.end(), {"--kv-type", "q8_0"});
  const Outcome other = run(q8);
  EXPECT_EQ(other.exit_code, 0);
  EXPECT_TRUE(says(other, "a cache of the type f16")) << other.err;
  EXPECT_TRUE(says(other, "left as it is")) << other.err;
  EXPECT_EQ(text_of_file(file_), good);

  write_text(file_, "a letter");
  const Outcome foreign = run(prompt_);
  EXPECT_EQ(foreign.out, first.out);
  EXPECT_TRUE(says(foreign, "is no cache that Hearth wrote")) << foreign.err;
  EXPECT_EQ(text_of_file(file_), "a letter");

  write_text(file_, good.substr(0, good.size() / 2));
  const Outcome cut = run(prompt_);
  EXPECT_EQ(cut.out, first.out);
  EXPECT_TRUE(says(cut, "cut off")) << cut.err;
  EXPECT_TRUE(says(cut, "[saved ")) << cut.err;
  EXPECT_TRUE(says(run(prompt_), "[restored "));
}

TEST_F(RunCache, KeepsAConversation) {
  const Outcome first = run({}, text_ + "\n");
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_TRUE(says(first, "[saved ")) << first.err;
  const Outcome again = run({}, text_ + "\n");
  EXPECT_EQ(again.out, first.out);
  EXPECT_FALSE(says(again, " 0 of them cached")) << again.err;
  const std::string before = text_of_file(file_);
  EXPECT_FALSE(says(run({}, ""), "[saved ")) << "nothing was asked";
  EXPECT_EQ(text_of_file(file_), before);
}

TEST_F(RunCache, AFileThatCannotBeWrittenIsAnError) {
  file_ = folder_.path() / "absent" / "cache";
  const Outcome outcome = run(prompt_);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.out, "");
  EXPECT_TRUE(says(outcome, "cannot be created")) << outcome.err;
}

// A server that is told to end, and started again.
TEST_F(RunCache, AServerKeepsWhatItsClientsSaid) {
  const std::vector<std::string> words = {"serve", kSpark, "--port", "0", "--cache-folder", folder_.path()};
  const std::string body = R"({"prompt":")" + std::string(200, 'x') + R"(","max_tokens":2,"temperature":0})";
  std::string first;
  {
    RunningProgram program(words);
    first = serve::post(program.port(), "/v1/completions", body).json()["choices"][0]["text"];
    EXPECT_EQ(program.end_by(SIGTERM), 0);
  }
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "spark.cache"));
  RunningProgram program(words);
  const auto answer = serve::post(program.port(), "/v1/completions", body).json();
  EXPECT_EQ(answer["choices"][0]["text"], first);
  EXPECT_GE(answer["usage"]["prompt_tokens_details"].value("cached_tokens", 0), 32);
  EXPECT_EQ(program.end_by(SIGINT), 0);
}

}  // namespace
}  // namespace hearth
