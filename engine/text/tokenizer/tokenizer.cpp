// Special tokens, white space and decoding around the encoders.
#include "engine/text/tokenizer/tokenizer.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "engine/text/tokenizer/byte_level.h"
#include "engine/text/tokenizer/unicode.h"

namespace hearth {
namespace {

// SentencePiece's text for the unknown token.
constexpr std::string_view kUnknownText = " \xE2\x81\x87 ";

PreTokenizer choose_pre_tokenizer(const Gguf& gguf, const TokenizerOptions& options) {
  constexpr std::string_view kPre = "tokenizer.ggml.pre";
  std::string name = options.pre;
  if (name.empty()) {
    const auto pre = gguf.find_string(kPre);
    if (!pre) {
      throw TokenizerError(gguf.name() + ": " + std::string(kPre) + ": missing; name one of " + known_pre_tokenizers());
    }
    name = *pre;
  }
  const auto rules = find_pre_tokenizer(name);
  if (!rules) {
    throw TokenizerError(gguf.name() + ": " + std::string(kPre) + ": unknown pre-tokenizer '" + name + "'; known are " +
                         known_pre_tokenizers());
  }
  return *rules;
}

// Far above what models have; the automaton takes some dozens of times as much memory.
constexpr size_t kMostSpecialText = size_t{8} << 20;

SpecialTokens collect_special(const Gguf& gguf, const Vocabulary& vocabulary, bool with_control) {
  std::vector<SpecialTokens::Token> tokens;
  size_t text = 0;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const TokenType type = vocabulary.type(id);
    const bool control = type == TokenType::control || type == TokenType::unknown;
    if (type != TokenType::user_defined && !(with_control && control)) continue;
    tokens.push_back({vocabulary.text(id), id});
    text += tokens.back().text.size();
  }
  if (text > kMostSpecialText) {
    throw TokenizerError(gguf.name() + ": tokenizer.ggml.tokens: " + std::to_string(text) +
                         " bytes of special tokens; the limit is " + std::to_string(kMostSpecialText));
  }
  return SpecialTokens(tokens);
}

std::string spaces_for_marks(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const bool mark = text.substr(at, kSpaceMark.size()) == kSpaceMark;
    out += mark ? ' ' : text[at];
    at += mark ? kSpaceMark.size() : 1;
  }
  return out;
}

// What a token of ordinary text stands for in bytes; special tokens stand for their text.
std::string token_bytes(const Vocabulary& vocabulary, int32_t id) {
  const std::string_view text = vocabulary.text(id);
  const TokenType type = vocabulary.type(id);
  const bool plain = type == TokenType::normal || type == TokenType::undefined || type == TokenType::byte;
  if (!plain) return std::string(text);
  if (vocabulary.model() == Vocabulary::Model::byte_level) return byte_level_bytes(text);
  const bool bytes = vocabulary.model() == Vocabulary::Model::sentence_piece && type == TokenType::byte;
  if (bytes) return std::string(1, static_cast<char>(byte_of_token(text)));
  return spaces_for_marks(text);
}

bool names_phi3(std::string_view name) {
  std::string lower;
  for (const char c : name) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower.find("phi3") != lower.npos || lower.find("phi-3") != lower.npos;
}

}  // namespace

Tokenizer Tokenizer::load(const Gguf& gguf, const TokenizerOptions& options) {
  Vocabulary vocabulary = Vocabulary::load(gguf);
  const Vocabulary::Model model = vocabulary.model();
  const bool sentence_piece = model == Vocabulary::Model::sentence_piece;
  const bool word_piece = model == Vocabulary::Model::word_piece;
  const auto rules = sentence_piece || word_piece ? PreTokenizer::gpt2 : choose_pre_tokenizer(gguf, options);
  Encoder encoder = sentence_piece ? Encoder(SpmEncoder(gguf, vocabulary))
                    : word_piece   ? Encoder(WordPieceEncoder(gguf, vocabulary))
                                   : Encoder(BpeEncoder(gguf, vocabulary, rules));
  Tokenizer tokenizer(gguf, std::move(vocabulary), std::move(encoder));
  // Without a word in the file: SentencePiece and WordPiece models, Llama 3 and Mistral's later ones were trained with
  // bos, other byte-level ones were not.
  const bool custom = sentence_piece || word_piece || rules == PreTokenizer::llama3 || rules == PreTokenizer::tekken;
  tokenizer.adds_bos_ = tokenizer.vocabulary_.add_bos().value_or(custom);
  tokenizer.adds_eos_ = tokenizer.vocabulary_.add_eos().value_or(word_piece);
  tokenizer.adds_space_prefix_ =
      word_piece || (sentence_piece && tokenizer.vocabulary_.add_space_prefix().value_or(true));
  tokenizer.load_pieces();
  if (sentence_piece) tokenizer.load_stripping(gguf);
  return tokenizer;
}

Tokenizer::Tokenizer(const Gguf& gguf, Vocabulary vocabulary, Encoder encoder)
    : vocabulary_(std::move(vocabulary)),
      encoder_(std::move(encoder)),
      user_defined_(collect_special(gguf, vocabulary_, false)),
      all_special_(collect_special(gguf, vocabulary_, true)) {}

void Tokenizer::load_pieces() {
  piece_offsets_.push_back(0);
  for (int32_t id = 0; id < vocabulary_.size(); ++id) {
    const std::string bytes = token_bytes(vocabulary_, id);
    pieces_.insert(pieces_.end(), bytes.begin(), bytes.end());
    piece_offsets_.push_back(pieces_.size());
  }
}

// The added tokens of Phi-3, all but these three, swallow the white space that follows; GGUF has no place to say so,
// and the model was trained that way ("rstrip" in its tokenizer.json).
void Tokenizer::load_stripping(const Gguf& gguf) {
  const bool phi3 = gguf.find_string("general.architecture").value_or("") == "phi3" ||
                    names_phi3(gguf.find_string("general.name").value_or(""));
  if (!phi3) return;
  strips_after_.resize(static_cast<size_t>(vocabulary_.size()));
  for (int32_t id = 0; id < vocabulary_.size(); ++id) {
    const TokenType type = vocabulary_.type(id);
    const std::string_view text = vocabulary_.text(id);
    const bool special = type == TokenType::control || type == TokenType::unknown || type == TokenType::user_defined;
    strips_after_[static_cast<size_t>(id)] = special && text != "<unk>" && text != "<s>" && text != "<|endoftext|>";
  }
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, bool parse_special,
                                       std::span<const size_t> literal) const {
  if (text.size() > kLongestText) {
    throw TokenizerError("a text of " + std::to_string(text.size()) + " bytes is too long to tokenize; the limit is " +
                         std::to_string(kLongestText));
  }
  std::vector<int32_t> ids;
  size_t cursor = 0;
  bool after_special = true;  // the start of a text counts as such
  const auto encode_until = [&](size_t end) {
    if (end <= cursor) return;
    encode_plain(text.substr(cursor, end - cursor), after_special, ids);
    after_special = false;
  };
  for (const auto& match : (parse_special ? all_special_ : user_defined_).find(text)) {
    if (match.begin < cursor) continue;  // begins with white space that was swallowed
    if (vocabulary_.type(match.id) != TokenType::user_defined &&
        std::binary_search(literal.begin(), literal.end(), match.begin)) {
      continue;
    }
    encode_until(match.begin);
    ids.push_back(match.id);
    after_special = true;
    cursor = match.end;
    if (strips_after_.empty() || !strips_after_[static_cast<size_t>(match.id)]) continue;
    while (cursor < text.size()) {
      const Character next = read_character(text, cursor);
      if (!is_space(next.code)) break;
      cursor += next.size;
    }
  }
  encode_until(text.size());
  return ids;
}

void Tokenizer::encode_plain(std::string_view text, bool after_special, std::vector<int32_t>& ids) const {
  if (const auto* spm = std::get_if<SpmEncoder>(&encoder_))
    spm->encode(text, adds_space_prefix_ && after_special, ids);
  else if (const auto* word_piece = std::get_if<WordPieceEncoder>(&encoder_))
    word_piece->encode(vocabulary_, text, ids);
  else
    std::get<BpeEncoder>(encoder_).encode(text, ids);
}

// Tokens that are no text: control, placeholders of type unused, and unknown ones.
bool Tokenizer::is_hidden(int32_t id) const {
  const TokenType type = vocabulary_.type(id);
  return type == TokenType::control || type == TokenType::unused || type == TokenType::unknown;
}

std::string_view Tokenizer::piece(int32_t id) const {
  const auto at = static_cast<size_t>(id);
  return {pieces_.data() + piece_offsets_[at], piece_offsets_[at + 1] - piece_offsets_[at]};
}

void Tokenizer::append_bytes(int32_t id, bool show_special, bool& at_start, std::string& bytes) const {
  if (!vocabulary_.contains(id)) {
    throw TokenizerError("token id " + std::to_string(id) + " is not one of the " + std::to_string(vocabulary_.size()) +
                         " tokens");
  }
  if (is_hidden(id)) {
    const bool unknown = vocabulary_.type(id) == TokenType::unknown && id == vocabulary_.special().unknown;
    if (show_special) {
      bytes += piece(id);
    } else if (unknown && vocabulary_.model() == Vocabulary::Model::sentence_piece) {
      bytes += kUnknownText;
      at_start = false;
    }
    return;
  }
  std::string_view text = piece(id);
  const TokenType type = vocabulary_.type(id);
  const bool plain = type == TokenType::normal || type == TokenType::undefined;
  if (at_start && adds_space_prefix_ && plain && text.starts_with(' ')) text.remove_prefix(1);
  at_start = false;
  bytes += text;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool show_special) const {
  std::string bytes;
  bool at_start = true;
  for (const int32_t id : ids) append_bytes(id, show_special, at_start, bytes);
  if (vocabulary_.model() == Vocabulary::Model::byte_level) return bytes;
  std::string text;
  move_valid_utf8(bytes, text, true);
  return text;
}

}  // namespace hearth
