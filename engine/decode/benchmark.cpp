// Timing a plan with tokens that mean nothing.
#include "engine/decode/benchmark.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/errors.h"
#include "engine/model/loaded_model.h"
#include "engine/placement.h"

namespace hearth {
namespace {

using Clock = std::chrono::steady_clock;

// Sequences side by side, each in its own run of pages.
class Lanes {
 public:
  // scales: of adapters, in each sequence.
  Lanes(Plan& plan, const Limits& limits, uint32_t count, uint32_t vocabulary, std::vector<float> scales)
      : plan_(plan),
        limits_(limits),
        count_(count),
        pages_(limits.pages / count),
        vocabulary_(vocabulary),
        scales_(std::move(scales)) {}

  // Appends `tokens` to every sequence, from position `begin` on, in steps of as many rows as fit; candidates for
  // what follows each sequence. Seconds. profile: where the steps are added, if anywhere.
  double append(uint32_t begin, uint32_t tokens, RunProfile* profile = nullptr) {
    const auto start = Clock::now();
    const uint32_t step = std::max(1u, limits_.rows / count_);
    for (uint32_t done = 0; done < tokens; done += step)
      submit(begin + done, std::min(step, tokens - done), done + step >= tokens, profile);
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

 private:
  void submit(uint32_t begin, uint32_t tokens, bool last, RunProfile* profile) {
    Batch batch;
    batch.row_begin = {0};
    batch.page_begin = {0};
    for (uint32_t lane = 0; lane < count_; ++lane) {
      for (uint32_t i = 0; i < tokens; ++i) {
        batch.tokens.push_back(static_cast<int32_t>(((begin + i) * 7919u + lane * 104729u) % vocabulary_));
        batch.positions.push_back(begin + i);
      }
      for (uint32_t page = 0; page <= (begin + tokens - 1) / limits_.page_size; ++page)
        batch.pages.push_back(lane * pages_ + page);
      if (limits_.states > 0) batch.states.push_back(lane);
      batch.row_begin.push_back(static_cast<uint32_t>(batch.tokens.size()));
      batch.page_begin.push_back(static_cast<uint32_t>(batch.pages.size()));
      batch.adapter_scales.insert(batch.adapter_scales.end(), scales_.begin(), scales_.end());
      if (last) batch.outputs.push_back(static_cast<uint32_t>(batch.tokens.size()) - 1);
    }
    batch.candidates.assign(batch.outputs.size(), Sampling().top_k);  // what sampling wants where nothing is said
    if (profile != nullptr) {
      profile->sum.add(plan_.profile(batch));
      ++profile->steps;
      return;
    }
    plan_.submit(batch);
    (void)plan_.wait();
  }

  Plan& plan_;
  Limits limits_;
  uint32_t count_, pages_, vocabulary_;
  std::vector<float> scales_;
};

void measure(Lanes& lanes, const BenchmarkOptions& options, BenchmarkResult& result) {
  if (options.profile) {  // a device that cannot says so at once
    RunProfile unused;
    lanes.append(0, 1, &unused);
  }
  for (uint32_t run = 0; run <= options.runs + (options.profile ? 1 : 0); ++run) {
    if (options.depth > 0 && run == 0) lanes.append(0, options.depth);
    RunProfile of_prompt, of_generation;
    const bool profiled = run > options.runs;
    double prompt = 0, generate = 0;
    if (options.prompt > 0) prompt = lanes.append(options.depth, options.prompt, profiled ? &of_prompt : nullptr);
    for (uint32_t i = 0; i < options.generate; ++i)
      generate += lanes.append(options.depth + i, 1, profiled ? &of_generation : nullptr);
    if (profiled) {
      result.prompt_profile = std::move(of_prompt);
      result.generate_profile = std::move(of_generation);
    } else if (run > 0) {
      if (options.prompt > 0) result.prompt_rate.push_back(options.prompt * options.batch / prompt);
      if (options.generate > 0) result.generate_rate.push_back(options.generate * options.batch / generate);
    }
  }
  const auto tell_others = [](RunProfile& profile, double tokens, const std::vector<double>& rates) {
    if (profile.steps > 0) profile.step_seconds = tokens / median(rates) / profile.steps;
  };
  tell_others(result.prompt_profile, options.prompt * options.batch, result.prompt_rate);
  tell_others(result.generate_profile, options.generate * options.batch, result.generate_rate);
}

// The values of the weights that a token meets, or their bytes: not those of the embedding table, which is only looked
// up unless it is also the output; of experts, as many as are used by one token; and the output matrix where
// `of_output`.
double weights_in_use(const Program& program, bool in_bytes, bool of_output) {
  std::vector<double> shares(program.weights.size(), 1);
  bool selected = false;
  for (const Op& op : program.ops) {
    if (const auto* embed = std::get_if<Embed>(&op)) shares[embed->table] = 0;
    if (const auto* experts = std::get_if<Experts>(&op))
      for (const WeightId id : {experts->gate, experts->up, experts->down})
        if (id != kNoWeight) shares[id] = static_cast<double>(experts->used) / experts->count;
    selected = selected || std::holds_alternative<Select>(op);
    if (const auto* linear = std::get_if<Linear>(&op)) shares[linear->weight] = selected && !of_output ? 0 : 1;
  }
  double sum = 0;
  for (size_t i = 0; i < shares.size(); ++i) {
    const Weight& weight = program.weights[i];
    sum += shares[i] * static_cast<double>(in_bytes ? weight.bytes.size() : weight.width * weight.rows);
  }
  return sum;
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

BenchmarkResult benchmark(const std::filesystem::path& path, const EngineOptions& engine,
                          const BenchmarkOptions& options) {
  return with_public_errors([&] {
    if (options.prompt == 0 && options.generate == 0)
      throw Error(ErrorCode::invalid_argument, "there is nothing to measure: no prompt and no generation");
    BenchmarkResult result;
    Gguf file = Gguf::open(path);
    const DeviceOptions device_options{engine.device, engine.kernels, engine.threads, engine.vulkan_products};
    const DeviceInfo before = describe_device(device_options);
    const auto start = Clock::now();
    ModelOptions model_options;
    model_options.context = options.depth + std::max(options.prompt, options.generate);
    model_options.kv_type = engine.cache_type == CacheType::f32   ? KvType::f32
                            : engine.cache_type == CacheType::f16 ? KvType::f16
                                                                  : KvType::q8_0;
    model_options.pre_tokenizer = engine.pre_tokenizer;
    model_options.chat_template = false;
    model_options.deterministic = engine.deterministic;
    model_options.step_rows = best_step_rows(device_options);
    std::vector<float> scales;
    for (const AdapterFile& adapter : engine.adapters) {
      model_options.adapters.push_back(adapter.path);
      scales.push_back(adapter.scale);
    }
    const LoadedModel model = load_model(std::move(file), model_options);
    if (!model.config.causal)
      throw Error(ErrorCode::invalid_argument, "a model that makes embeddings and no text cannot be measured");
    Limits limits = model.limits;
    limits.pages *= options.batch;
    if (limits.states > 0) limits.states = options.batch;
    limits.rows = std::max({model.limits.rows, Limits{}.rows, options.batch});
    const Placement placement = place_model(device_options, engine.gpu_layers, {{&model.program, &limits}});
    const auto plan = placement.device->compile(model.program, limits);
    read_weights(model.program, [](double) {});
    result.load_seconds = std::chrono::duration<double>(Clock::now() - start).count();

    Lanes lanes(*plan, limits, options.batch, model.program.vocabulary, std::move(scales));
    measure(lanes, options, result);
    result.placement = placement.line;
    const bool alone = placement.device->free_memory() || placement.line.empty();
    const DeviceInfo info = alone ? describe_device(device_options) : DeviceInfo();  // roofs are those of one device
    result.device = alone ? info.name : placement.device->name();
    result.kernels = info.kernels;
    result.threads = info.threads;
    if (alone) {
      result.read_gb_s = (before.read_gb_s + info.read_gb_s) / 2;
      result.int8_gops = (before.int8_gops + info.int8_gops) / 2;
    }
    const double steps = median(result.generate_rate) / options.batch;
    if (result.read_gb_s > 0)
      result.generate_share = weights_in_use(model.program, true, true) * steps / 1e9 / result.read_gb_s;
    if (result.int8_gops > 0)
      result.prompt_share =
          2 * weights_in_use(model.program, false, false) * median(result.prompt_rate) / 1e9 / result.int8_gops;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    result.peak_memory = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
    return result;
  });
}

}  // namespace hearth
