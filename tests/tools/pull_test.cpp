// Models by name as a user gives them, from an origin on this machine.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/formats/gguf_bytes.h"
#include "tests/tools/fetch/fake_origin.h"
#include "tests/tools/program.h"
#include "tests/tools/running_program.h"
#include "tests/tools/serve/http_client.h"
#include "tools/audit/digest.h"

namespace hearth {
namespace {

using fetch::Answering;
using fetch::Asking;

const std::filesystem::path kTinyModel = std::filesystem::path(HEARTH_SOURCE_DIR) / "tests/data/models/spark.gguf";

class PullCommand : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(kTinyModel, std::ios::binary);
    model_ = {std::istreambuf_iterator<char>(file), {}};
    origin_.on("/v2/library/tiny/manifests/q8", fetch::manifest_of({fetch::manifest_layer("model", model_),
                                                                    fetch::manifest_layer("license", kLicense)}));
    origin_.on("/v2/library/tiny/blobs/sha256:" + audit::sha256(model_), model_);
    origin_.on("/v2/library/tiny/blobs/sha256:" + audit::sha256(kLicense), kLicense);
    origin_.on("/api/models/ada/tiny-GGUF/tree/main", "[" + fetch::listing_entry("tiny-Q4_K_M.gguf", model_) + "]");
    origin_.on("/ada/tiny-GGUF/resolve/main/tiny-Q4_K_M.gguf", model_);
    for (const char* variable :
         {"http_proxy", "all_proxy", "ALL_PROXY", "HF_TOKEN", "HEARTH_OFFLINE", "HF_HUB_OFFLINE"})
      unsetenv(variable);
    setenv("HEARTH_MODELS", (folder_.path() / "models").c_str(), 1);
    setenv("HEARTH_REGISTRY", origin_.url().c_str(), 1);
    setenv("HF_ENDPOINT", origin_.url().c_str(), 1);
  }
  void TearDown() override {
    for (const char* variable : {"HEARTH_MODELS", "HEARTH_REGISTRY", "HF_ENDPOINT"}) unsetenv(variable);
  }

  static Outcome run(std::vector<std::string> arguments) { return run_program(arguments); }
  static void expect_part(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), text.npos) << text;
  }
  static std::string answer_of(const std::string& model, std::vector<std::string> more = {}) {
    std::vector<std::string> line = {"run", model, "-p", "def f(x):", "-n", "8", "--temp", "0"};
    line.insert(line.end(), more.begin(), more.end());
    const Outcome outcome = run_program(line);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out;
  }

  const std::string kLicense = "Use it well.\nAnd share it.";
  TemporaryFolder folder_;
  fetch::FakeOrigin origin_;
  std::string model_;
};

TEST_F(PullCommand, RunPullsThenAnswersAndTheNameStays) {
  if (HEARTH_HAS_REMOTE == 0) GTEST_SKIP() << "built without HEARTH_REMOTE";
  const std::string expected = answer_of("tiny:q8");
  EXPECT_GT(expected.size(), 4u);
  EXPECT_EQ(answer_of("hf.co/ada/tiny-GGUF"), expected);
  const size_t connections = origin_.connections();
  EXPECT_EQ(answer_of("hf.co/ada/tiny-GGUF:q4_k_m", {"--offline"}), expected);
  const Outcome listed = run({"list"});
  expect_part(listed.out, "NAME                        SIZE     QUANTISATION  ARCHITECTURE  PULLED\n");
  expect_part(listed.out, "tiny:q8                     3.8 MiB  Q8_0          llama         20");
  const auto json = nlohmann::json::parse(run({"list", "--json"}).out);
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0]["name"], "hf.co/ada/tiny-GGUF:Q4_K_M");
  EXPECT_EQ(json[0]["path"], json[1]["path"]) << "kept once";
  const Outcome shown = run({"show", "tiny:q8", "--check"});
  expect_part(shown.out, "sha256        " + audit::sha256(model_));
  expect_part(shown.out, "checked again");
  expect_part(shown.out, "Use it well. ... (--license shows all)");
  expect_part(run({"show", "tiny:q8", "--license"}).out, kLicense);
  expect_part(run({"inspect", "tiny:q8"}).out, "general.architecture = \"llama\"");
  EXPECT_EQ(run({"rm", "hf.co/ada/tiny-GGUF:Q4_K_M"}).out, "freed 0 bytes\n");
  write_text(folder_.path() / "models/blobs" / ("sha256-" + audit::sha256(model_)), std::string(model_.size(), 'x'));
  expect_part(expect_refusal(run({"show", "tiny:q8", "--check"}), 1), "was changed");
  EXPECT_NE(run({"rm", "tiny:q8"}).out, "freed 0 bytes\n");
  EXPECT_EQ(origin_.connections(), connections) << "all that was there already";
}

TEST_F(PullCommand, ServeAnswersUnderTheNameThatItPulled) {
  if (HEARTH_HAS_REMOTE == 0) GTEST_SKIP() << "built without HEARTH_REMOTE";
  RunningProgram program({"serve", "tiny:q8", "small=hf.co/ada/tiny-GGUF", "--port", "0", "--ctx", "256"});
  for (const char* name : {"tiny:q8", "small"}) {
    const auto answer = serve::ask(
        program.port(),
        {"POST", "/v1/completions", std::string(R"({"max_tokens":2,"prompt":"def f(","model":")") + name + "\"}"});
    EXPECT_EQ(answer.status, 200) << answer.body;
  }
  EXPECT_EQ(program.end_by(SIGTERM), 0);
  // hearth.toml may name what is in the store, and may forbid to fetch what is not.
  const auto config = folder_.path() / "hearth.toml";
  const std::string offline = "[policy]\noffline = true\n";
  write_text(config, "ctx = 256\n" + offline + "[[model]]\nname = 'mine'\npath = 'tiny:q8'\n");
  expect_part(run({"serve", "absent", "--config", config.string(), "--port", "0"}).err, "it is not fetched");
  RunningProgram configured({"serve", "--config", config.string(), "--port", "0"});
  EXPECT_NE(serve::get(configured.port(), "/v1/models").body.find("\"mine\""), std::string::npos);
  EXPECT_EQ(configured.end_by(SIGTERM), 0);
}

TEST_F(PullCommand, WhatIsNotThereIsRefusedWithTheNextStep) {
  expect_refusal(run({"run", "modle.gguf", "-p", "x"}), 1);
  expect_part(expect_refusal(run({"run", "tiny:q8", "--offline", "-p", "x"}), 2), "not fetched");
  expect_part(expect_refusal(run({"bench", "tiny:q8"}), 2), "`hearth pull tiny:q8` fetches it");
  expect_part(expect_refusal(run({"show", "tiny:q8"}), 2), "`hearth list`");
  expect_refusal(run({"rm"}), 2);
  EXPECT_EQ(origin_.connections(), 0u);
  if (HEARTH_HAS_REMOTE == 0) {
    expect_part(expect_refusal(run({"pull", "tiny:q8"}), 2), "built without HEARTH_REMOTE");
    return;
  }
  expect_part(expect_refusal(run({"pull", "modle.gguf"}), 2), "names no model");
  expect_part(expect_refusal(run({"pull", "tiny:q8", "--registry", "ftp://x"}), 2), "--registry");
  expect_part(expect_refusal(run({"pull", "tiny:q8", "--as", "x.gguf"}), 2), "--as");
  expect_part(expect_refusal(run({"pull", "tiny:q8", "--offline"}), 2), "forbids");
  EXPECT_EQ(origin_.connections(), 0u);
  expect_part(expect_refusal(run({"run", "absent", "-p", "x"}), 1), "absent:latest does not exist");
  setenv("HEARTH_MODELS", "/proc/none", 1);
  expect_part(expect_refusal(run({"pull", "tiny:q8"}), 1), "HEARTH_MODELS names another folder");
}

TEST_F(PullCommand, AMirrorAProxyAndAMemoryCanBeGiven) {
  if (HEARTH_HAS_REMOTE == 0) GTEST_SKIP() << "built without HEARTH_REMOTE";
  for (const char* variable : {"HEARTH_REGISTRY", "HF_ENDPOINT"}) unsetenv(variable);
  const Outcome mirrored = run({"pull", "tiny:q8", "--registry", origin_.url() + "/", "--as", "mine"});
  EXPECT_EQ(mirrored.exit_code, 0) << mirrored.err;
  EXPECT_EQ(nlohmann::json::parse(run({"list", "--json"}).out)[0]["name"], "mine:latest");
  setenv("http_proxy", origin_.url().c_str(), 1);
  const Outcome proxied =
      run({"pull", "hf.co/ada/tiny-GGUF", "--hub", "http://hub.invalid", "--plain-http", "--memory", "1T"});
  unsetenv("http_proxy");
  EXPECT_EQ(proxied.exit_code, 0) << proxied.err;
  expect_part(proxied.err, "of 1.0 TiB");
  EXPECT_EQ(origin_.asked("/api/models/ada/tiny-GGUF/tree/main")[0].header("host"), "hub.invalid");
}

}  // namespace
}  // namespace hearth
