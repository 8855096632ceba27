// Loads the merges and encodes words.
#include "engine/text/tokenizer/bpe.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "engine/text/tokenizer/byte_level.h"
#include "engine/text/tokenizer/error.h"

namespace hearth {
namespace {

// Tokens that text can turn into without being named whole.
bool is_plain(TokenType type) {
  return type == TokenType::normal || type == TokenType::undefined || type == TokenType::byte;
}

}  // namespace

BpeEncoder::MergeTable::MergeTable(std::vector<Row> rows, int32_t vocabulary_size) : rows_(std::move(rows)) {
  const auto order = [](const Row& row) { return std::tuple(row.left, row.right, row.merge.rank); };
  std::sort(rows_.begin(), rows_.end(), [&](const Row& a, const Row& b) { return order(a) < order(b); });
  first_.resize(static_cast<size_t>(vocabulary_size) + 1);
  for (const Row& row : rows_) ++first_[static_cast<size_t>(row.left) + 1];
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
}

Merge BpeEncoder::MergeTable::find(int32_t left, int32_t right) const {
  if (left == kNoToken || right == kNoToken) return {};
  const auto begin = rows_.begin() + first_[static_cast<size_t>(left)];
  const auto end = rows_.begin() + first_[static_cast<size_t>(left) + 1];
  const auto row = std::lower_bound(begin, end, right, [](const Row& a, int32_t id) { return a.right < id; });
  return row != end && row->right == right ? row->merge : Merge{};
}

BpeEncoder::BpeEncoder(const Gguf& gguf, const Vocabulary& vocabulary, PreTokenizer rules)
    : rules_(rules), takes_whole_words_(rules == PreTokenizer::llama3 || rules == PreTokenizer::tekken) {
  for (unsigned byte = 0; byte < byte_ids_.size(); ++byte) {
    const auto id = vocabulary.find(byte_level_text(static_cast<unsigned char>(byte)));
    byte_ids_[byte] = id && is_plain(vocabulary.type(*id)) ? *id : kNoToken;
  }
  const auto unknown = vocabulary.special().unknown;
  if (unknown && vocabulary.type(*unknown) == TokenType::unknown) unknown_ = *unknown;
  load_merges(gguf, vocabulary);
  if (takes_whole_words_) load_whole_words(vocabulary);
}

void BpeEncoder::load_merges(const Gguf& gguf, const Vocabulary& vocabulary) {
  constexpr std::string_view kMerges = "tokenizer.ggml.merges";
  const auto fail = [&](const std::string& what) {
    throw TokenizerError(gguf.name() + ": " + std::string(kMerges) + ": " + what);
  };
  const auto merges = gguf.find_strings(kMerges);
  if (!merges) fail("missing");
  if (merges->size() >= Merge::kNone) fail("more merges than ranks can number");
  std::vector<MergeTable::Row> rows;
  rows.reserve(merges->size());
  std::string joined;
  for (size_t rank = 0; rank < merges->size(); ++rank) {
    const std::string_view merge = (*merges)[rank];
    const auto refuse = [&](const char* what) { fail("merge " + std::to_string(rank) + " " + what); };
    const size_t space = merge.find(' ');
    if (space == merge.npos || merge.find(' ', space + 1) != merge.npos)
      refuse("is not two texts with a space between");
    const auto left = vocabulary.find(merge.substr(0, space));
    const auto right = vocabulary.find(merge.substr(space + 1));
    if (!left || !right) refuse("names a text that is no token");
    joined.assign(merge.substr(0, space)).append(merge.substr(space + 1));
    const auto id = vocabulary.find(joined);
    if (!id) refuse("makes a text that is no token");
    rows.push_back({*left, *right, {static_cast<uint32_t>(rank), *id}});
  }
  merges_ = MergeTable(std::move(rows), vocabulary.size());
}

void BpeEncoder::load_whole_words(const Vocabulary& vocabulary) {
  std::vector<std::pair<size_t, int32_t>> ends;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    if (!is_plain(vocabulary.type(id))) continue;
    const std::string bytes = byte_level_bytes(vocabulary.text(id));
    word_bytes_.insert(word_bytes_.end(), bytes.begin(), bytes.end());
    ends.emplace_back(word_bytes_.size(), id);
  }
  words_.reserve(ends.size());
  size_t begin = 0;
  for (const auto& [end, id] : ends) {
    words_.try_emplace({word_bytes_.data() + begin, end - begin}, id);
    begin = end;
  }
}

void BpeEncoder::encode(std::string_view text, std::vector<int32_t>& ids) const {
  Merger merger;
  std::vector<Symbol> symbols;
  uint32_t begin = 0;
  for (const uint32_t end : pre_tokenize(rules_, text)) {
    const std::string_view word = text.substr(begin, end - begin);
    begin = end;
    if (takes_whole_words_) {
      if (const auto found = words_.find(word); found != words_.end()) {
        ids.push_back(found->second);
        continue;
      }
    }
    symbols.clear();
    for (uint32_t at = 0; at < word.size(); ++at) {
      symbols.push_back({at, 1, byte_ids_[static_cast<unsigned char>(word[at])]});
    }
    merger.merge(symbols, [&](const Symbol& left, const Symbol& right) { return merges_.find(left.id, right.id); });
    for (const Symbol& symbol : symbols) {
      const int32_t id = symbol.id == kNoToken ? unknown_ : symbol.id;
      if (id != kNoToken) ids.push_back(id);
    }
  }
}

}  // namespace hearth
