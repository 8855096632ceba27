// Tokenizer files from metadata.
#include "tests/engine/convert/gguf_to_hf.h"

namespace hearth {
namespace {

using Json = nlohmann::json;

constexpr int kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6;

Json split(const std::string& regex) {
  return {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}};
}
Json byte_level(bool with_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", with_regex}};
}
Json sequence(Json steps) { return {{"type", "Sequence"}, {"pretokenizers", std::move(steps)}}; }

// The files of the models that these names stand for have these steps.
Json pre_tokenizer_of(const std::string& pre) {
  const std::string words = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})",
                    rest = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  if (pre == "llama-bpe" || pre == "dbrx" || pre == "glm4" || pre == "smaug-bpe")
    return sequence({split(words + "{1,3}" + rest), byte_level(false)});
  if (pre == "qwen2") return sequence({split(words + rest), byte_level(false)});
  if (pre == "gpt-4o") {
    const std::string upper = R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])", lower = R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])";
    const std::string front = R"([^\r\n\p{L}\p{N}]?)", end = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?|)";
    return sequence({split(front + upper + "*" + lower + "+" + end + front + upper + "+" + lower + "*" + end +
                           R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"),
                     byte_level(false)});
  }
  const Json each_digit = {{"type", "Digits"}, {"individual_digits", true}};
  if (pre == "refact" || pre == "starcoder") return sequence({each_digit, byte_level(true)});
  if (pre == "falcon")
    return sequence({{{"type", "Punctuation"}, {"behavior", "Contiguous"}},
                     byte_level(true),
                     {{"type", "Digits"}, {"individual_digits", false}},
                     split("[0-9][0-9][0-9]")});
  if (pre == "deepseek-llm")
    return sequence({split("[\\r\\n]"), split("\\s?[A-Za-zµÀ-ÖØ-öø-ƺ]+"), split("\\s?[!-/:-~！-／]+"), split("\\s+$"),
                     split("[一-龥ࠀ-一가-퟿]+"), each_digit, byte_level(false)});
  return byte_level(true);
}

Json added_token(size_t id, const std::string& text, bool special) {
  return {{"id", id}, {"content", text}, {"single_word", false}, {"normalized", false}, {"special", special}};
}

struct TokenTable {
  std::vector<std::string_view> texts;
  std::vector<int64_t> types;
};

// Tokens of an embedding that has none: an unknown one, two to control, a line's end, and words.
SentencePieceFile plain_pieces(uint64_t count) {
  SentencePieceFile file;
  file.piece("<unk>", 0, kUnknown);
  file.piece("<s>", 0, kControl);
  file.piece("</s>", 0, kControl);
  file.piece("<0x0A>", 0, kByte);
  for (uint64_t id = 4; id < count; ++id) file.piece("t" + std::to_string(id), -static_cast<float>(id), kNormal);
  file.trainer(2);
  return file;
}

void add_sentence_piece(const Gguf& file, const TokenTable& table, HfFolder& folder) {
  const auto scores = *file.find_floats("tokenizer.ggml.scores");
  SentencePieceFile model;
  for (size_t id = 0; id < table.texts.size(); ++id)
    model.piece(std::string(table.texts[id]), scores[id], static_cast<int>(table.types[id]));
  model.trainer(2);
  model.normalizer(*file.find_bool("tokenizer.ggml.add_space_prefix"));
  folder.files["tokenizer.model"] = model.bytes;
}

void add_byte_level(const Gguf& file, const TokenTable& table, HfFolder& folder) {
  const std::string pre(*file.find_string("tokenizer.ggml.pre"));
  Json vocab = Json::object(), added = Json::array(), merges = Json::array();
  for (size_t id = 0; id < table.texts.size(); ++id) {
    const std::string text(table.texts[id]);
    if (table.types[id] == kNormal)
      vocab[text] = id;
    else
      added.push_back(added_token(id, text, table.types[id] == kControl));
  }
  const auto stored = *file.find_strings("tokenizer.ggml.merges");
  for (const std::string_view merge : stored) {
    const size_t space = merge.find(' ');
    merges.push_back({merge.substr(0, space), merge.substr(space + 1)});
  }
  folder.files["tokenizer.json"] = Json{
      {"version", "1.0"},
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer", pre_tokenizer_of(pre)},
      {"decoder", byte_level(true)},
      {"model",
       {{"type", "BPE"},
        {"byte_fallback", false},
        {"ignore_merges", pre == "llama-bpe"},
        {"vocab", vocab},
        {"merges", merges}}}}.dump();
}

void add_word_piece(const TokenTable& table, HfFolder& folder) {
  const std::string mark = "\xE2\x96\x81";
  Json vocab = Json::object(), added = Json::array();
  for (size_t id = 0; id < table.texts.size(); ++id) {
    const std::string text(table.texts[id]);
    if (table.types[id] == kControl) added.push_back(added_token(id, text, true));
    const std::string plain = text.starts_with(mark) ? text.substr(mark.size()) : "##" + text;
    vocab[table.types[id] == kNormal ? plain : text] = id;
  }
  folder.files["tokenizer.json"] =
      Json{{"added_tokens", added},
           {"normalizer", {{"type", "BertNormalizer"}, {"lowercase", true}}},
           {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
           {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}}},
           {"model",
            {{"type", "WordPiece"}, {"unk_token", "[UNK]"}, {"continuing_subword_prefix", "##"}, {"vocab", vocab}}}}
          .dump();
}

void add_pooling(const Gguf& file, HfFolder& folder) {
  const auto rule = file.find_uint(std::string(*file.find_string("general.architecture")) + ".pooling_type");
  if (!rule) return;
  folder.files["modules.json"] =
      Json{{{"idx", 0}, {"path", ""}, {"type", "sentence_transformers.models.Transformer"}},
           {{"idx", 1}, {"path", "1_Pooling"}, {"type", "sentence_transformers.models.Pooling"}}}
          .dump();
  folder.files["1_Pooling/config.json"] = Json{
      {"pooling_mode_mean_tokens", *rule == 1},
      {"pooling_mode_cls_token", *rule == 2},
      {"pooling_mode_lasttoken", *rule == 3}}.dump();
}

}  // namespace

void add_hf_tokenizer(const Gguf& file, HfFolder& folder) {
  add_pooling(file, folder);
  const auto model = file.find_string("tokenizer.ggml.model");
  if (!model) {
    folder.files["tokenizer.model"] = plain_pieces(file.find_tensor("token_embd.weight")->dims[1]).bytes;
    return;
  }
  const TokenTable table{*file.find_strings("tokenizer.ggml.tokens"), *file.find_ints("tokenizer.ggml.token_type")};
  if (*model == "llama")
    add_sentence_piece(file, table, folder);
  else if (*model == "gpt2")
    add_byte_level(file, table, folder);
  else
    add_word_piece(table, folder);
  Json config = Json::object();
  const auto add_id = [&](const char* key, const char* name) {
    if (const auto id = file.find_uint(key)) config[name] = table.texts[*id];
  };
  add_id("tokenizer.ggml.bos_token_id", "bos_token");
  add_id("tokenizer.ggml.eos_token_id", "eos_token");
  add_id("tokenizer.ggml.unknown_token_id", "unk_token");
  add_id("tokenizer.ggml.seperator_token_id", "sep_token");
  add_id("tokenizer.ggml.padding_token_id", "pad_token");
  add_id("tokenizer.ggml.cls_token_id", "cls_token");
  add_id("tokenizer.ggml.mask_token_id", "mask_token");
  for (const char* name : {"add_bos_token", "add_eos_token"})
    if (const auto adds = file.find_bool("tokenizer.ggml." + std::string(name))) config[name] = *adds;
  folder.files["tokenizer_config.json"] = config.dump();
}

}  // namespace hearth
