// Recognising how a byte-level tokenizer cuts words, by the steps of "pre_tokenizer" in tokenizer.json.
#include <algorithm>
#include <array>

#include "engine/convert/vocabulary.h"
#include "engine/text/tokenizer/pretokenize.h"
#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

// The regular expressions of the model families, as their files have them.
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|)"
    R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kTekken = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
                                R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|)"
                                R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kDeepseekV3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kDeepseekBlocks = "[一-龥ࠀ-一가-퟿]+";

// A step as text; '*' at the end stands for the rest of a long list of letters.
using Steps = std::vector<std::string>;
std::string split_step(const std::string& regex) { return "Split " + regex; }

struct KnownSteps {
  Steps steps;
  const char* pre;
};

const std::vector<KnownSteps>& known_steps() {
  static const std::vector<KnownSteps> known = {
      {{"ByteLevel"}, "gpt-2"},
      {{split_step(kLlama3), "ByteLevel plain"}, "dbrx"},
      {{split_step(kQwen2), "ByteLevel plain"}, "qwen2"},
      {{split_step(kQwen35), "ByteLevel plain"}, "qwen35"},
      {{split_step(kGpt4o), "ByteLevel plain"}, "gpt-4o"},
      {{split_step(kTekken), "ByteLevel plain"}, "tekken"},
      {{"Digits each", "ByteLevel"}, "starcoder"},
      {{"Punctuation Contiguous", "ByteLevel", "Digits", split_step("[0-9][0-9][0-9]")}, "falcon"},
      {{split_step(R"(\p{N}{1,3})"), split_step("[一-龥぀-ゟ゠-ヿ]+"), split_step(kDeepseekV3),
        "ByteLevel plain"},
       "deepseek-v3"},
      {{split_step(R"([\r\n])"), split_step(R"(\s?[A-Za-zµÀ-ÖØ-öø-*)"), split_step(R"(\s?[!-/:-~*)"),
        split_step(R"(\s+$)"), split_step(kDeepseekBlocks), "Digits each", "ByteLevel plain"},
       "deepseek-llm"},
      {{split_step(R"([\r\n])"), split_step(R"(\s?\p{L}+)"), split_step(R"(\s?\p{P}+)"), split_step(kDeepseekBlocks),
        "Digits each", "ByteLevel plain"},
       "deepseek-coder"},
  };
  return known;
}

// Names under which llama.cpp keeps the same rules for other families.
struct Alias {
  std::string_view pre, architecture;
  const char* name;
};
constexpr Alias kAliases[] = {
    {"gpt-2", "gptneox", "olmo"},          {"gpt-2", "olmoe", "olmo"},         {"dbrx", "glm4", "glm4"},
    {"dbrx", "smollm3", "smaug-bpe"},      {"qwen2", "stablelm", "stablelm2"}, {"starcoder", "command-r", "command-r"},
    {"starcoder", "cohere2", "command-r"}, {"starcoder", "granite", "refact"}, {"starcoder", "granitemoe", "refact"},
    {"starcoder", "llama", "smollm"},
};

bool same_step(const std::string& known, const std::string& step) {
  if (!known.ends_with('*')) return known == step;
  return step.starts_with(std::string_view(known).substr(0, known.size() - 1));
}

class StepReader {
 public:
  explicit StepReader(const std::string& file) : file_(file) {}

  Steps read(const Json& pre_tokenizer) const {
    if (!pre_tokenizer.is_object()) return {};
    if (text_of(pre_tokenizer, "type") != "Sequence") return {step_of(pre_tokenizer)};
    Steps steps;
    const auto parts = pre_tokenizer.find("pretokenizers");
    if (parts == pre_tokenizer.end() || !parts->is_array()) throw FileError(file_ + ": pre_tokenizer has no steps");
    for (const Json& part : *parts) steps.push_back(step_of(part));
    return steps;
  }

 private:
  static std::string text_of(const Json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
  }
  static bool flag_of(const Json& object, const char* name, bool fallback) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() ? found->get<bool>() : fallback;
  }

  static std::string step_of(const Json& step) {
    const std::string type = text_of(step, "type");
    if (type == "ByteLevel") {
      if (flag_of(step, "add_prefix_space", true)) return "ByteLevel with a space in front";
      return flag_of(step, "use_regex", true) ? type : type + " plain";
    }
    if (type == "Digits") return flag_of(step, "individual_digits", false) ? type + " each" : type;
    if (type == "Punctuation") return type + " " + text_of(step, "behavior");
    if (type != "Split") return type.empty() ? "without a type" : type;
    const auto pattern = step.find("pattern");
    const std::string regex = pattern == step.end() ? "" : text_of(*pattern, "Regex");
    const bool inverted = flag_of(step, "invert", false);
    const std::string behavior = text_of(step, "behavior");
    const bool keeps = (behavior == "Isolated" && !inverted) || (behavior == "Removed" && inverted);
    return keeps ? split_step(regex) : "Split " + behavior;
  }

  const std::string& file_;
};

bool ignores_merges(const Json& tokenizer) {
  const auto model = tokenizer.find("model");
  if (model == tokenizer.end() || !model->is_object()) return false;
  const auto ignores = model->find("ignore_merges");
  return ignores != model->end() && *ignores == true;
}

}  // namespace

std::string recognise_pre_tokenizer(const Json& tokenizer, const std::string& file, std::string_view architecture) {
  const auto found = tokenizer.find("pre_tokenizer");
  const Steps steps = found == tokenizer.end() ? Steps() : StepReader(file).read(*found);
  for (const KnownSteps& known : known_steps()) {
    if (!std::equal(known.steps.begin(), known.steps.end(), steps.begin(), steps.end(), same_step)) continue;
    // Readers take words that are tokens as they are, without merges, by this name.
    if (std::string_view(known.pre) == "dbrx" && ignores_merges(tokenizer)) return "llama-bpe";
    for (const Alias& alias : kAliases)
      if (alias.pre == known.pre && alias.architecture == architecture) return alias.name;
    return known.pre;
  }
  std::string told;
  for (const std::string& step : Steps(steps.begin(), steps.begin() + std::min<ptrdiff_t>(std::ssize(steps), 12)))
    told += (told.empty() ? "" : "; ") + printable(step);
  throw FileError(file + ": pre_tokenizer is unknown (" + (told.empty() ? "none" : told) + "); --pre names one of " +
                  known_pre_tokenizers());
}

}  // namespace hearth
