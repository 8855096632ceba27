// What the program says to wrong command lines and wrong input.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/engine/model/adapter_file.h"
#include "tests/formats/gguf_bytes.h"
#include "tests/shared_data.h"
#include "tests/tools/program.h"

namespace hearth {
namespace {

const std::string kModel = std::filesystem::path(HEARTH_SOURCE_DIR) / "tests/data/models/spark.gguf";

TEST(Program, EverySubcommandHasHelp) {
  for (const char* command : {"run", "inspect", "tokenize", "detokenize", "render", "logits", "bench", "imatrix",
                              "perplexity", "quantize", "conform", "convert", "serve", "pull", "list", "show", "rm"}) {
    const Outcome outcome = run_program({command, "--help"});
    EXPECT_EQ(outcome.exit_code, 0) << command;
    EXPECT_NE(outcome.out.find(std::string("hearth ") + command), outcome.out.npos) << outcome.out;
    EXPECT_EQ(outcome.err, "");
    // Ranges read as people write them.
    EXPECT_EQ(outcome.out.find(" in ["), outcome.out.npos) << outcome.out;
    EXPECT_EQ(outcome.out.find("4294967295"), outcome.out.npos) << outcome.out;
  }
}

TEST(Program, WrongPeriodsOfTheAuditLogAreUsageErrors) {
  const TemporaryFolder folder;
  const std::string log = folder.path() / "hearth.db";
  write_text(log, "");
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"egress", "--from", "26-11-30"},
           {"egress", "--to", "2026-02-31"},
           {"egress", "--from", "2026-11-30", "--to", "2026-11-29"},
           {"export", "--from", "2026-11-30T10:00:00Z", "--to", "2026-11-30T10:00:00Z"},
           {"show", "--last", "-1"}}) {
    std::vector<std::string> line = {"audit", words[0], "--db", log};
    line.insert(line.end(), words.begin() + 1, words.end());
    expect_refusal(run_program(line), 2);
  }
}

// Wherever they stand. Both folders are looked at before the server begins.
TEST(Program, ServeTakesOptionsBeforeWhatItsFileSays) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "hearth.toml";
  write_text(file, "port = 0\nslot_save_path = 'no_slots'\ncache_folder = 'no_caches'\n");
  const auto says = [&](const std::vector<std::string>& words, const std::string& what) {
    const Outcome outcome = run_program(words);
    EXPECT_NE(outcome.exit_code, 0);
    EXPECT_NE(outcome.err.find(what), outcome.err.npos) << outcome.err;
  };
  says({"serve", "--config", file}, "no_slots");
  says({"serve", "--config", file, "--slot-save-path", folder.path()}, "no_caches");
  says({"serve", "--slot-save-path", folder.path(), "--config", file}, "no_caches");
  says({"serve", "--cache-folder", folder.path(), "--config", file, "--slot-save-path", "/no/such"}, "/no/such");
}

TEST(Program, WrongCommandLinesAreUsageErrors) {
  const std::vector<std::vector<std::string>> lines = {
      {},
      {"dance"},
      {"logits"},
      {"run", kModel, "--no-such-flag"},
      {"run", kModel, "one word too many"},
      {"run", kModel, "-p", "x", "-n", "-1"},
      {"run", kModel, "-p", "x", "-n", "0"},
      {"run", kModel, "-p", "x", "-n", "many"},
      {"run", kModel, "-p", "x", "--threads", "0"},
      {"run", kModel, "-p", "x", "--threads", "10000"},
      {"run", kModel, "-p", "x", "--ctx", "0"},
      {"run", kModel, "-p", "x", "--ctx", "99999999999999999999"},
      {"run", kModel, "-p", "x", "--temp", "-1"},
      {"run", kModel, "-p", "x", "--temp", "nan"},
      {"run", kModel, "-p", "x", "--top-p", "2"},
      {"run", kModel, "-p", "x", "--top-p", "nan"},
      {"run", kModel, "-p", "x", "--seed", "-1"},
      {"run", kModel, "-p", "x", "--device", "gpu"},
      {"run", kModel, "-p", "x", "--gpu-layers", "many"},
      {"run", kModel, "-p", "x", "--gpu-layers", "-1"},
      {"run", kModel, "-p", "x", "--kv-type", "q3"},
      {"run", kModel, "--stop=", "-p", "x"},
      {"run", kModel, "--lora", "a.gguf:inf", "-p", "x"},
      {"run", kModel, "--lora", "name=", "-p", "x"},
      {"bench", kModel, "--runs", "0"},
      {"serve", kModel, "--port", "70000"},
      {"serve", kModel, "--parallel", "0"},
      {"serve", kModel, "--memory", "much"},
      {"serve", kModel, "--host", "0.0.0.0"},
      {"serve", kModel, "--api-key", "@/no/such/file"},
      {"serve", kModel, "--config", "/no/such/file.toml"},
      {"serve", kModel, "--config", "/"},
      {"serve", kModel, "--config="},
      {"serve", kModel, kModel},
      {"bench", kModel, "--pp", "-1"},
      {"conform", "--device", "abacus"},
      {"conform", "--device", "cpu:mmx"},
      {"conform", "--op", "dance"},
      {"conform", "--format", "Q9_9"},
      {"conform", "--op", "select", "--format", "Q4_0"},
      {"conform", "--golden", "/no/such/folder"},
  };
  for (const auto& line : lines) {
    SCOPED_TRACE(line.empty() ? "no arguments" : line.back());
    expect_refusal(run_program(line), 2);
  }
}

TEST(Program, UnknownNamesAreNamed) {
  EXPECT_NE(expect_refusal(run_program({"run", kModel, "-p", "x", "--kernels", "mmx"}), 2).find("mmx"),
            std::string::npos);
  EXPECT_NE(expect_refusal(run_program({"run", kModel, "-p", "x", "--pre", "klingon"}), 1).find("klingon"),
            std::string::npos);
}

TEST(Program, AdaptersChangeWhatAModelSays) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "sql.gguf";
  random_adapter(Gguf::open(kModel), 4, 1).write(file);
  const auto run = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"run", kModel, "-p", "import os", "-n", "8", "--temp", "0"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run_program(words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out;
  };
  const std::string plain = run({});
  EXPECT_NE(run({"--lora", file}), plain);
  EXPECT_NE(run({"--lora", file + ":0.5", "--lora", "again=" + file + ":0.5"}), plain);
  EXPECT_EQ(run({"--lora-scaled", file + ":0"}), plain);
  const Outcome told = run_program({"inspect", file});
  EXPECT_NE(told.out.find("a LoRA adapter for models of the architecture llama: changes"), told.out.npos) << told.out;
  EXPECT_NE(told.out.find("rank 4, alpha 6"), told.out.npos) << told.out;
  const Outcome listed = run_program({"inspect", kModel, "--lora", file, "--program"});
  EXPECT_NE(listed.out.find("(+ rank 4)"), listed.out.npos) << listed.out;
  const std::string logits = R"({"tokens":[1,2],"positions":[1]})";
  EXPECT_NE(run_program({"logits", kModel, "--lora", file}, logits).out, run_program({"logits", kModel}, logits).out);
  EXPECT_NE(expect_refusal(run_program({"run", file, "-p", "x"}), 1).find("is an adapter, no model"),
            std::string::npos);
  EXPECT_NE(expect_refusal(run_program({"run", kModel, "--lora", kModel, "-p", "x"}), 1).find("is no adapter"),
            std::string::npos);
  const std::string absent = folder.path() / "absent.gguf";
  EXPECT_NE(expect_refusal(run_program({"run", kModel, "--lora", absent, "-p", "x"}), 1).find("absent.gguf"),
            std::string::npos);
  expect_refusal(run_program({"serve", kModel, "again=" + kModel, "--lora", file}), 2);
  expect_refusal(run_program({"serve", "m=" + kModel, "--lora", "m=" + file}), 2);
}

TEST(Program, APromptPastTheContextStatesBothNumbers) {
  const Outcome outcome = run_program({"run", kModel, "--ctx", "16", "-p",
                                       "one two three four five six seven eight nine ten "
                                       "eleven twelve thirteen fourteen fifteen"});
  const std::string error = expect_refusal(outcome, 1);
  EXPECT_NE(error.find("16"), error.npos) << error;
  EXPECT_NE(error.find_first_of("23456789", error.find("prompt")), error.npos) << error;
}

TEST(Program, InvalidUtf8OnStdinIsTokenizedOrRefused) {
  const std::string bytes = "a\xff\xc0\x80\xed\xa0\x80z";
  const Outcome ids = run_program({"tokenize", kModel}, bytes);
  ASSERT_EQ(ids.exit_code, 0) << ids.err;
  EXPECT_EQ(run_program({"detokenize", kModel}, ids.out).exit_code, 0);
  for (const char* command : {"logits", "detokenize"}) expect_refusal(run_program({command, kModel}, bytes), 2);
  expect_refusal(run_program({"render", kModel}, bytes), 1);
}

TEST(Program, TooMuchOnStdinIsRefused) {
  const std::string large((16 << 20) + 1, 'a');
  for (const char* command : {"tokenize", "detokenize", "logits"})
    EXPECT_NE(expect_refusal(run_program({command, kModel}, large), 2).find("larger than 16 MiB"), std::string::npos)
        << command;
}

TEST(Program, WrongTokensAreRefused) {
  for (const char* input :
       {"{\"tokens\":[-1],\"positions\":[0]}", "{\"tokens\":[1.5],\"positions\":[0]}", "{\"tokens\":7}",
        "{\"tokens\":[1],\"positions\":[-1]}", "[1]", "", "{\"tokens\":[99999999999],\"positions\":[0]}",
        "{\"tokens\":[2147483647],\"positions\":[0]}", "{\"tokens\":[1],\"positions\":[1]}",
        "{\"tokens\":[],\"positions\":[]}"})
    expect_refusal(run_program({"logits", kModel}, input), 2);
  const Outcome none = run_program({"logits", kModel}, "{\"tokens\":[1],\"positions\":[]}");
  EXPECT_EQ(none.out, "{\"outputs\":[]}\n") << none.err;
}

TEST(Program, TheSameSeedGivesTheSameText) {
  const auto text = [](const char* seed) {
    const Outcome outcome = run_program({"run", "-p", "def f(x):", "-n", "24", "--temp", "1.5", "--seed", seed});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out;
  };
  const std::string once = text("7");
  EXPECT_EQ(text("7"), once);
  EXPECT_NE(text("8"), once);
}

TEST(Program, StopTextsEndAnAnswer) {
  const auto text = [](const std::vector<std::string>& stops) {
    std::vector<std::string> line = {"run", "-p", "def f(x):", "-n", "24", "--temp", "0"};
    line.insert(line.end(), stops.begin(), stops.end());
    const Outcome outcome = run_program(line);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return outcome.out;
  };
  const std::string whole = text({});
  ASSERT_GT(whole.size(), 10u);
  const std::string stop = whole.substr(6, 3), cut = whole.substr(0, whole.find(stop)) + "\n";
  EXPECT_EQ(text({"--stop=" + stop}), cut);
  EXPECT_EQ(text({"--stop", stop}), cut);
  EXPECT_EQ(text({"--stop=[" + stop + "]", "--stop=a=b", "--stop=" + stop}), cut);
}

TEST(Program, BenchReportsRatesAndShares) {
  const Outcome outcome = run_program({"bench", kModel, "--pp", "16", "--tg", "4", "--runs", "2", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto report = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(report.at("pp_tok_s").size(), 2u);
  EXPECT_EQ(report.at("tg_tok_s").size(), 2u);
  for (const char* name : {"read_gb_s", "int8_gops", "pp_share", "tg_share", "load_s", "peak_rss_bytes"})
    EXPECT_GT(report.at(name).get<double>(), 0) << name;
  for (const char* name : {"device", "kernels", "threads"}) EXPECT_TRUE(report.contains(name)) << name;
  EXPECT_FALSE(report.contains("tg_profile"));
}

TEST(Program, BenchProfilesTheOpsOfSteps) {
  std::vector<std::string> line = {"bench",  kModel, "--pp",      "16",       "--tg", "4",
                                   "--runs", "1",    "--profile", "--device", "cpu"};
  const Outcome table = run_program(line);
  ASSERT_EQ(table.exit_code, 0) << table.err;
  EXPECT_NE(table.out.find("\npp16: 1 step of "), table.out.npos) << table.out;
  EXPECT_NE(table.out.find("\ntg4: 4 steps of "), table.out.npos) << table.out;
  line.push_back("--json");
  const Outcome outcome = run_program(line);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto report = nlohmann::json::parse(outcome.out);
  for (const char* name : {"pp_profile", "tg_profile"}) {
    const auto& profile = report.at(name);
    EXPECT_EQ(profile.at("steps"), name[0] == 'p' ? 1 : 4);
    EXPECT_GT(profile.at("step_us").get<double>(), 0);
    const auto& ops = profile.at("ops");
    ASSERT_GT(ops.size(), 5u);
    double all = profile.at("between_us");
    for (size_t i = 0; i < ops.size(); ++i) {
      all += ops[i].at("us").get<double>();
      if (i > 0) EXPECT_LE(ops[i].at("us"), ops[i - 1].at("us"));
    }
    const double whole = profile.at("whole").at("us");
    EXPECT_NEAR(all, whole, 1e-6 * whole);
    EXPECT_GT(ops[0].at("read_share").get<double>(), 0);
    const auto attends = [](const auto& op) { return op.at("op") == "attend f16"; };
    EXPECT_EQ(std::count_if(ops.begin(), ops.end(), attends), 1);
  }
  line[10] = "reference";
  EXPECT_NE(expect_refusal(run_program(line), 1).find("does not tell how long"), std::string::npos);
}

TEST(Program, ConformTellsWhatItFinds) {
  const TemporaryFolder folder;
  const std::string page = folder.path() / "report.html";
  const std::vector<std::string> some = {"conform",  "--quick", "--op",     "embed", "--op",     "linear",
                                         "--format", "Q4_0",    "--format", "F16",   "--device", "cpu:scalar"};
  std::vector<std::string> words = some;
  words.insert(words.end(), {"--json", "-", "--html", page});
  const Outcome outcome = run_program(words);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  const auto report = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(report.at("failed"), 0);
  EXPECT_EQ(report.at("passed"), report.at("cases").size());
  EXPECT_GT(report.at("cases").size(), 15u);
  EXPECT_GT(std::filesystem::file_size(page), 5000u);
  words = some;
  words.push_back("--list");
  const Outcome listed = run_program(words);
  EXPECT_EQ(static_cast<size_t>(std::count(listed.out.begin(), listed.out.end(), '\n')), report.at("cases").size());
  words = some;
  words.insert(words.end(), {"--html", "/no/such/folder/report.html"});
  expect_refusal(run_program(words), 1);
}

TEST(Program, ConformRefusesRecordedResultsThatCannotBeAndFailsModelsThatCannotBeRead) {
  const TemporaryFolder folder;
  const std::string path = folder.path();
  const auto run = [&](const std::string& golden) {
    write_text(path + "/m.golden.json", golden);
    return run_program({"conform", "--quick", "--op", "select", "--device", "cpu:scalar", "--golden", path});
  };
  write_text(path + "/m.gguf", "no model");
  for (const char* golden :
       {"{", "[]", R"({"cases": [{"tokens": []}]})", R"({"cases": [{"tokens": [1], "outputs": []}]})",
        R"({"cases": [{"tokens": [1], "outputs": [{"position": 1, "logits": [1]}]}]})",
        R"({"cases": [{"tokens": [1], "outputs": [{"position": 0, "logits": "x"}]}]})"})
    EXPECT_NE(expect_refusal(run(golden), 1).find("m.golden.json"), std::string::npos) << golden;
  const Outcome outcome = run(R"({"cases": [{"tokens": [1], "outputs": [{"position": 0, "logits": [1]}]}]})");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_NE(outcome.out.find("the model cannot be read"), std::string::npos) << outcome.out;
}

TEST(Program, InspectAgreesWithItselfInJson) {
  const Outcome outcome = run_program({"inspect", kModel, "--json", "--tensors"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(nlohmann::json::parse(outcome.out).is_object());
  const Outcome program = run_program({"inspect", kModel, "--program"});
  EXPECT_EQ(program.exit_code, 0);
  EXPECT_NE(program.out.find("rope"), program.out.npos) << program.out;
}

}  // namespace
}  // namespace hearth
