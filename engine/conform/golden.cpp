// Recorded results of model files.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>

#include "engine/conform/compare.h"
#include "engine/conform/conform.h"
#include "engine/model/decoder.h"
#include "formats/gguf.h"

namespace hearth::conform {
namespace {

constexpr uint32_t kContext = kMostGoldenTokens, kGoldenPage = 32;
// What the recorded results allow for: the arithmetic of F32, and values in binary16 on the way.
constexpr double kExact = 2e-4, kHalf = 3e-2;
// Twice what other engines differ by; distributions stay closer than that.
constexpr double kRoundedDivergence = 0.03, kHalfDivergence = 1e-3, kDivergence = 1e-6;
constexpr double kMxfp4Error = 0.6;

using Vectors = std::vector<std::vector<float>>;

Limits golden_limits() {
  return {
      .rows = kContext, .pages = kContext / kGoldenPage, .page_size = kGoldenPage, .states = 1, .kv_type = KvType::f32};
}

// Feeds a sequence `chunk` tokens at a time and returns the results of the wanted positions.
Vectors results_of(Plan& plan, const Program& program, const GoldenModel::Sequence& sequence, uint32_t chunk) {
  std::vector<uint32_t> pages(kContext / kGoldenPage);
  for (uint32_t i = 0; i < pages.size(); ++i) pages[i] = static_cast<uint32_t>(pages.size()) - 1 - i;
  const size_t width = result_width(program);
  Vectors results;
  const auto length = static_cast<uint32_t>(sequence.tokens.size());
  for (uint32_t begin = 0; begin < length; begin += chunk) {
    const uint32_t end = std::min(begin + chunk, length);
    Batch batch;
    batch.row_begin = {0, end - begin};
    batch.page_begin = {0, static_cast<uint32_t>(pages.size())};
    batch.pages = pages;
    if (!program.state_width.empty()) batch.states = {0};
    for (uint32_t position = begin; position < end; ++position) {
      batch.tokens.push_back(sequence.tokens[position]);
      batch.positions.push_back(position);
      if (std::find(sequence.positions.begin(), sequence.positions.end(), position) != sequence.positions.end())
        batch.outputs.push_back(position - begin);
    }
    plan.submit(batch);
    const std::span<const float> found = plan.wait().logits;
    if (found.size() != batch.outputs.size() * width) throw DeviceError("a step gave another number of values");
    for (size_t i = 0; i < batch.outputs.size(); ++i)
      results.emplace_back(found.begin() + static_cast<ptrdiff_t>(i * width),
                           found.begin() + static_cast<ptrdiff_t>((i + 1) * width));
  }
  return results;
}

std::vector<float> pooled(const Vectors& hidden, const std::string& rule) {
  if (rule == "cls") return hidden.front();
  if (rule == "last") return hidden.back();
  std::vector<float> mean(hidden.front().size());
  for (const auto& one : hidden)
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += one[i] / static_cast<float>(hidden.size());
  return mean;
}

// Of the distribution that logits stand for, from the expected one.
double divergence(std::span<const float> expected, std::span<const float> found) {
  const auto log_sum = [](std::span<const float> logits) {
    double sum = 0;
    for (const float logit : logits) sum += std::exp(double{logit});
    return std::log(sum);
  };
  const double expected_sum = log_sum(expected), found_sum = log_sum(found);
  double result = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double log_probability = double{expected[i]} - expected_sum;
    result += std::exp(log_probability) * (log_probability - (double{found[i]} - found_sum));
  }
  return result;
}

// A model file that is open, and what it becomes.
struct OpenModel {
  explicit OpenModel(const GoldenModel& model)
      : file(Gguf::open(model.file)), config(read_config(file)), decoder(build_decoder(file, config, kContext)) {
    if (!model.pooling.empty()) decoder = without_head(decoder);
    std::map<std::pair<bool, Format>, uint64_t> values;  // blocks or not, format
    for (const Weight& weight : decoder.weights)
      if (weight.rows > 1)
        values[{class_of(weight.format) == FormatClass::blocks, weight.format}] += weight.rows * weight.width;
    uint64_t most = 0;
    bool blocks = false;
    for (const auto& [kind, count] : values) {
      if (kind.first == blocks && count <= most) continue;
      blocks = kind.first;
      most = count;
      format = kind.second;
    }
  }
  Gguf file;
  ModelConfig config;
  Program decoder;
  Format format = Format::f32;  // of most values in blocks; of most values where none are
};

void compare_golden(Device& device, const GoldenModel& model, const OpenModel& open, Record& record) {
  std::unique_ptr<Plan> plan;
  try {
    plan = device.compile(open.decoder, golden_limits());
  } catch (const WrongResults&) {
    throw;
  } catch (const DeviceError& error) {
    record.outcome = Outcome::skipped;
    record.message = error.what();
    return;
  }
  for (const uint32_t chunk : {kContext, 13u}) {
    if (chunk != kContext && !open.config.causal) continue;  // what sees all of a sequence gets it at once
    double divergences = 0;
    size_t count = 0;
    for (size_t s = 0; s < model.sequences.size(); ++s) {
      const GoldenModel::Sequence& sequence = model.sequences[s];
      Vectors found = results_of(*plan, open.decoder, sequence, chunk);
      if (!model.pooling.empty()) found = {pooled(found, model.pooling)};
      for (size_t i = 0; i < sequence.results.size(); ++i, ++count) {
        if (found.size() <= i || found[i].size() != sequence.results[i].size())
          throw DeviceError("results have another size than those recorded");
        const std::vector<std::vector<double>> bounds{std::vector<double>(found[i].size(), record.bound)};
        const Distance apart = distance({sequence.results[i]}, {found[i]}, bounds, {1});
        record.error = std::max(record.error, apart.error);
        record.share = std::max(record.share, apart.part);
        if (model.pooling.empty()) divergences += divergence(sequence.results[i], found[i]);
        if (apart.part <= 1 || record.outcome == Outcome::failed) continue;
        record.outcome = Outcome::failed;
        record.message = "sequence of " + std::to_string(sequence.tokens.size()) + " tokens, result " +
                         std::to_string(i) + ", " + apart.worst + " (in steps of " + std::to_string(chunk) + ")";
      }
    }
    record.nmse = std::max(record.nmse, divergences / static_cast<double>(std::max<size_t>(count, 1)));
  }
  record.share = std::max(record.share, record.nmse / record.nmse_limit);
  if (record.nmse <= record.nmse_limit || record.outcome == Outcome::failed) return;
  record.outcome = Outcome::failed;
  record.message = "the mean divergence of probabilities is past its limit";
}

// What is allowed of a model on a device, before it is run; `open` is null for a file that cannot be read.
Record begin_record(const std::string& device, const GoldenModel& model, const OpenModel* open) {
  Record record{.device = device, .op = "model", .property = "golden", .format = "-", .format_class = "-"};
  record.cache = "f32";
  record.shape = model.name + ", " + std::to_string(model.sequences.size()) + " sequences at once and by 13";
  record.reason = "A model file beside recorded results can be read.";
  if (open == nullptr) return record;
  const FormatClass format = class_of(open->format);
  const Precision precision = precision_of(device, format, open->format);
  const bool exact = device == "reference";
  const bool mxfp4 = open->format == Format::mxfp4 && !exact, rounded = mxfp4 || (model.rounded_error > 0 && !exact);
  const bool half = precision == Precision::f16;
  record.format = format_info(open->format).name;
  record.format_class = format == FormatClass::floats ? "floats" : "blocks";
  record.precision = name_of(precision);
  record.bound = mxfp4 ? kMxfp4Error : rounded ? 2 * model.rounded_error : half ? kHalf : kExact;
  record.nmse_limit = rounded ? kRoundedDivergence : half ? kHalfDivergence : kDivergence;
  record.reason = rounded ? "Recorded with exact activations: rounding them to 8 bits may differ by twice what other "
                            "engines that round them do; nmse is the mean divergence of probabilities."
                          : "Recorded in 32-bit floats, which over these depths are 1e-5 to 1e-4 from exact "
                            "arithmetic; nmse is the mean divergence of probabilities.";
  return record;
}

}  // namespace

void run_golden(const std::vector<Candidate>& candidates, const std::vector<GoldenModel>& models,
                const std::function<void(const Record&)>& tell) {
  std::vector<std::unique_ptr<Device>> devices;
  std::vector<std::string> failures;
  for (const Candidate& candidate : candidates) {
    devices.push_back(nullptr);
    failures.emplace_back();
    try {
      devices.back() = candidate.make();
    } catch (const DeviceError& error) {
      failures.back() = error.what();
    }
  }
  for (const GoldenModel& model : models) {
    std::unique_ptr<OpenModel> open;
    std::string why_not;
    try {
      open = std::make_unique<OpenModel>(model);
    } catch (const std::exception& error) {
      why_not = error.what();
    }
    for (size_t d = 0; d < devices.size(); ++d) {
      Record record = begin_record(candidates[d].name, model, open.get());
      try {
        if (open == nullptr) throw std::runtime_error("the model cannot be read: " + why_not);
        if (devices[d] == nullptr) throw std::runtime_error(failures[d]);
        compare_golden(*devices[d], model, *open, record);
      } catch (const std::exception& error) {
        record.outcome = Outcome::failed;
        record.share = std::numeric_limits<double>::infinity();
        record.message = error.what();
      }
      tell(record);
    }
  }
}

}  // namespace hearth::conform
