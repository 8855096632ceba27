// Loads the pieces and encodes words.
#include "engine/text/tokenizer/spm.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "engine/text/tokenizer/error.h"
#include "engine/text/tokenizer/unicode.h"

namespace hearth {
namespace {

// Trained pieces have at most some dozens of bytes. The bound keeps the time for a text in proportion to its length.
constexpr size_t kLongestPiece = 1024;

// Whether a space mark follows another character in `piece`.
bool goes_on_after_word(std::string_view piece) {
  size_t at = 0;
  while (piece.substr(at).starts_with(kSpaceMark)) at += kSpaceMark.size();
  return piece.find(kSpaceMark, at) != piece.npos;
}

}  // namespace

int byte_of_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return -1;
  int byte = -1;
  const auto result = std::from_chars(text.data() + 3, text.data() + 5, byte, 16);
  return result.ec == std::errc() && result.ptr == text.data() + 5 && byte >= 0 ? byte : -1;
}

SpmEncoder::SpmEncoder(const Gguf& gguf, const Vocabulary& vocabulary) {
  load_bytes(gguf, vocabulary);
  load_pieces(gguf, vocabulary);
}

void SpmEncoder::load_bytes(const Gguf& gguf, const Vocabulary& vocabulary) {
  byte_ids_.fill(kNoToken);
  unknown_ = vocabulary.special().unknown.value_or(kNoToken);
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (vocabulary.type(id) == TokenType::unknown && unknown_ == kNoToken) unknown_ = id;
    if (vocabulary.type(id) != TokenType::byte) continue;
    const int byte = byte_of_token(vocabulary.text(id));
    if (byte < 0) {
      throw TokenizerError(gguf.name() + ": tokenizer.ggml.tokens: token " + std::to_string(id) +
                           " has the type byte, but its text is not of the form <0xHH>");
    }
    int32_t& known = byte_ids_[static_cast<size_t>(byte)];
    if (known == kNoToken) known = id;
  }
  if (unknown_ == kNoToken && std::find(byte_ids_.begin(), byte_ids_.end(), kNoToken) != byte_ids_.end()) {
    throw TokenizerError(gguf.name() + ": tokenizer.ggml.unknown_token_id: missing, and not every byte has a token");
  }
}

void SpmEncoder::load_pieces(const Gguf& gguf, const Vocabulary& vocabulary) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const TokenType type = vocabulary.type(id);
    if (type != TokenType::normal && type != TokenType::undefined && type != TokenType::unused) continue;
    const std::string_view text = vocabulary.text(id);
    if (text.size() > kLongestPiece) {
      throw TokenizerError(gguf.name() + ": tokenizer.ggml.tokens: token " + std::to_string(id) + " has " +
                           std::to_string(text.size()) + " bytes; the limit is " + std::to_string(kLongestPiece));
    }
    longest_ = std::max(longest_, text.size());
    if (goes_on_after_word(text)) words_stand_alone_ = false;
    ids.push_back(id);
  }
  // The merge loop wants small ranks first; equal scores are equal ranks.
  std::stable_sort(ids.begin(), ids.end(),
                   [&](int32_t a, int32_t b) { return vocabulary.score(a) > vocabulary.score(b); });
  pieces_.reserve(ids.size());
  uint32_t rank = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i > 0 && vocabulary.score(ids[i]) != vocabulary.score(ids[i - 1])) ++rank;
    pieces_.try_emplace(vocabulary.text(ids[i]), Piece{{rank, ids[i]}, vocabulary.type(ids[i]) == TokenType::unused});
  }
}

void SpmEncoder::encode(std::string_view text, bool prefix, std::vector<int32_t>& ids) const {
  if (text.empty()) return;
  std::string marked;
  marked.reserve(text.size() + text.size() / 2 + kSpaceMark.size());
  if (prefix) marked += kSpaceMark;
  for (const char c : text) {
    if (c == ' ')
      marked += kSpaceMark;
    else
      marked += c;
  }
  Merger merger;
  std::vector<Symbol> symbols;
  bool after_unknown = false;
  std::string_view rest = marked;
  while (!rest.empty()) {
    size_t end = rest.size();
    if (words_stand_alone_) {
      size_t at = 0;
      while (rest.substr(at, kSpaceMark.size()) == kSpaceMark) at += kSpaceMark.size();
      end = std::min(end, rest.find(kSpaceMark, at));
    }
    encode_word(rest.substr(0, end), merger, symbols, after_unknown, ids);
    rest.remove_prefix(end);
  }
}

void SpmEncoder::encode_word(std::string_view word, Merger& merger, std::vector<Symbol>& symbols, bool& after_unknown,
                             std::vector<int32_t>& ids) const {
  const auto find = [&](std::string_view text) {
    const auto found = pieces_.find(text);
    return found == pieces_.end() ? nullptr : &found->second;
  };
  symbols.clear();
  for (size_t at = 0; at < word.size();) {
    const uint32_t size = read_character(word, at).size;
    symbols.push_back({static_cast<uint32_t>(at), size, kNoToken});
    at += size;
  }
  Seams seams;
  merger.merge(symbols, [&](const Symbol& left, const Symbol& right) -> Merge {
    const size_t size = size_t{left.size} + right.size;
    if (size > longest_) return {};
    const Piece* piece = find(word.substr(left.begin, size));
    if (piece == nullptr) return {};
    if (piece->unused) seams[piece->merge.id] = left.size;
    return piece->merge;
  });
  for (const Symbol& symbol : symbols) append(word.substr(symbol.begin, symbol.size), seams, after_unknown, ids);
}

// A piece of type unused is taken apart again where it was joined, as SentencePiece does.
void SpmEncoder::append(std::string_view piece, const Seams& seams, bool& after_unknown,
                        std::vector<int32_t>& ids) const {
  std::vector<std::string_view> parts{piece};
  while (!parts.empty()) {
    const std::string_view part = parts.back();
    parts.pop_back();
    const auto found = pieces_.find(part);
    if (found == pieces_.end()) {
      append_bytes(part, after_unknown, ids);
      continue;
    }
    const auto seam = found->second.unused ? seams.find(found->second.merge.id) : seams.end();
    if (seam == seams.end()) {
      ids.push_back(found->second.merge.id);
      after_unknown = false;
    } else {
      parts.push_back(part.substr(seam->second));
      parts.push_back(part.substr(0, seam->second));
    }
  }
}

void SpmEncoder::append_bytes(std::string_view character, bool& after_unknown, std::vector<int32_t>& ids) const {
  const auto byte_id = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
  if (std::all_of(character.begin(), character.end(), [&](char c) { return byte_id(c) != kNoToken; })) {
    for (const char c : character) ids.push_back(byte_id(c));
    after_unknown = false;
  } else {
    if (!after_unknown) ids.push_back(unknown_);
    after_unknown = true;
  }
}

}  // namespace hearth
