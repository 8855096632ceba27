// Conformance of devices: every op, format and shape against the reference in double precision, and what is promised
// besides: the same bits twice, alone and in a batch, and what becomes of values that are no numbers.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/devices.h"

namespace hearth::conform {

// A device to be examined.
struct Candidate {
  std::string name;         // "cpu avx2"
  std::string description;  // for people: threads, measured roofs
  std::function<std::unique_ptr<Device>()> make;
  // The same with one thread, where a device has threads: for the many cases that are too small to share.
  std::function<std::unique_ptr<Device>()> make_alone = {};
};

// The devices of these names, each "cpu" (once for each instruction set that runs here), "cpu:avx2", or another one's
// name; without names all that this machine has. With `measured`, descriptions tell roofs, which takes half a second
// each. Throws DeviceError for a name that is none; without names one that cannot be used is among them all the same.
std::vector<Candidate> find_candidates(const std::vector<std::string>& names, bool measured);

struct Selection {
  bool quick = false;
  uint32_t seed = 1;
  std::vector<std::string> ops, formats;  // names in either case; empty: all. Formats: those of weights and caches
};

enum class Outcome : uint8_t { passed, failed, skipped };

// One case on one device. `error` is the largest error as a part of its own `bound`, both absolute and of the value
// where the part is largest; `share` is the larger of that part and of nmse / nmse_limit.
struct Record {
  std::string device, op, property, format, format_class, cache, precision, shape;
  Outcome outcome = Outcome::passed;
  double error = 0, bound = 0, nmse = 0, nmse_limit = 0, share = 0;
  std::string reason;   // of the bound, or of the property
  std::string message;  // what failed and where, or why it was skipped
};

struct CaseName {
  std::string op, property, format, cache, shape;
};
std::vector<CaseName> list_cases(const Selection& selection);

// Runs the selected cases on all candidates, case by case; `tell` gets a record of each. `progress`, if any, is told
// the share that is done. What a device throws when it is given a program it does not run makes a case skipped; what it
// throws later makes it failed; a device that cannot be made or knows that it computes wrong results fails.
void run_cases(const std::vector<Candidate>& candidates, const Selection& selection,
               const std::function<void(const Record&)>& tell, const std::function<void(double)>& progress = {});

// A model file with recorded results.
struct GoldenModel {
  std::string name;
  std::filesystem::path file;
  struct Sequence {
    std::vector<int32_t> tokens;
    std::vector<uint32_t> positions;          // whose results are recorded, rising
    std::vector<std::vector<float>> results;  // one a position, or the pooled one
  };
  std::vector<Sequence> sequences;
  std::string pooling;       // "mean", "cls" or "last" of embeddings; empty: logits
  double rounded_error = 0;  // how far other engines are that round activations; 0 where weights are floats
};
inline constexpr uint32_t kMostGoldenTokens = 256;  // the context of the recorded runs
// The same for recorded results. A file that cannot be read makes a record of each device that failed.
void run_golden(const std::vector<Candidate>& candidates, const std::vector<GoldenModel>& models,
                const std::function<void(const Record&)>& tell);

// Number of values of each outcome.
struct Counts {
  size_t passed = 0, failed = 0, skipped = 0;
  void add(Outcome outcome);
};

}  // namespace hearth::conform
