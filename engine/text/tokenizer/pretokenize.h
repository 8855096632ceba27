// Cuts text into the words within which byte-level BPE merges, as each model family was trained with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

// The families of rules; pretokenize.cpp gives the regular expression that each one stands for. llama3 and cl100k cut
// alike; they differ in what BpeEncoder does with the words.
enum class PreTokenizer : uint8_t {
  gpt2,
  llama3,
  cl100k,
  qwen2,
  qwen35,
  gpt4o,
  tekken,
  deepseek_llm,
  deepseek_v3,
  deepseek_coder,
  falcon,
  starcoder
};

// The rules that a value of tokenizer.ggml.pre names; nullopt where it is unknown.
std::optional<PreTokenizer> find_pre_tokenizer(std::string_view name);
// All the names that find_pre_tokenizer knows, for messages.
std::string known_pre_tokenizers();

// Ends of the words in bytes, rising; the last is the length of the text (no ends for no text). Takes time linear in
// the text whatever it holds. Bytes that are no UTF-8 count as characters that are neither letter, number, space nor
// punctuation. The text is shorter than 4 GiB.
std::vector<uint32_t> pre_tokenize(PreTokenizer rules, std::string_view text);

}  // namespace hearth
