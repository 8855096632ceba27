// What constraints cost: compiling a schema, and the mask of each token, with the vocabulary of a model.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "engine/decode/constraint/automaton.h"
#include "engine/decode/constraint/matcher.h"
#include "engine/include/hearth/hearth.h"

namespace hearth {
namespace {

// Microseconds that this thread has computed: neighbours on a shared machine count less than with a clock on the wall.
double now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) * 1e-3;
}

double share(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(part * static_cast<double>(values.size())))];
}

// Draws answers of random tokens among those allowed, with quotes ten times as likely so that strings end.
std::vector<double> time_masks(const std::shared_ptr<const LanguageAutomaton>& automaton,
                               const std::shared_ptr<const TokenTrie>& tokens, uint32_t answers) {
  constexpr uint32_t kMostTokens = 60;
  std::vector<double> times;
  std::mt19937 random(1);
  std::vector<float> logits(tokens->size() + 128);
  for (uint32_t answer = 0; answer < answers; ++answer) {
    Matcher matcher(automaton, tokens);
    for (uint32_t i = 0; i < kMostTokens && !matcher.finished(); ++i) {
      std::fill(logits.begin(), logits.end(), 0.0f);
      const double begin = now();
      matcher.mask(logits);
      times.push_back(now() - begin);
      std::vector<int32_t> allowed;
      for (size_t id = 0; id < tokens->size(); ++id)
        if (logits[id] == 0 && !tokens->bytes(static_cast<int32_t>(id)).empty()) {
          const bool quote = tokens->bytes(static_cast<int32_t>(id)).find('"') != std::string_view::npos;
          for (int copies = quote ? 10 : 1; copies > 0; --copies) allowed.push_back(static_cast<int32_t>(id));
        }
      if (allowed.empty()) break;
      matcher.accept(allowed[random() % allowed.size()]);
      for (const int32_t token : matcher.forced()) matcher.accept(token);
    }
  }
  return times;
}

int run(const std::filesystem::path& model, const std::filesystem::path& schemas) {
  const Gguf file = Gguf::open(model);
  const Tokenizer tokenizer = Tokenizer::load(file);
  double begin = now();
  const auto tokens = TokenTrie::make(tokenizer);
  std::printf("vocabulary: %zu tokens, %zu nodes, sorted in %.0f ms\n", tokens->size(), tokens->nodes().size(),
              (now() - begin) / 1000);
  std::printf("%-28s %11s %9s %9s %9s %9s\n", "schema", "compiled us", "first us", "median us", "p99 us", "most us");
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(schemas))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<double> all, compiled;
  for (const auto& path : files) {
    const auto content = nlohmann::ordered_json::parse(std::ifstream(path));
    const std::string schema = (content.contains("schema") ? content.at("schema") : content).dump();
    begin = now();
    GrammarBuilder builder;
    const auto automaton = build_automaton(builder, builder.json_schema(schema));
    compiled.push_back(now() - begin);
    const std::vector<double> times = time_masks(automaton, tokens, 10);
    all.insert(all.end(), times.begin(), times.end());
    std::printf("%-28s %11.0f %9.0f %9.0f %9.0f %9.0f\n", path.stem().c_str(), compiled.back(), times.front(),
                share(times, 0.5), share(times, 0.99), share(times, 1));
  }
  std::printf("%-28s %11.0f %9s %9.0f %9.0f %9.0f   (%zu masks; compiled: the slowest)\n", "all", share(compiled, 1),
              "", share(all, 0.5), share(all, 0.99), share(all, 1), all.size());
  return 0;
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_constraint MODEL.gguf FOLDER_OF_SCHEMAS\n");
    return 2;
  }
  return hearth::run(argv[1], argv[2]);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
