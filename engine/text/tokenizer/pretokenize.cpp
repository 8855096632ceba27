// The pre-tokenizers: which rules cut a text, one after the other.
#include "engine/text/tokenizer/pretokenize.h"

#include <utility>

#include "engine/text/tokenizer/characters.h"
#include "engine/text/tokenizer/word_rules.h"

namespace hearth {
namespace {

// Several names stand for one split; they are those that GGUF converters write.
constexpr std::pair<std::string_view, PreTokenizer> kNames[] = {
    {"gpt-2", PreTokenizer::gpt2},
    {"gpt2", PreTokenizer::gpt2},
    {"phi-2", PreTokenizer::gpt2},
    {"olmo", PreTokenizer::gpt2},
    {"mpt", PreTokenizer::gpt2},
    {"jais", PreTokenizer::gpt2},
    {"exaone4", PreTokenizer::gpt2},
    {"trillion", PreTokenizer::gpt2},
    {"granite-docling", PreTokenizer::gpt2},
    {"llama-bpe", PreTokenizer::llama3},
    {"llama3", PreTokenizer::llama3},
    {"llama-v3", PreTokenizer::llama3},
    {"dbrx", PreTokenizer::cl100k},
    {"smaug-bpe", PreTokenizer::cl100k},
    {"glm4", PreTokenizer::cl100k},
    {"chatglm-bpe", PreTokenizer::cl100k},
    {"qwen2", PreTokenizer::qwen2},
    {"deepseek-r1-qwen", PreTokenizer::qwen2},
    {"stablelm2", PreTokenizer::qwen2},
    {"megrez", PreTokenizer::qwen2},
    {"hunyuan", PreTokenizer::qwen2},
    {"qwen35", PreTokenizer::qwen35},
    {"gpt-4o", PreTokenizer::gpt4o},
    {"llama4", PreTokenizer::gpt4o},
    {"kanana2", PreTokenizer::gpt4o},
    {"tekken", PreTokenizer::tekken},
    {"deepseek-llm", PreTokenizer::deepseek_llm},
    {"deepseek-v3", PreTokenizer::deepseek_v3},
    {"hunyuan-dense", PreTokenizer::deepseek_v3},
    {"deepseek-coder", PreTokenizer::deepseek_coder},
    {"falcon", PreTokenizer::falcon},
    {"starcoder", PreTokenizer::starcoder},
    {"refact", PreTokenizer::starcoder},
    {"command-r", PreTokenizer::starcoder},
    {"smollm", PreTokenizer::starcoder},
    {"codeshell", PreTokenizer::starcoder},
    {"exaone", PreTokenizer::starcoder},
    {"minerva-7b", PreTokenizer::starcoder},
};

// Cuts every piece into the words that the rule finds, from left to right, and what lies between them.
template <typename Rule>
void split(std::vector<uint32_t>& ends, Rule rule) {
  std::vector<uint32_t> cut;
  cut.reserve(ends.size());
  uint32_t at = 0;
  for (const uint32_t end : ends) {
    uint32_t word = at;
    while (at < end) {
      const uint32_t stop = rule(at, end);
      if (stop == at) {
        ++at;
        continue;
      }
      if (word < at) cut.push_back(at);
      cut.push_back(stop);
      word = at = stop;
    }
    if (word < end) cut.push_back(end);
  }
  ends = std::move(cut);
}

}  // namespace

std::optional<PreTokenizer> find_pre_tokenizer(std::string_view name) {
  for (const auto& [known, rules] : kNames) {
    if (known == name) return rules;
  }
  return std::nullopt;
}

std::string known_pre_tokenizers() {
  std::string names;
  for (const auto& [name, rules] : kNames) {
    if (!names.empty()) names += ", ";
    names += name;
  }
  return names;
}

std::vector<uint32_t> pre_tokenize(PreTokenizer rules, std::string_view bytes) {
  if (bytes.empty()) return {};
  const Characters text(bytes);
  std::vector<uint32_t> ends{text.size()};
  const auto gpt2 = [&](uint32_t at, uint32_t end) { return match_gpt2(text, at, end); };
  const auto one_number = [&](uint32_t at, uint32_t) { return text.is(at, CharKind::number) ? at + 1 : at; };
  switch (rules) {
    case PreTokenizer::gpt2:
      split(ends, gpt2);
      break;
    case PreTokenizer::llama3:
    case PreTokenizer::cl100k:
      split(ends, [&](uint32_t at, uint32_t end) { return match_llama3(text, at, end, 3); });
      break;
    case PreTokenizer::qwen2:
      split(ends, [&](uint32_t at, uint32_t end) { return match_llama3(text, at, end, 1); });
      break;
    case PreTokenizer::qwen35:
      split(ends, [&](uint32_t at, uint32_t end) { return match_llama3(text, at, end, 1, true); });
      break;
    case PreTokenizer::gpt4o:
      split(ends, [&](uint32_t at, uint32_t end) { return match_cased(text, at, end, 3, true); });
      break;
    case PreTokenizer::tekken:
      split(ends, [&](uint32_t at, uint32_t end) { return match_cased(text, at, end, 1, false); });
      break;
    case PreTokenizer::deepseek_v3:  // \p{N}{1,3}, then [一-龥぀-ゟ゠-ヿ]+, then the rest
      split(ends, [&](uint32_t at, uint32_t end) {
        return skip_kind(text, at, end - at > 3 ? at + 3 : end, CharKind::number);
      });
      split(ends, [&](uint32_t at, uint32_t end) {
        return skip(at, end, [&](uint32_t i) {
          return (text.code(i) >= 0x4E00 && text.code(i) <= 0x9FA5) ||
                 (text.code(i) >= 0x3040 && text.code(i) <= 0x30FF);
        });
      });
      split(ends, [&](uint32_t at, uint32_t end) { return match_deepseek_v3(text, at, end); });
      break;
    case PreTokenizer::deepseek_llm:  // [\r\n], \s?letters, \s?signs, \s+$, the blocks, \p{N}+, one after the other
      split(ends, [&](uint32_t at, uint32_t) { return text.is_newline(at) ? at + 1 : at; });
      split(ends, [&](uint32_t at, uint32_t end) { return match_spaced_run(text, at, end, is_deepseek_letter); });
      split(ends, [&](uint32_t at, uint32_t end) { return match_spaced_run(text, at, end, is_deepseek_sign); });
      split(ends, [&](uint32_t at, uint32_t end) {
        const uint32_t stop = skip_kind(text, at, end, CharKind::space);
        return stop == end ? stop : at;
      });
      split(ends, [&](uint32_t at, uint32_t end) {
        return skip(at, end, [&](uint32_t i) { return is_deepseek_block(text.code(i)); });
      });
      split(ends, [&](uint32_t at, uint32_t end) { return skip_kind(text, at, end, CharKind::number); });
      break;
    case PreTokenizer::deepseek_coder:  // [\r\n], \s?\p{L}+, \s?\p{P}+, the blocks, and single numbers, one after the
                                        // other
      split(ends, [&](uint32_t at, uint32_t) { return text.is_newline(at) ? at + 1 : at; });
      split(ends, [&](uint32_t at, uint32_t end) { return match_spaced(text, at, end, CharKind::letter); });
      split(ends, [&](uint32_t at, uint32_t end) { return match_spaced(text, at, end, CharKind::punctuation); });
      split(ends, [&](uint32_t at, uint32_t end) {
        return skip(at, end, [&](uint32_t i) { return is_deepseek_block(text.code(i)); });
      });
      split(ends, one_number);
      break;
    case PreTokenizer::falcon:  // punctuation, then gpt2, then three digits
      split(ends, [&](uint32_t at, uint32_t end) {
        return skip(at, end, [&](uint32_t i) { return is_falcon_punctuation(text, i); });
      });
      split(ends, gpt2);
      split(ends, [&](uint32_t at, uint32_t end) { return match_three_digits(text, at, end); });
      break;
    case PreTokenizer::starcoder:  // single numbers, then gpt2
      split(ends, one_number);
      split(ends, gpt2);
      break;
  }
  for (uint32_t& end : ends) end = text.byte_at(end);
  return ends;
}

}  // namespace hearth
