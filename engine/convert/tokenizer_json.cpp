// Reading tokenizer.json: BPE of bytes, BPE in the manner of SentencePiece, and WordPiece.
#include <algorithm>
#include <unordered_map>

#include "engine/convert/vocabulary.h"
#include "engine/text/tokenizer/spm.h"
#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

const Json kNothing;

const Json& member(const Json& object, const char* name) {
  if (!object.is_object()) return kNothing;
  const auto found = object.find(name);
  return found == object.end() ? kNothing : *found;
}

// Whether a step of the type is in a normalizer, pre-tokenizer or decoder, or in the sequence that it is.
const Json& find_step(const Json& part, std::string_view type) {
  if (member(part, "type") == type) return part;
  for (const char* list : {"normalizers", "pretokenizers", "decoders"})
    for (const Json& step : member(part, list))
      if (member(step, "type") == type) return step;
  return kNothing;
}

class TokenizerReader {
 public:
  TokenizerReader(const Json& tokenizer, const std::string& file) : tokenizer_(tokenizer), file_(file) {}

  ConvertedVocabulary read(std::string_view architecture, const std::string& pre) {
    const Json& model = member(tokenizer_, "model");
    if (!model.is_object()) fail("has no model");
    const std::string type = type_of(model);
    if (type != "BPE" && type != "WordPiece")
      fail("has a tokenizer of the type " + in_quotes(type) + "; BPE and WordPiece are converted");
    read_tokens(member(model, "vocab"));
    if (type == "WordPiece") {
      make_word_piece(model);
    } else if (has_step("ByteLevel")) {
      vocabulary_.model = "gpt2";
      vocabulary_.pre = pre.empty() ? recognise_pre_tokenizer(tokenizer_, file_, architecture) : pre;
      vocabulary_.merges = read_merges(member(model, "merges"));
    } else if (member(model, "byte_fallback") == true || has_step("Metaspace")) {
      make_sentence_piece(model);
    } else {
      fail("has a BPE tokenizer neither of bytes nor in the manner of SentencePiece");
    }
    add_tokens(member(tokenizer_, "added_tokens"));
    return std::move(vocabulary_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw FileError(file_ + ": " + what); }

  // Files of older versions do not say.
  std::string type_of(const Json& model) const {
    const Json& type = member(model, "type");
    if (type.is_string()) return type.get<std::string>();
    return member(model, "merges").is_array() ? "BPE" : "";
  }

  bool has_step(std::string_view type) const {
    for (const char* part : {"normalizer", "pre_tokenizer", "decoder"})
      if (!find_step(member(tokenizer_, part), type).is_null()) return true;
    return false;
  }

  uint64_t id_of(const Json& id) const {
    if (!id.is_number_unsigned()) fail("has a token whose id is no whole number");
    return id.get<uint64_t>();
  }

  void read_tokens(const Json& vocab) {
    if (!vocab.is_object() || vocab.empty()) fail("has no vocab");
    for (const auto& [text, id] : vocab.items()) {
      ConvertedToken& token = vocabulary_.at(id_of(id), file_);
      if (token.type != TokenType::unused) fail("has two tokens with the id " + std::to_string(id_of(id)));
      token = {text, 0, TokenType::normal};
    }
  }

  // "a b", or since spaces may be in tokens, ["a", "b"]; GGUF has the former, with spaces in disguise.
  static std::string joined(const Json& merge) {
    if (merge.is_string()) return merge.get<std::string>();
    if (!merge.is_array() || merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string()) return "";
    std::string text;
    for (const Json& side : merge) {
      if (!text.empty()) text += ' ';
      for (const char c : side.get<std::string>()) text += c == ' ' ? std::string("\xC4\xA0") : std::string(1, c);
    }
    return text;
  }

  std::vector<std::string> read_merges(const Json& merges) const {
    if (!merges.is_array()) fail("has no merges");
    std::vector<std::string> result;
    for (const Json& merge : merges) {
      result.push_back(joined(merge));
      if (result.back().find(' ') == std::string::npos) fail("has a merge that is no pair of texts");
    }
    return result;
  }

  // SentencePiece joins the pair with the best score; here that is the pair of the earliest merge. What no merge makes
  // comes last.
  void make_sentence_piece(const Json& model) {
    vocabulary_.model = "llama";
    vocabulary_.pre = "default";
    std::unordered_map<std::string, float> scores;
    const Json& merges = member(model, "merges");
    if (!merges.is_array()) fail("has no merges");
    float score = 0;
    for (const Json& merge : merges) {
      std::string pair = joined(merge);
      const size_t space = pair.find(' ');
      if (space == std::string::npos) fail("has a merge that is no pair of texts");
      scores.try_emplace(pair.erase(space, 1), score);
      score -= 1;
    }
    const Json& unknown = member(model, "unk_token");
    for (ConvertedToken& token : vocabulary_.tokens) {
      if (token.type == TokenType::unused) continue;
      const auto found = scores.find(token.text);
      token.score = found == scores.end() ? score : found->second;
      if (byte_of_token(token.text) >= 0) token.type = TokenType::byte;
      if (unknown.is_string() && token.text == unknown.get<std::string>()) token.type = TokenType::unknown;
    }
    vocabulary_.add_space_prefix =
        has_step("Prepend") || prepends(find_step(member(tokenizer_, "pre_tokenizer"), "Metaspace"));
  }

  static bool prepends(const Json& metaspace) {
    const Json& scheme = member(metaspace, "prepend_scheme");
    if (scheme.is_string()) return scheme != "never";
    return metaspace.is_object() && member(metaspace, "add_prefix_space") != false;
  }

  // GGUF marks the beginnings of words, where WordPiece marks what goes on. Added tokens stay as they are.
  void make_word_piece(const Json& model) {
    const Json& prefix = member(model, "continuing_subword_prefix");
    if (!prefix.is_null() && prefix != "##") fail("has an unusual continuing_subword_prefix");
    if (member(find_step(member(tokenizer_, "normalizer"), "BertNormalizer"), "lowercase") == false)
      fail("has a WordPiece tokenizer that tells upper from lower case, which GGUF has no place for");
    vocabulary_.model = "bert";
    vocabulary_.pre = "default";
    for (ConvertedToken& token : vocabulary_.tokens) {
      if (token.type == TokenType::unused) continue;
      if (token.text.starts_with("##"))
        token.text.erase(0, 2);
      else
        token.text.insert(0, kSpaceMark);
    }
  }

  void add_tokens(const Json& added) {
    if (added.is_null()) return;
    if (!added.is_array()) fail("has added_tokens that are no list");
    for (const Json& one : added) {
      const Json& text = member(one, "content");
      if (!text.is_string() || text.get<std::string>().empty()) fail("has an added token without a text");
      const uint64_t id = id_of(member(one, "id"));
      if (vocabulary_.at(id, file_).type == TokenType::unknown) continue;
      add_token(vocabulary_, id, text, member(one, "special") == true, file_);
    }
  }

  const Json& tokenizer_;
  const std::string& file_;
  ConvertedVocabulary vocabulary_;
};

// Tokens that are meant as special, whatever their files say.
bool looks_special(std::string_view text) {
  constexpr std::string_view kBar = "\xEF\xBD\x9C";  // the wide one of DeepSeek
  for (const std::string_view known : {"<pad>", "<mask>", "<2mass>", "[@BOS@]"})
    if (text == known) return true;
  const auto within = [&](std::string_view begin, std::string_view end) {
    return text.size() >= begin.size() + end.size() && text.starts_with(begin) && text.ends_with(end);
  };
  return within("<|", "|>") || within("<" + std::string(kBar), std::string(kBar) + ">") || within("<unused", ">");
}

std::string with_spaces(std::string_view marked) {
  std::string text;
  for (size_t at = marked.find(kSpaceMark); at != marked.npos; at = marked.find(kSpaceMark)) {
    text.append(marked.substr(0, at)).append(" ");
    marked.remove_prefix(at + kSpaceMark.size());
  }
  return text.append(marked);
}

}  // namespace

ConvertedToken& ConvertedVocabulary::at(uint64_t id, const std::string& file) {
  if (id >= kMostTokens) throw FileError(file + ": the token " + std::to_string(id) + " is past what any model has");
  if (id >= tokens.size()) tokens.resize(id + 1);
  return tokens[id];
}

void add_token(ConvertedVocabulary& vocabulary, uint64_t id, std::string text, bool special, const std::string& file) {
  ConvertedToken& token = vocabulary.at(id, file);
  token.type = special || looks_special(text) ? TokenType::control : TokenType::user_defined;
  // Readers look for the latter in texts, where spaces are not yet marked.
  token.text = token.type == TokenType::user_defined ? with_spaces(text) : std::move(text);
  token.score = vocabulary.model == "llama" ? -1000.0f : 0.0f;
}

ConvertedVocabulary read_tokenizer_json(const Json& tokenizer, const std::string& file, std::string_view architecture,
                                        const std::string& pre) {
  return TokenizerReader(tokenizer, file).read(architecture, pre);
}

}  // namespace hearth
