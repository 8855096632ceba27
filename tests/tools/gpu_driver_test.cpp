// The program where a driver of Vulkan crashes.
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/formats/gguf_bytes.h"
#include "tests/tools/program.h"

namespace hearth {
namespace {

class CrashingDriver : public testing::Test {
 protected:
  void SetUp() override {
    const std::string file = folder_.path() / "crashing.json";
    write_text(file, nlohmann::json{{"file_format_version", "1.0.0"},
                                    {"ICD", {{"library_path", HEARTH_CRASHING_DRIVER}, {"api_version", "1.3.0"}}}}
                         .dump());
    for (const char* name : {"VK_DRIVER_FILES", "VK_ICD_FILENAMES"}) setenv(name, file.c_str(), 1);
    setenv("HEARTH_FORCE_GPUS", "1", 1);
    is_opened_ = run_program({"probe-gpus", "vulkan"}).signal != 0;
    unsetenv("HEARTH_FORCE_GPUS");
    if (is_opened_) return;
    if (std::getenv("CI") != nullptr) FAIL() << "there is no loader of Vulkan";
    GTEST_SKIP() << "there is no loader of Vulkan";
  }
  void TearDown() override {
    for (const char* name : {"VK_DRIVER_FILES", "VK_ICD_FILENAMES", "HEARTH_FORCE_GPUS"}) unsetenv(name);
  }
  const TemporaryFolder folder_;
  bool is_opened_ = false;
};

TEST_F(CrashingDriver, IsToldAmongTheDevices) {
  const Outcome outcome = run_program({"devices", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto devices = nlohmann::json::parse(outcome.out);
  ASSERT_EQ(devices.size(), 2u);
  EXPECT_EQ(devices[0].at("name"), "cpu");
  EXPECT_EQ(devices[1].at("name"), "vulkan");
  EXPECT_NE(devices[1].at("missing").get<std::string>().find("crashes"), std::string::npos);
}

TEST_F(CrashingDriver, EndsWhatAsksForItWithAnError) {
  const std::string error = expect_refusal(run_program({"run", "--device", "vulkan", "-p", "def", "-n", "1"}), 1);
  EXPECT_NE(error.find("a driver of Vulkan crashes when it is opened"), error.npos) << error;
}

TEST_F(CrashingDriver, DoesNotKeepOthersFromBeingExamined) {
  const Outcome outcome = run_program({"conform", "--quick", "--op", "route", "--json", "-"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("crashes"), outcome.err.npos) << outcome.err;
  EXPECT_FALSE(nlohmann::json::parse(outcome.out).at("devices").empty());
}

TEST_F(CrashingDriver, IsOpenedWhereThatIsForced) {
  setenv("HEARTH_FORCE_GPUS", "1", 1);
  EXPECT_NE(run_program({"devices"}).signal, 0);
}

TEST_F(CrashingDriver, DoesNotMatterWhereNobodyAsksForAGpu) {
  EXPECT_EQ(run_program({"run", "-p", "def", "-n", "1"}).exit_code, 0);
}

}  // namespace
}  // namespace hearth
