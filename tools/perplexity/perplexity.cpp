// hearth perplexity: how well a model predicts a text, and how far it is from another model.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <future>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "formats/mapped_file.h"
#include "tools/command.h"
#include "tools/perplexity/base_file.h"
#include "tools/perplexity/scores.h"

namespace hearth {
namespace {

constexpr uint32_t kDefaultChunk = 512;
constexpr uint32_t kRowsAtOnce = 512;  // of a step of the engine, which several short chunks share

struct PerplexityOptions {
  std::string model, text, base, save;
  EngineOptions engine;
  uint32_t chunk = 0, most_chunks = 0;
  bool json = false;
};

// What is scored: whole chunks of tokens, and the token that each begins with instead of its own, if any.
struct ScoredText {
  BaseHeader shape;
  std::vector<int32_t> tokens;  // [chunks x chunk]
  std::optional<int32_t> first;

  std::vector<int32_t> chunk(uint32_t index) const {
    const auto begin = tokens.begin() + static_cast<ptrdiff_t>(size_t{index} * shape.chunk);
    std::vector<int32_t> result(begin, begin + static_cast<ptrdiff_t>(shape.chunk));
    if (first) result.front() = *first;
    return result;
  }
};

// The token that a text of the model begins with; nothing where it begins without one.
std::optional<int32_t> find_bos(const Engine& engine) {
  const std::vector<int32_t> ids = engine.prompt_tokens({.prompt = std::string()});
  return ids.empty() ? std::nullopt : std::optional(ids.front());
}

std::string read_text(const std::string& path) {
  const MappedFile file(path);
  std::string text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  if (text.ends_with('\n')) text.pop_back();  // as llama.cpp takes a file
  return text;
}

ScoredText take_text(const Engine& engine, const PerplexityOptions& options) {
  ScoredText result;
  result.tokens = engine.prompt_tokens({.prompt = read_text(options.text)});
  result.first = find_bos(engine);
  const size_t chunks = result.tokens.size() / options.chunk;
  if (chunks == 0)
    throw std::runtime_error(options.text + ": has " + std::to_string(result.tokens.size()) +
                             " tokens, fewer than a chunk of " + std::to_string(options.chunk) + " (--ctx)");
  result.shape = {options.chunk, engine.info().vocabulary,
                  static_cast<uint32_t>(std::min<size_t>(chunks, UINT32_MAX / options.chunk))};
  return result;
}

ScoredText take_base(const Engine& engine, const BaseFile& base, const std::string& path) {
  if (base.header().vocabulary != engine.info().vocabulary)
    throw std::runtime_error(path + ": has a vocabulary of " + std::to_string(base.header().vocabulary) +
                             ", the model one of " + std::to_string(engine.info().vocabulary));
  return {base.header(), base.tokens(), find_bos(engine)};
}

// Calls work(i) for i below count, from several threads.
template <class Work>
void in_parallel(uint32_t count, uint32_t threads, Work&& work) {
  std::atomic<uint32_t> next = 0;
  const auto run = [&] {
    for (uint32_t i; (i = next++) < count;) work(i);
  };
  std::vector<std::jthread> others;
  for (uint32_t i = 1; i < std::min(threads, count); ++i) others.emplace_back(run);
  run();
}

// Scores one chunk after the other.
class Scorer {
 public:
  Scorer(const ScoredText& text, const BaseFile* base, BaseFileWriter* save, uint32_t threads)
      : text_(text), base_(base), save_(save), threads_(threads) {}

  // logits: after the scored positions of a chunk.
  void add(uint32_t chunk, const std::vector<std::vector<float>>& logits) {
    const auto count = static_cast<uint32_t>(logits.size());
    const auto token_after = [&](uint32_t i) {
      return text_.tokens[size_t{chunk} * text_.shape.chunk + first_scored(text_.shape.chunk) + i + 1];
    };
    std::vector<TokenComparison> tokens(count);
    std::vector<std::vector<uint16_t>> codes(save_ != nullptr ? count : 0);
    std::vector<CodedLogprobs> rows(codes.size());
    in_parallel(count, threads_, [&](uint32_t i) {
      if (base_ != nullptr)
        tokens[i] = compare(logits[i], base_->row(chunk, i), token_after(i));
      else
        tokens[i].nll = nll_of(logits[i], token_after(i));
      if (save_ == nullptr) return;
      codes[i].resize(logits[i].size());
      rows[i] = code_logprobs(logits[i], codes[i]);
    });
    for (const TokenComparison& token : tokens) {
      nll_.add(token.nll);
      if (base_ != nullptr) comparison_.add(token);
    }
    for (const CodedLogprobs& row : rows) save_->add(row);
  }

  const Mean& nll() const { return nll_; }
  const Comparison& comparison() const { return comparison_; }

 private:
  const ScoredText& text_;
  const BaseFile* base_;
  BaseFileWriter* save_;
  uint32_t threads_;
  Mean nll_;
  Comparison comparison_;
};

// Shows how far the scoring is, where stderr is a terminal.
class ProgressOfChunks {
 public:
  explicit ProgressOfChunks(uint32_t chunks) : chunks_(chunks) {}
  void show(uint32_t done, const Mean& nll) const {
    if (!terminal_) return;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    std::fprintf(stderr, "\r%u of %u chunks, perplexity %.4f, %.0f s left\033[K", done, chunks_,
                 perplexity_of(nll).value, seconds / done * (chunks_ - done));
  }
  ~ProgressOfChunks() {
    if (terminal_) std::fputs("\r\033[K", stderr);
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  uint32_t chunks_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// Runs the engine over all chunks, as many at once as fill its steps.
void score(Engine& engine, const ScoredText& text, uint32_t lanes, Scorer& scorer) {
  const uint32_t chunk = text.shape.chunk;
  std::vector<uint32_t> positions;
  for (uint32_t i = 0; i < scored_count(chunk); ++i) positions.push_back(first_scored(chunk) + i);
  const ProgressOfChunks progress(text.shape.chunks);
  for (uint32_t begin = 0; begin < text.shape.chunks; begin += lanes) {
    std::vector<std::future<std::vector<std::vector<float>>>> running;
    const uint32_t end = std::min(begin + lanes, text.shape.chunks);
    for (uint32_t i = begin; i < end; ++i)
      running.push_back(std::async(std::launch::async, [&, i] {
        std::vector<int32_t> tokens = text.chunk(i);
        tokens.pop_back();  // nothing is asked after the last one
        return engine.logits(tokens, positions);
      }));
    for (uint32_t i = begin; i < end; ++i) scorer.add(i, running[i - begin].get());
    progress.show(end, scorer.nll());
  }
}

nlohmann::ordered_json json_of(const Estimate& estimate) {
  return {{"value", estimate.value}, {"error", estimate.error}};
}

constexpr std::pair<const char*, double> kDivergenceShares[] = {
    {"min", 0},   {"1%", 0.01},  {"5%", 0.05},  {"10%", 0.1},     {"median", 0.5},
    {"90%", 0.9}, {"95%", 0.95}, {"99%", 0.99}, {"99.9%", 0.999}, {"max", 1}};

void print_json(const ScoredText& text, const Scorer& scorer, bool compared) {
  nlohmann::ordered_json json = {{"perplexity", json_of(perplexity_of(scorer.nll()))},
                                 {"nll", json_of(scorer.nll().estimate())},
                                 {"context", text.shape.chunk},
                                 {"chunks", text.shape.chunks},
                                 {"tokens", scorer.nll().count()}};
  if (compared) {
    const Comparison::Summary summary = scorer.comparison().summary();
    nlohmann::ordered_json divergence = json_of(summary.divergence), change = json_of(summary.probability_change);
    for (const auto& [name, share] : kDivergenceShares) {
      divergence[name] = scorer.comparison().divergence_at(share);
      change[name] = scorer.comparison().change_at(share);
    }
    json["base"] = {{"perplexity", json_of(summary.base_perplexity)},
                    {"log_ratio", json_of(summary.log_ratio)},
                    {"correlation", summary.correlation},
                    {"kl_divergence", std::move(divergence)},
                    {"probability_change", std::move(change)},
                    {"rms_probability_change", json_of(summary.rms_change)},
                    {"same_top_token", json_of(summary.same_top)}};
  }
  std::cout << json.dump() << '\n';
}

void print_line(const char* name, const Estimate& estimate, const char* unit = "") {
  std::printf("%-28s %12.6f +/- %.6f%s\n", name, estimate.value, estimate.error, unit);
}

void print_text(const ScoredText& text, const Scorer& scorer, bool compared) {
  const Estimate perplexity = perplexity_of(scorer.nll());
  std::printf("perplexity %.4f +/- %.4f over %llu tokens in %u chunks of %u\n", perplexity.value, perplexity.error,
              static_cast<unsigned long long>(scorer.nll().count()), text.shape.chunks, text.shape.chunk);
  if (!compared) return;
  const Comparison::Summary summary = scorer.comparison().summary();
  const double ratio = std::exp(summary.log_ratio.value);
  print_line("perplexity of the base", summary.base_perplexity);
  print_line("ratio to the base", {ratio, ratio * summary.log_ratio.error});
  print_line("KL divergence", summary.divergence);
  for (const auto& [name, share] : kDivergenceShares)
    if (share >= 0.5) std::printf("  %-26s %12.6f\n", name, scorer.comparison().divergence_at(share));
  const auto percent = [](const Estimate& one) { return Estimate{one.value * 100, one.error * 100}; };
  print_line("change of probability", percent(summary.probability_change), " %");
  print_line("  root mean square", percent(summary.rms_change), " %");
  print_line("same likeliest token", percent(summary.same_top), " %");
}

void run(PerplexityOptions options, bool has_chunk) {
  if (options.text.empty() == options.base.empty())
    throw UsageError(options.text.empty() ? "needs a TEXT, or a --base with one"
                                          : "a --base has its own text; give no TEXT");
  std::optional<BaseFile> base;
  if (!options.base.empty()) {
    base.emplace(options.base);
    if (has_chunk && options.chunk != base->header().chunk)
      throw UsageError("--ctx is " + std::to_string(options.chunk) + ", but the base has chunks of " +
                       std::to_string(base->header().chunk));
    options.chunk = base->header().chunk;
  }
  const uint32_t lanes = std::max(1u, kRowsAtOnce / options.chunk);
  options.engine.context = options.chunk;
  options.engine.parallel = lanes;
  options.engine.chat_template = false;
  Engine engine = load_engine(options.model, options.engine);
  ScoredText text = base ? take_base(engine, *base, options.base) : take_text(engine, options);
  if (options.most_chunks > 0) text.shape.chunks = std::min(text.shape.chunks, options.most_chunks);
  text.tokens.resize(size_t{text.shape.chunks} * text.shape.chunk);
  std::optional<BaseFileWriter> save;
  if (!options.save.empty()) save.emplace(options.save, text.shape, text.tokens);
  const uint32_t threads =
      options.engine.threads != 0 ? options.engine.threads : std::max(1u, std::thread::hardware_concurrency());
  Scorer scorer(text, base ? &*base : nullptr, save ? &*save : nullptr, threads);
  score(engine, text, lanes, scorer);
  if (save) save->finish();
  if (options.json)
    print_json(text, scorer, base.has_value());
  else
    print_text(text, scorer, base.has_value());
}

}  // namespace

void add_perplexity(CLI::App& program) {
  const auto options = std::make_shared<PerplexityOptions>();
  CLI::App* command = program.add_subcommand("perplexity", "Measure how well a model predicts a text");
  command->add_option("MODEL", options->model, "A GGUF file, or a name in the store")->required();
  command->add_option("TEXT", options->text, "A text file");
  add_engine_options(*command, options->engine);
  add_adapter_option(*command, options->engine.adapters);
  command->remove_option(command->get_option("--ctx"));
  options->chunk = kDefaultChunk;
  const CLI::Option* chunk =
      command->add_option("--ctx", options->chunk, "Tokens of a chunk of the text; of its second half each is scored")
          ->check(between(4, 1 << 20))
          ->capture_default_str();
  command->add_option("--chunks", options->most_chunks, "Score at most this many; default: all")
      ->check(between(1, 1 << 24));
  command->add_option("--save-logits", options->save,
                      "Write the model's log-probabilities to this file, to compare other models with");
  command->add_option("--base", options->base,
                      "Such a file: also tell how far the model is from that one, on the same text");
  command->add_flag("--json", options->json, "One line of JSON");
  command->footer(
      "As llama.cpp's llama-perplexity computes it, with its files of log-probabilities (2 bytes for each scored\n"
      "token and token of the vocabulary). Errors are standard errors of the mean.");
  command->callback([=] { run(*options, chunk->count() > 0); });
}

}  // namespace hearth
