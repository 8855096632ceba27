// Reading recorded results: one JSON beside each model file.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "formats/error.h"
#include "tools/command.h"
#include "tools/conform/report.h"

namespace hearth::conform {
namespace {

// An output's figures: `exact` ones are free of their engine's rounding.
std::vector<float> figures(const nlohmann::json& output, const char* name) {
  return output.at(output.contains("exact") ? "exact" : name).get<std::vector<float>>();
}

GoldenModel::Sequence read_sequence(const nlohmann::json& one) {
  GoldenModel::Sequence sequence;
  sequence.tokens = one.at("tokens").get<std::vector<int32_t>>();
  if (one.contains("embedding")) {
    for (uint32_t i = 0; i < sequence.tokens.size(); ++i) sequence.positions.push_back(i);
    sequence.results.push_back(figures(one, "embedding"));
    return sequence;
  }
  for (const auto& output : one.at("outputs")) {
    const auto position = output.at("position").get<uint32_t>();
    if (!sequence.positions.empty() && sequence.positions.back() == position) continue;
    sequence.positions.push_back(position);
    sequence.results.push_back(figures(output, "logits"));
  }
  return sequence;
}

// Refuses what no run of a model can give.
void check(const GoldenModel::Sequence& sequence) {
  const bool sound = !sequence.tokens.empty() && sequence.tokens.size() <= kMostGoldenTokens &&
                     !sequence.results.empty() &&
                     std::is_sorted(sequence.positions.begin(), sequence.positions.end()) &&
                     std::all_of(sequence.positions.begin(), sequence.positions.end(),
                                 [&](uint32_t position) { return position < sequence.tokens.size(); });
  if (!sound) throw FileError("a case has no tokens, too many, or results of positions that it does not have");
}

GoldenModel read_model(const std::filesystem::path& file, const nlohmann::json& golden) {
  GoldenModel model;
  model.file = file;
  model.name = file.stem().string();
  if (golden.contains("pooling")) model.pooling = golden.at("pooling").get<std::string>();
  for (const auto& one : golden.at("cases")) {
    model.sequences.push_back(read_sequence(one));
    check(model.sequences.back());
  }
  const auto agreement = golden.find("agreement");
  for (const char* name : {"native_llama.cpp", "native_ik_llama.cpp"})
    if (agreement != golden.end() && agreement->contains(name) && agreement->at(name).is_number())
      model.rounded_error = std::max(model.rounded_error, agreement->at(name).get<double>());
  return model;
}

}  // namespace

std::vector<GoldenModel> read_golden(const std::string& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".gguf") files.push_back(entry.path());
  if (error) throw UsageError("cannot read the folder " + folder + ": " + error.message());
  std::sort(files.begin(), files.end());
  std::vector<GoldenModel> models;
  for (const std::filesystem::path& file : files) {
    std::filesystem::path recorded = file;
    recorded.replace_extension(".golden.json");
    std::ifstream in(recorded);
    if (!in) continue;
    try {
      models.push_back(read_model(file, nlohmann::json::parse(in)));
    } catch (const std::runtime_error& wrong) {
      throw FileError(recorded.string() + ": " + wrong.what());
    } catch (const nlohmann::json::exception& wrong) {
      throw FileError(recorded.string() + ": is no file of recorded results: " + wrong.what());
    }
  }
  if (models.empty()) throw UsageError(folder + " holds no NAME.gguf with NAME.golden.json beside it");
  return models;
}

}  // namespace hearth::conform
