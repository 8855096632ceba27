// Reading tokenizer.model: the few fields of SentencePiece's protocol buffer that matter here.
#include <bit>
#include <cmath>
#include <cstring>

#include "engine/convert/vocabulary.h"
#include "engine/text/tokenizer/spm.h"
#include "formats/error.h"

namespace hearth {
namespace {

// Fields of a message, one after the other.
class ProtoReader {
 public:
  ProtoReader(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  // Reads the next field; false at the end. Groups, which no file has, are refused.
  bool next() {
    if (bytes_.empty()) return false;
    const uint64_t key = varint();
    field = key >> 3;
    number = 0;
    text = {};
    switch (key & 7) {
      case 0:
        number = varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        text = take(varint());
        break;
      case 5: {
        uint32_t bits;
        std::memcpy(&bits, take(4).data(), sizeof bits);
        number = bits;
        break;
      }
      default:
        fail();
    }
    if (field == 0) fail();
    return true;
  }

  uint64_t field = 0;
  uint64_t number = 0;    // of a varint, or the bits of a float
  std::string_view text;  // of a string or a message

 private:
  [[noreturn]] void fail() const { throw FileError(file_ + ": is no SentencePiece model"); }
  std::string_view take(uint64_t size) {
    if (size > bytes_.size()) fail();
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= uint64_t{byte & 127u} << shift;
      if (byte < 128) return value;
    }
    fail();
  }

  std::string_view bytes_;
  const std::string& file_;
};

// Numbers of fields and of the kinds of pieces are those of SentencePiece, whose kinds GGUF has taken over.
ConvertedToken read_piece(std::string_view bytes, const std::string& file) {
  ConvertedToken token{"", 0, TokenType::normal};
  ProtoReader piece(bytes, file);
  while (piece.next()) {
    if (piece.field == 1) token.text = piece.text;
    if (piece.field == 2) token.score = std::bit_cast<float>(static_cast<uint32_t>(piece.number));
    if (piece.field == 3) {
      if (piece.number < 1 || piece.number > 6) throw FileError(file + ": has a piece of an unknown kind");
      token.type = static_cast<TokenType>(piece.number);
    }
  }
  if (token.text.empty() || std::isnan(token.score)) throw FileError(file + ": has a piece without a text or score");
  if (token.type == TokenType::byte && byte_of_token(token.text) < 0)
    throw FileError(file + ": has a piece that stands for a byte, but is not of the form <0xHH>");
  return token;
}

}  // namespace

ConvertedVocabulary read_sentencepiece(std::string_view bytes, const std::string& file) {
  constexpr uint64_t kUnigram = 1, kBpe = 2;
  ConvertedVocabulary vocabulary{"llama", "default", {}, {}, true};
  uint64_t kind = kUnigram;
  ProtoReader model(bytes, file);
  while (model.next()) {
    if (model.field == 1) vocabulary.at(vocabulary.tokens.size(), file) = read_piece(model.text, file);
    if (model.field == 2)
      for (ProtoReader trainer(model.text, file); trainer.next();)
        if (trainer.field == 3) kind = trainer.number;
    if (model.field == 3)
      for (ProtoReader normalizer(model.text, file); normalizer.next();)
        if (normalizer.field == 3) vocabulary.add_space_prefix = normalizer.number != 0;
  }
  if (vocabulary.tokens.empty()) throw FileError(file + ": is no SentencePiece model, or has no pieces");
  if (kind != kBpe)
    throw FileError(file + ": is a SentencePiece model of " + (kind == kUnigram ? "the kind unigram" : "another kind") +
                    "; only BPE is converted");
  // Readers look for these in texts, where spaces are not yet marked.
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
    if (ConvertedToken& token = vocabulary.tokens[id]; token.type == TokenType::user_defined) {
      const float score = token.score;
      add_token(vocabulary, id, token.text, false, file);
      vocabulary.tokens[id].score = score;
    }
  return vocabulary;
}

}  // namespace hearth
