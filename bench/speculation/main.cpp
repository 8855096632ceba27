// What speculation gives: answers of recorded edits, which a model of random weights computes token by token as if it
// had drawn them, with guesses and without, in turns.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "backends/devices.h"
#include "engine/decode/benchmark.h"
#include "engine/decode/scheduler.h"
#include "engine/model/loaded_model.h"

namespace hearth {
namespace {

struct Edit {
  std::string name;
  std::vector<int32_t> prompt, answer;
};

// Draws what was recorded, whatever the logits are.
class Recorded : public Task {
 public:
  explicit Recorded(const Edit& edit) : edit_(edit) { tokens = edit.prompt; }
  bool cancelled() const override { return false; }
  void on_start(uint32_t) override {}
  void on_logits(uint32_t, std::span<float>) override {
    if (drawn_ == 0) first = std::chrono::steady_clock::now();
    const int32_t token = edit_.answer[drawn_++];
    const size_t left = edit_.answer.size() - drawn_;
    if (left == 0) return;
    tokens.push_back(token);
    guesses = static_cast<uint32_t>(left - 1);
  }
  void on_end(std::exception_ptr error) override { failed = error; }

  std::chrono::steady_clock::time_point first;
  std::exception_ptr failed;

 private:
  const Edit& edit_;
  size_t drawn_ = 0;
};

std::vector<Edit> read_edits(const char* path, const Tokenizer& tokenizer) {
  std::ifstream file(path);
  std::vector<Edit> edits;
  for (std::string line; std::getline(file, line);) {
    const nlohmann::json edit = nlohmann::json::parse(line);
    edits.push_back({edit.at("name"), tokenizer.encode(edit.at("prompt").get<std::string>(), false),
                     tokenizer.encode(edit.at("answer").get<std::string>(), false)});
  }
  return edits;
}

struct Outcome {
  double rate;  // tokens a second, after the first
  SchedulerStatistics statistics;
};

Outcome answer(const LoadedModel& model, Plan& plan, const Edit& edit, bool lookup) {
  Speculation speculation({.lookup = lookup});
  Scheduler scheduler(plan, model.limits, model.program.vocabulary,
                      {.parallel = 1, .speculation = lookup ? &speculation : nullptr, .on_divergence = {}});
  const auto task = std::make_shared<Recorded>(edit);
  scheduler.add(task);
  while (!scheduler.idle()) scheduler.step();
  if (task->failed) std::rethrow_exception(task->failed);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - task->first).count();
  return {static_cast<double>(edit.answer.size() - 1) / seconds, scheduler.statistics()};
}

void run(const char* model_path, const char* vocabulary, const char* edits_path, int rounds) {
  const LoadedModel model = load_model(Gguf::open(model_path), {.context = 4096, .pre_tokenizer = {}});
  const Tokenizer tokenizer = Tokenizer::load(Gguf::open(vocabulary));
  const auto device = make_device({});
  const auto plan = device->compile(model.program, model.limits);
  std::printf(
      "| answer | tokens | plain | with lookups | ratio | guesses tried | came true "
      "|\n|---|---|---|---|---|---|---|\n");
  for (const Edit& edit : read_edits(edits_path, tokenizer)) {
    std::vector<double> plain, guessed;
    SchedulerStatistics statistics;
    for (int round = 0; round < rounds; ++round) {
      plain.push_back(answer(model, *plan, edit, false).rate);
      const Outcome outcome = answer(model, *plan, edit, true);
      guessed.push_back(outcome.rate);
      statistics = outcome.statistics;
    }
    std::printf("| %s | %zu | %.1f | %.1f | %.2f | %llu | %llu |\n", edit.name.c_str(), edit.answer.size(),
                median(plain), median(guessed), median(guessed) / median(plain),
                static_cast<unsigned long long>(statistics.guessed),
                static_cast<unsigned long long>(statistics.came_true));
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::fprintf(stderr, "usage: bench_speculation MODEL.gguf VOCABULARY.gguf EDITS.jsonl [ROUNDS]\n");
    return 2;
  }
  try {
    hearth::run(argv[1], argv[2], argv[3], argc == 5 ? std::max(1, std::atoi(argv[4])) : 3);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_speculation: %s\n", error.what());
    return 1;
  }
  return 0;
}
