// Families, the texts of their tokens, and the orders in which they want the parts of a gap.
#include "engine/text/infill.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace hearth {
namespace {

// How a family tells of other files, and where the texts around the gap stand.
enum class GapOrder {
  // <repo>NAME\n (<file>PATH\n TEXT\n)* <file>PATH\n <prefix>PREFIX <suffix>SUFFIX <middle>          Qwen2.5-Coder
  files_in_front,
  // <repo>NAME (<file>PATH\n TEXT)* <file><prefix>PATH\n PREFIX <suffix>SUFFIX <middle>              StarCoder2
  path_behind_prefix,
  // <prefix>(#PATH\n TEXT\n)* #PATH\n PREFIX <suffix>SUFFIX <middle>                                 DeepSeek-Coder
  comments,
  // <prefix>PREFIX <suffix>SUFFIX <middle>                                                           CodeLlama
  alone,
  // <suffix>SUFFIX <prefix>(+++++ PATH\n TEXT\n\n)* +++++ PATH\n PREFIX                              Codestral
  suffix_first,
};

struct GapFamily {
  std::string_view prefix, suffix, middle, repository, separator;  // texts of tokens
  GapOrder order;
};

constexpr GapFamily kFamilies[] = {
    {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|repo_name|>", "<|file_sep|>", GapOrder::files_in_front},
    {"<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<repo_name>", "<file_sep>", GapOrder::path_behind_prefix},
    {"<\xEF\xBD\x9C"
     "fim\xE2\x96\x81"
     "begin\xEF\xBD\x9C>",
     "<\xEF\xBD\x9C"
     "fim\xE2\x96\x81hole\xEF\xBD\x9C>",
     "<\xEF\xBD\x9C"
     "fim\xE2\x96\x81"
     "end\xEF\xBD\x9C>",
     "", "", GapOrder::comments},
    {"\xE2\x96\x81<PRE>", "\xE2\x96\x81<SUF>", "\xE2\x96\x81<MID>", "", "", GapOrder::alone},
    {"[PREFIX]", "[SUFFIX]", "[MIDDLE]", "", "", GapOrder::suffix_first},
};

struct GapTokens {
  std::optional<int32_t> prefix, suffix, middle, repository, separator;
  GapOrder order = GapOrder::files_in_front;

  bool complete() const { return prefix && suffix && (middle || order == GapOrder::suffix_first); }
};

const GapFamily* family_of(const Vocabulary& vocabulary) {
  const auto& given = vocabulary.special().fim_prefix;
  const auto found = std::ranges::find_if(kFamilies, [&](const GapFamily& family) {
    return given ? vocabulary.text(*given) == family.prefix
                 : vocabulary.find(family.prefix) && vocabulary.find(family.suffix);
  });
  return found == std::end(kFamilies) ? nullptr : found;
}

// The file's word counts; what it leaves out is looked for by text.
GapTokens gap_tokens(const Vocabulary& vocabulary) {
  const SpecialIds& special = vocabulary.special();
  GapTokens tokens{special.fim_prefix, special.fim_suffix, special.fim_middle, special.fim_repository,
                   special.fim_separator};
  const GapFamily* family = family_of(vocabulary);
  if (family == nullptr) return tokens;
  tokens.order = family->order;
  const auto complete = [&](std::optional<int32_t>& id, std::string_view text) {
    if (!id && !text.empty()) id = vocabulary.find(text);
  };
  complete(tokens.prefix, family->prefix);
  complete(tokens.suffix, family->suffix);
  complete(tokens.middle, family->middle);
  complete(tokens.repository, family->repository);
  complete(tokens.separator, family->separator);
  return tokens;
}

class GapWriter {
 public:
  GapWriter(const Tokenizer& tokenizer, const GapTokens& tokens) : tokenizer_(tokenizer), tokens_(tokens) {}

  std::vector<int32_t> write(const Infill& gap) {
    const std::string name = gap.name.empty() ? "untitled" : gap.name;
    const bool with_files = !gap.files.empty();
    switch (tokens_.order) {
      case GapOrder::files_in_front:
        if (with_files && tokens_.separator) {
          begin_repository("\n");
          for (const auto& [path, text] : gap.files) separate(path + "\n" + text + "\n");
          separate(name + "\n");
        }
        write_gap(gap.prefix, gap.suffix);
        break;
      case GapOrder::path_behind_prefix: {
        const bool told = with_files && tokens_.separator;
        if (told) {
          begin_repository("");
          for (const auto& [path, text] : gap.files) separate(path + "\n" + text);
          separate("");
        }
        write_gap(told ? name + "\n" + gap.prefix : gap.prefix, gap.suffix);
        break;
      }
      case GapOrder::comments: {
        std::string before;
        for (const auto& [path, text] : gap.files) before += "#" + path + "\n" + text + "\n";
        if (with_files) before += "#" + name + "\n";
        write_gap(before + gap.prefix, gap.suffix);
        break;
      }
      case GapOrder::alone:
        write_gap(gap.prefix, gap.suffix);
        break;
      case GapOrder::suffix_first: {
        std::string before;
        for (const auto& [path, text] : gap.files) before += "+++++ " + path + "\n" + text + "\n\n";
        if (with_files) before += "+++++ " + name + "\n";
        ids_.push_back(*tokens_.suffix);
        go_on(gap.suffix);
        ids_.push_back(*tokens_.prefix);
        append(before + gap.prefix);
        break;
      }
    }
    return std::move(ids_);
  }

 private:
  void begin_repository(const std::string& end) {
    if (!tokens_.repository) return;
    ids_.push_back(*tokens_.repository);
    append("project" + end);
  }

  void separate(const std::string& text) {
    ids_.push_back(*tokens_.separator);
    append(text);
  }

  void write_gap(const std::string& prefix, const std::string& suffix) {
    ids_.push_back(*tokens_.prefix);
    append(prefix);
    ids_.push_back(*tokens_.suffix);
    go_on(suffix);
    ids_.push_back(*tokens_.middle);
  }

  void append(const std::string& text) {
    const std::vector<int32_t> more = tokenizer_.encode(text, false);
    ids_.insert(ids_.end(), more.begin(), more.end());
  }

  // The suffix goes on from the gap: SentencePiece shall put no space in front. It puts it in front of a character that
  // joins with nothing, and both are taken away.
  void go_on(const std::string& text) {
    if (tokenizer_.vocabulary().model() != Vocabulary::Model::sentence_piece) return append(text);
    const std::string lonely = "\xE2\x98\xBA";
    const std::vector<int32_t> front = tokenizer_.encode(lonely, false),
                               whole = tokenizer_.encode(lonely + text, false);
    if (whole.size() < front.size() || !std::equal(front.begin(), front.end(), whole.begin())) return append(text);
    ids_.insert(ids_.end(), whole.begin() + static_cast<ptrdiff_t>(front.size()), whole.end());
  }

  const Tokenizer& tokenizer_;
  const GapTokens& tokens_;
  std::vector<int32_t> ids_;
};

}  // namespace

bool has_infill(const Vocabulary& vocabulary) { return gap_tokens(vocabulary).complete(); }

std::vector<int32_t> infill_ids(const Infill& gap, const Tokenizer& tokenizer) {
  const GapTokens tokens = gap_tokens(tokenizer.vocabulary());
  if (!tokens.complete()) throw Error(ErrorCode::invalid_argument, "the model has no fill-in-the-middle tokens");
  return GapWriter(tokenizer, tokens).write(gap);
}

}  // namespace hearth
