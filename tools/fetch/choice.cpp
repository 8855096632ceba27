// Names of files as people give them, and a budget.
#include "tools/fetch/choice.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>

#include "hearth/hearth.h"
#include "tools/store/model_name.h"
#include "tools/store/size_text.h"

namespace hearth::fetch {
namespace {

using store::size_text;

constexpr const char* kPreferred = "Q4_K_M";
constexpr size_t kMostParts = 999;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "Q4_K_M", "IQ4_XS", "TQ1_0", "F16", "BF16", "FP32", "MXFP4", "MXFP4_MOE"; in upper case.
bool is_quantization(std::string_view word) {
  constexpr size_t kLongest = 32;  // it becomes part of a name
  if (word.size() > kLongest ||
      !std::ranges::all_of(word, [](char c) { return is_digit(c) || (c >= 'A' && c <= 'Z') || c == '_'; }))
    return false;
  constexpr std::array kPlain = {"F16", "F32", "BF16", "FP16", "FP32", "BF32", "F64"};
  if (std::ranges::find(kPlain, word) != kPlain.end()) return true;
  if (word.starts_with("MXFP4") || word.starts_with("NVFP4")) return word.size() == 5 || word[5] == '_';
  for (const std::string_view family : {"IQ", "TQ", "Q"}) {
    if (!word.starts_with(family)) continue;
    const std::string_view rest = word.substr(family.size());
    return !rest.empty() && is_digit(rest.front()) && (rest.size() == 1 || rest[1] == '_') && !rest.ends_with('_');
  }
  return false;
}

// Of the 16 and 32 bits of a model as it was trained.
bool is_unquantized(const std::string& quantization) {
  return quantization.starts_with("F") || quantization.starts_with("BF");
}

// Whether all its formats run at full speed, and it is no special one: what may be chosen unasked.
bool is_usual(const std::string& name) {
  for (const char* other : {"IQ1", "IQ2", "IQ3", "TQ", "NVFP4", "UD-", "Q1_", "Q4_0_"})
    if (name.starts_with(other)) return false;
  return true;
}

std::string file_stem(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash != path.npos) path.remove_prefix(slash + 1);
  if (path.size() >= 5) path.remove_suffix(5);
  return std::string(path);
}

struct PartName {
  std::string whole;  // without "-0000K-of-0000N.gguf"
  size_t number = 1, count = 1;
};

// Nothing for a part that cannot be.
std::optional<PartName> read_part(const std::string& path) {
  std::string stem = path.substr(0, path.size() - 5);
  constexpr std::string_view kPattern = "-00000-of-00000";
  bool split = stem.size() > kPattern.size();
  const std::string tail = split ? stem.substr(stem.size() - kPattern.size()) : "";
  for (size_t i = 0; split && i < tail.size(); ++i)
    split = kPattern[i] == '0' ? is_digit(tail[i]) : tail[i] == kPattern[i];
  if (!split) return PartName{stem};
  PartName part{stem.substr(0, stem.size() - kPattern.size())};
  std::from_chars(tail.data() + 1, tail.data() + 6, part.number);
  std::from_chars(tail.data() + 10, tail.data() + 15, part.count);
  if (part.number < 1 || part.number > part.count || part.count > kMostParts) return std::nullopt;
  return part;
}

std::string names_of(const std::vector<Candidate>& candidates) {
  std::string names;
  for (const Candidate& candidate : candidates)
    names += (names.empty() ? "" : ", ") +
             (candidate.quantization.empty() ? candidate.files.front().path : candidate.quantization) + " (" +
             size_text(candidate.bytes()) + ")";
  return names.size() <= 1000 ? names : names.substr(0, 1000) + " ...";
}

[[noreturn]] void refuse_choice(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

const Candidate* only_one(const std::vector<const Candidate*>& found, const std::string& where) {
  if (found.size() < 2) return found.empty() ? nullptr : found.front();
  refuse_choice(where + " has several models in " + found[0]->quantization + ": name one by its file, as " + where +
                "/" + found[0]->files.front().path + " or " + found[1]->files.front().path);
}

}  // namespace

uint64_t Candidate::bytes() const {
  uint64_t sum = 0;
  for (const ListedFile& file : files) sum += file.size;
  return sum;
}

std::string quantization_of(std::string_view path) {
  const std::string stem = store::upper_case(file_stem(path));
  // The last word that is one: words begin behind '-', '.' and, with less right, '_'.
  for (const char* borders : {"-.", "-._"})
    for (size_t end = stem.size(), at = end; at-- > 0;) {
      const bool begins = at == 0 || std::string_view(borders).find(stem[at - 1]) != std::string_view::npos;
      if (!begins) continue;
      const std::string word = stem.substr(at, stem.find_first_of("-.", at) - at);
      if (!is_quantization(word)) continue;
      const bool dynamic = at >= 3 && stem.substr(at - 3, 3) == "UD-";
      return (dynamic ? "UD-" : "") + word;
    }
  return "";
}

std::vector<Candidate> find_candidates(const std::vector<ListedFile>& files) {
  struct Parts {
    size_t count = 0;
    std::map<size_t, ListedFile> files;
  };
  std::map<std::string, Parts> models;
  for (const ListedFile& file : files) {
    const std::string upper = store::upper_case(file.path);
    if (!upper.ends_with(".GGUF") || upper.find("MMPROJ") != upper.npos || upper.find("IMATRIX") != upper.npos)
      continue;
    const auto part = read_part(file.path);
    if (!part || file.size == 0) continue;
    // Splits of different lengths are different models.
    Parts& parts = models[part->whole + (part->count > 1 ? "-of-" + std::to_string(part->count) : "")];
    parts.count = part->count;
    parts.files.emplace(part->number, file);
  }
  std::vector<Candidate> candidates;
  for (auto& [name, parts] : models) {
    if (parts.files.size() != parts.count) continue;
    Candidate candidate{quantization_of(parts.files.begin()->second.path), {}};
    for (auto& [number, file] : parts.files) candidate.files.push_back(std::move(file));
    if (candidate.quantization.empty()) candidate.quantization = quantization_of(name + ".gguf");
    candidates.push_back(std::move(candidate));
  }
  std::ranges::stable_sort(candidates, {}, &Candidate::bytes);
  return candidates;
}

uint64_t memory_of(uint64_t weights, const std::optional<Overhead>& overhead) {
  // A guess that holds for a context of some thousands of tokens.
  return overhead ? weights + overhead->cache + overhead->activations : weights + weights / 8 + (uint64_t{256} << 20);
}

std::string memory_text(uint64_t weights, const std::optional<Overhead>& overhead, uint64_t budget) {
  const std::string whole = size_text(memory_of(weights, overhead)) + " of " + size_text(budget);
  if (!overhead) return "about " + whole + " of memory";
  return "weights " + size_text(weights) + ", cache " + size_text(overhead->cache) + " for " +
         std::to_string(overhead->context) + " tokens, scratch " + size_text(overhead->activations) + ": " + whole;
}

Choice choose(const std::vector<Candidate>& candidates, const std::string& quantization,
              const std::optional<Overhead>& overhead, uint64_t budget, const std::string& where) {
  if (candidates.empty()) throw Error(ErrorCode::bad_model, where + " holds no GGUF model");
  const auto named = [&](const std::string& name) {
    std::vector<const Candidate*> found;
    for (const Candidate& candidate : candidates)
      if (candidate.quantization == name) found.push_back(&candidate);
    return only_one(found, where);
  };
  const auto fits = [&](const Candidate& candidate) { return memory_of(candidate.bytes(), overhead) <= budget; };
  const auto told = [&](const Candidate& candidate) { return memory_text(candidate.bytes(), overhead, budget); };
  if (!quantization.empty()) {
    const Candidate* asked = named(quantization);
    if (asked == nullptr) refuse_choice(where + " has no " + quantization + "; it has " + names_of(candidates));
    return {asked, quantization + " as asked for: " + told(*asked)};
  }
  if (candidates.size() == 1 && fits(candidates[0]))
    return {&candidates[0], "the only one that there is: " + told(candidates[0])};
  const Candidate* preferred = named(kPreferred);
  if (preferred != nullptr && fits(*preferred)) return {preferred, kPreferred + std::string(": ") + told(*preferred)};
  // From the largest on; those of 16 bits and more only where nothing else fits.
  for (const bool unquantized : {false, true})
    for (size_t i = candidates.size(); i-- > 0;) {
      const Candidate& candidate = candidates[i];
      const std::string& name = candidate.quantization;
      if (name.empty() || !is_usual(name) || is_unquantized(name) != unquantized || !fits(candidate)) continue;
      const std::string why = preferred == nullptr ? "there is no " + std::string(kPreferred)
                                                   : std::string(kPreferred) + " would take " +
                                                         size_text(memory_of(preferred->bytes(), overhead));
      return {named(name), name + ", the largest that fits, as " + why + ": " + told(candidate)};
    }
  refuse_choice(
      where + ": nothing that it has fits into " + size_text(budget) + " of memory; it has " + names_of(candidates) +
      "; one of them is fetched all the same where it is named, as " + where +
      (candidates[0].quantization.empty() ? "/" + candidates[0].files.front().path : ":" + candidates[0].quantization));
}

}  // namespace hearth::fetch
