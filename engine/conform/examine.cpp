// Each property as one function.
#include "engine/conform/examine.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace hearth::conform {
namespace {

constexpr std::string_view kSameBits =
    "The same steps give the same bits. A device that gives others reads what it has not written, or adds in an order "
    "that is left to chance.";
constexpr std::string_view kSameInBatches =
    "With deterministic limits the bits of a row depend on its own sequence alone: not on others in the batch, and not "
    "on how its text is cut into steps.";
constexpr std::string_view kNoNumbers =
    "NaN or infinity shows in every value that depends on it, as in the reference, and changes no bit of any other; "
    "nor "
    "does NaN in cells of the cache that were never written.";

// A program that a device does not run.
class NotSupported : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

Inputs inputs_of(Property property) {
  return property == Property::denormal ? Inputs::denormal
         : property == Property::large  ? Inputs::large
                                        : Inputs::usual;
}

// Every key and value of the cache becomes NaN.
void spoil_cache(Plan& plan, const Program& program, const Limits& limits) {
  if (program.layers == 0) return;
  const std::vector<std::byte> bytes(position_bytes(program, limits.kv_type) * limits.page_size, std::byte{0xff});
  for (uint32_t page = 0; page < limits.pages; ++page) plan.write_page(page, limits.page_size, bytes);
}

std::string steps_of(uint32_t chunk) { return " (in steps of " + std::to_string(chunk) + ")"; }

}  // namespace

Examiner::Examiner(const Case& one, BlockPool& pool, uint32_t seed, bool every_op)
    : case_(one), every_op_(every_op), reference_(make_device({.name = "reference"})) {
  trial_ = one.build({pool, seed, inputs_of(one.property)});
  rows_ = rows_of(trial_->text);
}

Record Examiner::examine(const std::string& name, Device& device) {
  const Precision precision = precision_of(name, case_.format_class, case_.format);
  const Tolerance& tolerance = find_tolerance(case_.op, case_.format_class, precision, case_.cache);
  Record record{.device = name, .op = case_.op};
  record.property = name_of(case_.property);
  record.format = case_.format_name();
  record.format_class = case_.format_class == FormatClass::none     ? "-"
                        : case_.format_class == FormatClass::floats ? "floats"
                                                                    : "blocks";
  record.cache = trial_->own.program.layers > 0 ? name_of(case_.cache) : "-";
  record.precision = name_of(precision);
  record.shape = case_.shape;
  record.reason = tolerance.reason;
  record.nmse_limit = tolerance.nmse;
  if (trial_->text.tokens[0].empty()) {
    record.outcome = Outcome::skipped;
    record.message = "every token of this seed leaves the choice of experts to roundings";
    return record;
  }
  try {
    switch (case_.property) {
      case Property::repeat:
        run_repeat(device, record);
        break;
      case Property::batch:
        run_batch(device, record);
        break;
      case Property::poison:
        run_poison(device, record);
        break;
      case Property::model:
        run_model(device, name, record);
        break;
      default:
        run_accuracy(device, precision, record);
    }
  } catch (const NotSupported& error) {
    record.outcome = Outcome::skipped;
    record.message = error.what();
  } catch (const std::exception& error) {
    fail(record, std::string("the device gave up: ") + error.what());
  }
  if (record.outcome == Outcome::failed && case_.property != Property::model) locate(device, name, record);
  return record;
}

void Examiner::fail(Record& record, const std::string& message) {
  record.outcome = Outcome::failed;
  record.share = std::numeric_limits<double>::infinity();
  record.message = message;
}

std::unique_ptr<Plan> Examiner::compile(Device& device, const Program& program, bool deterministic) {
  Limits limits = trial_->limits;
  limits.deterministic = deterministic;
  try {
    return device.compile(program, limits);
  } catch (const WrongResults&) {
    throw;
  } catch (const DeviceError& error) {
    throw NotSupported(error.what());
  }
}

Results Examiner::run(Plan& plan, const Text& text, uint32_t chunk) const {
  return run_text(plan, trial_->own.program, trial_->limits, text, chunk, trial_->cached_layer, trial_->most_steps,
                  trial_->candidates);
}

const Results& Examiner::expected() {
  if (expected_.empty())
    expected_ = run(*compile(*reference_, trial_->own.program), trial_->text, trial_->chunks.front());
  return expected_;
}

const std::vector<std::vector<double>>& Examiner::bounds(Precision precision) {
  auto& all = bounds_[precision];
  if (!all.empty()) return all;
  for (size_t s = 0; s < rows_.size(); ++s) {
    auto& of_sequence = all.emplace_back(expected()[s].size());
    const size_t width = of_sequence.size() / rows_[s];
    for (uint32_t i = 0; i < rows_[s]; ++i)
      trial_->bounds({trial_->text.tokens[s], i}, precision, std::span(expected()[s]).subspan(i * width, width),
                     std::span(of_sequence).subspan(i * width, width));
  }
  return all;
}

void Examiner::run_accuracy(Device& device, Precision precision, Record& record) {
  const double nmse_limit = record.nmse_limit;
  const auto plan = compile(device, trial_->own.program);
  for (const uint32_t chunk : trial_->chunks) {
    const Results found = run(*plan, trial_->text, chunk);
    const Distance apart = distance(expected(), found, bounds(precision), rows_);
    // Where all values may vanish, their squares say nothing.
    const bool counts = case_.property != Property::denormal;
    // Among few values chance has more say.
    const double limit = nmse_limit * (1 + 100.0 / static_cast<double>(apart.values));
    const bool past = counts && apart.nmse > limit;
    double share = apart.part;
    if (counts && limit > 0) share = std::max(share, apart.nmse / limit);
    if (past) share = std::max(share, 1.001);
    if (share >= record.share) {
      record.share = share;
      record.nmse_limit = limit;
      record.error = apart.error;
      record.bound = apart.bound;
      record.nmse = apart.nmse;
    }
    if (record.outcome == Outcome::failed || (apart.part <= 1 && !past)) continue;
    record.outcome = Outcome::failed;
    record.message = (apart.part > 1 ? std::to_string(apart.off) + " of " + std::to_string(apart.values) +
                                           " values are past their bounds, most of all "
                                     : "the mean square error is past its limit, most of all ") +
                     apart.worst + steps_of(chunk);
  }
}

void Examiner::run_repeat(Device& device, Record& record) {
  record.reason = kSameBits;
  record.nmse_limit = 0;
  const auto plan = compile(device, trial_->own.program), other = compile(device, trial_->own.program);
  const uint32_t chunk = trial_->chunks.front(), last = trial_->chunks.back();
  const Results first = run(*plan, trial_->text, chunk);
  run(*plan, trial_->text, last);  // so that slots hold something else
  for (Plan* again : {plan.get(), other.get()}) {
    const std::string difference = first_difference(first, run(*again, trial_->text, chunk), rows_);
    if (!difference.empty())
      return fail(record, std::string(again == plan.get() ? "the same plan" : "another plan") +
                              " gives other bits: " + difference + steps_of(chunk));
  }
}

void Examiner::run_batch(Device& device, Record& record) {
  record.reason = kSameInBatches;
  record.nmse_limit = 0;
  const auto plan = compile(device, trial_->own.program, true);
  const Text& text = trial_->text;
  const Results together = run(*plan, text, trial_->chunks.front());
  for (const uint32_t chunk : trial_->chunks) {
    const std::string difference = first_difference(together, run(*plan, text, chunk), rows_);
    if (!difference.empty()) return fail(record, "other bits in other steps: " + difference + steps_of(chunk));
  }
  for (size_t s = 0; s < text.tokens.size() && text.tokens.size() > 1; ++s) {
    Text alone{{text.tokens[s]}, {text.pages[s]}};
    if (!text.scales.empty()) alone.scales = {text.scales[s]};
    for (const uint32_t chunk : {trial_->chunks.front(), trial_->chunks.back()}) {
      const std::string difference = first_difference({together[s]}, run(*plan, alone, chunk), {rows_[s]});
      if (!difference.empty())
        return fail(record,
                    "other bits where sequence " + std::to_string(s) + " is alone: " + difference + steps_of(chunk));
    }
  }
}

void Examiner::run_poison(Device& device, Record& record) {
  record.reason = kNoNumbers;
  record.nmse_limit = 0;
  const size_t s = static_cast<size_t>(std::max_element(rows_.begin(), rows_.end()) - rows_.begin());
  Text clean = trial_->text, poisoned = trial_->text;
  const auto plan = compile(device, trial_->own.program);
  const auto reference = compile(*reference_, trial_->own.program);
  for (const int32_t token : {kNanToken, kInfinityToken}) {
    clean.tokens[s][rows_[s] / 2] = 0;
    poisoned.tokens[s][rows_[s] / 2] = token;
    const uint32_t all = trial_->chunks.front();
    const Results reference_clean = run(*reference, clean, all), reference_poisoned = run(*reference, poisoned, all);
    for (const uint32_t chunk : {all, trial_->chunks.back()}) {
      spoil_cache(*plan, trial_->own.program, trial_->limits);
      const Results found = run(*plan, clean, chunk), also = run(*plan, poisoned, chunk);
      const std::string wrong =
          wrong_poison({reference_clean, reference_poisoned}, {found, also}, token == kInfinityToken, rows_);
      if (!wrong.empty())
        return fail(record, std::string(token == kNanToken ? "NaN" : "infinity") + " in sequence " + std::to_string(s) +
                                ", row " + std::to_string(rows_[s] / 2) + ": " + wrong + steps_of(chunk));
    }
  }
}

bool Examiner::departs(Device& device, size_t index, const std::string& name, Distance& apart) {
  if (prefixes_.empty()) prefixes_ = prefixes_of(trial_->own.program);
  const Prefix& prefix = prefixes_[index];
  const Limits& limits = trial_->limits;
  Results& wanted = expected_prefixes_[index];
  if (wanted.empty())
    wanted = run_text(*compile(*reference_, prefix.program), prefix.program, limits, trial_->text,
                      trial_->chunks.front(), prefix.cached_layer);
  const auto plan = compile(device, prefix.program);
  // A model's roundings add up; a single op's row of the table allows for itself alone.
  const bool model = case_.property == Property::model;
  const FormatClass format = model ? case_.format_class : prefix.format_class;
  const double limit =
      find_tolerance(model ? "model" : prefix.op, format, precision_of(name, format, prefix.format), case_.cache).nmse;
  const double kept = case_.cache == KvType::f32 ? 0 : 1e-4;  // keys that fall to the other side of a rounding
  for (const uint32_t chunk : trial_->chunks) {
    const Results found = run_text(*plan, prefix.program, limits, trial_->text, chunk, prefix.cached_layer);
    const Distance one = distance(wanted, found, {}, rows_);
    if (chunk == trial_->chunks.front() || one.nmse > apart.nmse) apart = one;
    if (one.part > 1 || one.nmse > limit + (model ? kept : 0)) {
      apart = one;
      return true;
    }
  }
  return false;
}

void Examiner::run_model(Device& device, const std::string& name, Record& record) {
  if (prefixes_.empty()) prefixes_ = prefixes_of(trial_->own.program);
  if (!every_op_) {
    Distance apart;
    const bool wrong = departs(device, prefixes_.size() - 1, name, apart);
    record.nmse = apart.nmse;
    record.share = apart.nmse / record.nmse_limit;
    if (!wrong) return;
  }
  for (size_t i = 0; i < prefixes_.size(); ++i) {
    Distance apart;
    const bool wrong = departs(device, i, name, apart);
    record.nmse = std::max(record.nmse, apart.nmse);
    record.share = std::max(record.share, apart.nmse / record.nmse_limit);
    if (!wrong) continue;
    const double share = record.share;
    fail(record, prefixes_[i].what + ", is the first whose result departs: " + apart.worst);
    record.op = prefixes_[i].op;
    if (apart.part <= 1) record.share = share;
    return;
  }
}

void Examiner::locate(Device& device, const std::string& name, Record& record) try {
  if (prefixes_.empty()) prefixes_ = prefixes_of(trial_->own.program);
  for (size_t i = 0; i < prefixes_.size() && prefixes_[i].op != case_.op; ++i) {
    Distance apart;
    if (!departs(device, i, name, apart)) continue;
    record.message =
        "of a case of " + case_.op + ", " + prefixes_[i].what + ", is the first whose result departs: " + apart.worst;
    record.op = prefixes_[i].op;
    return;
  }
} catch (const std::exception&) {
  // A device that gives up on the way to an op says nothing of it: the case fails as it did.
}

}  // namespace hearth::conform
