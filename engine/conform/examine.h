// One case on one device after the other; what the reference says of it is computed once.
#pragma once

#include <map>

#include "engine/conform/cases.h"
#include "engine/conform/compare.h"
#include "engine/conform/conform.h"
#include "engine/conform/prefix.h"

namespace hearth::conform {

class Examiner {
 public:
  // every_op: of models, also those whose whole result is right.
  Examiner(const Case& one, BlockPool& pool, uint32_t seed, bool every_op = true);
  // `device` may be used for any number of cases. Never throws what the device does.
  Record examine(const std::string& name, Device& device);

 private:
  void run_accuracy(Device& device, Precision precision, Record& record);
  void run_repeat(Device& device, Record& record);
  void run_batch(Device& device, Record& record);
  void run_poison(Device& device, Record& record);
  void run_model(Device& device, const std::string& name, Record& record);
  // Names the first op of the program that departs from the reference, in a record that has failed.
  void locate(Device& device, const std::string& name, Record& record);
  bool departs(Device& device, size_t prefix, const std::string& name, Distance& apart);
  const Results& expected();
  const std::vector<std::vector<double>>& bounds(Precision precision);
  std::unique_ptr<Plan> compile(Device& device, const Program& program, bool deterministic = false);
  Results run(Plan& plan, const Text& text, uint32_t chunk) const;
  static void fail(Record& record, const std::string& message);

  const Case& case_;
  const bool every_op_;
  std::unique_ptr<Trial> trial_;
  const std::unique_ptr<Device> reference_;
  std::vector<size_t> rows_;
  Results expected_;
  std::map<Precision, std::vector<std::vector<double>>> bounds_;
  std::vector<Prefix> prefixes_;
  std::map<size_t, Results> expected_prefixes_;
};

}  // namespace hearth::conform
