// What the program lets out: watched from outside, and killed in the middle.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/formats/gguf_bytes.h"
#include "tests/tools/program.h"
#include "tests/tools/running_program.h"
#include "tests/tools/serve/fake_provider.h"
#include "tests/tools/serve/http_client.h"

namespace hearth {
namespace {

using serve::FakeProvider;

const std::string kAnswer =
    R"({"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]})";

std::string chat_body(const std::string& model) {
  return R"({"model":")" + model + R"(","max_tokens":4,"prompt":"def f("})";
}

serve::HttpAnswer complete(const RunningProgram& program, const std::string& model) {
  serve::HttpAsk asked{"POST", "/v1/completions", chat_body(model)};
  asked.headers.push_back("X-Hearth-Route: cloud");
  return serve::ask(program.port(), asked);
}

std::string config(const std::filesystem::path& folder, const FakeProvider& provider) {
  const auto path = folder / "hearth.toml";
  write_text(path, "[[remote]]\nname = 'cloud'\nbase_url = '" + provider.base_url() + "'\nmodels = ['large']\n");
  return path.string();
}

// The lines of a trace of system calls that reach for an address of the internet, but for loopback's.
struct Trace {
  size_t lines = 0;
  bool ended = false;  // the tracer has written all
  std::string outside, loopback;
};
Trace read_trace(const std::filesystem::path& path) {
  Trace trace;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line); ++trace.lines) {
    trace.ended = line.find("+++ exited with") != line.npos;
    if (line.find("AF_INET") == line.npos || line.find("accept") != line.npos || line.find("bind") != line.npos)
      continue;
    const bool local = line.find("inet_addr(\"127.") != line.npos || line.find("\"::1\"") != line.npos;
    (local ? trace.loopback : trace.outside) += line + "\n";
  }
  return trace;
}

class Egress : public testing::Test {
 protected:
  // Serves some requests under strace.
  Trace traced(std::vector<std::string> arguments) {
    const auto path = folder_.path() / "trace";
    {
      setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // which cannot be had under a tracer
      const std::vector<std::string> serve = {"serve", "--port", "0"};
      arguments.insert(arguments.begin(), serve.begin(), serve.end());
      // -D: the program, not the tracer, is the child that gets signals.
      RunningProgram program(arguments, {"strace", "-D", "-f", "-e",
                                         "trace=connect,sendto,sendmsg,sendmmsg,accept4,accept", "-o", path.string()});
      unsetenv("ASAN_OPTIONS");
      for (const char* model : {"auto", "spark", "large"}) complete(program, model);
      serve::get(program.port(), "/metrics");
      EXPECT_EQ(program.end_by(SIGTERM), 0);
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    Trace trace = read_trace(path);
    for (; !trace.ended && std::chrono::steady_clock::now() < end; trace = read_trace(path))
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return trace;
  }

  TemporaryFolder folder_;
};

bool has_strace() { return std::system("strace -V >/dev/null 2>&1") == 0; }

TEST_F(Egress, WithoutRemotesNothingButLoopbackIsConnected) {
  if (!has_strace()) GTEST_SKIP() << "strace is absent: apt-get install strace";
  const Trace trace = traced({});
  EXPECT_GT(trace.lines, 4u) << "nothing was traced";
  EXPECT_EQ(trace.outside, "");
  EXPECT_EQ(trace.loopback, "") << "nor that, where there is no remote";
}

TEST_F(Egress, TheTraceWouldShowAConnection) {
  if (!has_strace()) GTEST_SKIP() << "strace is absent: apt-get install strace";
  if (HEARTH_HAS_REMOTE == 0) GTEST_SKIP() << "built without HEARTH_REMOTE";
  FakeProvider provider({serve::http_answer(kAnswer)});
  const Trace trace = traced({"--config", config(folder_.path(), provider)});
  EXPECT_GT(provider.connections(), 0);
  EXPECT_NE(trace.loopback.find("connect("), std::string::npos);
  EXPECT_EQ(trace.outside, "");
}

TEST_F(Egress, OfflineLetsNothingLeave) {
  if (HEARTH_HAS_REMOTE == 0) GTEST_SKIP() << "built without HEARTH_REMOTE";
  FakeProvider provider({serve::http_answer(kAnswer)});
  const RunningProgram program({"serve", "--port", "0", "--offline", "--config", config(folder_.path(), provider)});
  const serve::HttpAnswer refused = complete(program, "large");
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(refused.header("X-Hearth-Rule"), "offline");
  EXPECT_EQ(complete(program, "auto").header("X-Hearth-Served-By"), "local");
  EXPECT_EQ(provider.connections(), 0);
}

// The record of what leaves is on the disk before it leaves: it is there however the program ends.
TEST_F(Egress, AKilledProgramHasRecordedWhatItSent) {
  if (HEARTH_HAS_REMOTE == 0) GTEST_SKIP() << "built without HEARTH_REMOTE";
  FakeProvider provider({serve::kThenStall, serve::kThenStall, serve::http_answer(kAnswer)});
  const std::string file = config(folder_.path(), provider), log = (folder_.path() / "hearth.db").string();
  for (size_t round = 1; round <= 2; ++round) {
    RunningProgram program({"serve", "--port", "0", "--config", file});
    serve::ClientSocket client(program.port());
    client.send(serve::to_wire({"POST", "/v1/completions", chat_body("large")}));
    ASSERT_TRUE(provider.asked(round));
    EXPECT_EQ(program.end_by(SIGKILL), -SIGKILL);
    const Outcome verified = run_program({"audit", "verify", "--db", log});
    EXPECT_EQ(verified.exit_code, 0) << verified.out;
    EXPECT_NE(verified.out.find(std::to_string(round) + " decisions have no outcome"), std::string::npos)
        << verified.out;
  }
  RunningProgram program({"serve", "--port", "0", "--config", file});
  EXPECT_EQ(complete(program, "large").status, 200);
  EXPECT_EQ(program.end_by(SIGTERM), 0);
  const Outcome listed = run_program({"audit", "egress", "--db", log});
  EXPECT_EQ(listed.exit_code, 0);
  EXPECT_NE(listed.out.find("sent 3 times"), std::string::npos) << listed.out;
  EXPECT_NE(listed.out.find("outcome unknown"), std::string::npos);
  EXPECT_NE(listed.out.find("The log is whole"), std::string::npos);
}

TEST_F(Egress, AuditCommandsTellAndRefuse) {
  const std::string log = (folder_.path() / "hearth.db").string(), absent = (folder_.path() / "none.db").string();
  EXPECT_NE(expect_refusal(run_program({"audit", "verify", "--db", absent}), 2).find("no audit log"),
            std::string::npos);
  write_text(folder_.path() / "hearth.toml", "[audit]\n");
  {
    RunningProgram program({"serve", "--port", "0", "--config", (folder_.path() / "hearth.toml").string()});
    EXPECT_EQ(complete(program, "auto").status, 200);
    EXPECT_EQ(program.end_by(SIGTERM), 0);
  }
  EXPECT_NE(run_program({"audit", "egress", "--db", log}).out.find("Nothing left this machine"), std::string::npos);
  const Outcome shown = run_program({"audit", "show", "--db", log});
  EXPECT_NE(shown.out.find("local spark  rule no-remote  task completion"), std::string::npos) << shown.out;
  EXPECT_NE(run_program({"audit", "export", "--db", log}).out.find("\"kind\":\"outcome\""), std::string::npos);
  EXPECT_NE(run_program({"audit", "export", "--db", log, "--format", "csv"}).out.find("n,kind,time"),
            std::string::npos);
  expect_refusal(run_program({"audit", "verify", "--db", log, "--noted", "x"}), 2);
  expect_refusal(run_program({"audit", "egress", "--db", log, "--from", "yesterday"}), 2);
}

}  // namespace
}  // namespace hearth
