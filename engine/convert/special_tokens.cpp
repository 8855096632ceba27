// Special tokens and chat templates, from tokenizer_config.json and the files beside it.
#include <algorithm>
#include <array>
#include <unordered_map>

#include "engine/convert/vocabulary.h"
#include "formats/byte_cursor.h"

namespace hearth {
namespace {

struct SpecialName {
  const char* name;  // "bos": bos_token, bos_token_id
  const char* key;
};
constexpr SpecialName kSpecialNames[] = {
    {"bos", "tokenizer.ggml.bos_token_id"},     {"eos", "tokenizer.ggml.eos_token_id"},
    {"unk", "tokenizer.ggml.unknown_token_id"}, {"sep", "tokenizer.ggml.seperator_token_id"},  // sic
    {"pad", "tokenizer.ggml.padding_token_id"}, {"cls", "tokenizer.ggml.cls_token_id"},
    {"mask", "tokenizer.ggml.mask_token_id"},
};

class SpecialTokenWriter {
 public:
  SpecialTokenWriter(const ConvertedVocabulary& vocabulary, const ModelFolder& folder, const Settings& config,
                     Metadata& metadata)
      : vocabulary_(vocabulary),
        folder_(folder),
        config_(config),
        tokenizer_(settings_of("tokenizer_config.json")),
        metadata_(metadata) {
    for (size_t id = 0; id < vocabulary.tokens.size(); ++id)
      ids_.try_emplace(vocabulary.tokens[id].text, static_cast<uint32_t>(id));
  }

  void write() {
    for (const SpecialName& special : kSpecialNames)
      if (const auto id = id_of(special.name)) metadata_.set(special.key, *id);
    add_further_ends();
    for (const char* name : {"bos", "eos"})
      if (const auto adds = adds_token(name))
        metadata_.set("tokenizer.ggml.add_" + std::string(name) + "_token", *adds);
    add_templates();
  }

 private:
  Settings settings_of(const char* file) const {
    return Settings(folder_.read_json(file).value_or(Json::object()), folder_.path_of(file));
  }

  // A text, or an object with one.
  std::optional<uint32_t> id_of_text(const Json* token) const {
    if (token != nullptr && token->is_object()) token = token->contains("content") ? &token->at("content") : nullptr;
    if (token == nullptr || !token->is_string()) return std::nullopt;
    const auto found = ids_.find(token->get<std::string>());
    return found == ids_.end() ? std::nullopt : std::optional(found->second);
  }

  std::optional<uint32_t> checked(const Json& id) const {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= vocabulary_.tokens.size()) return std::nullopt;
    return id.get<uint32_t>();
  }

  std::optional<uint32_t> id_of(const std::string& name) const {
    if (const auto id = id_of_text(tokenizer_.find({(name + "_token").c_str()}))) return id;
    const Json* id = config_.find({(name + "_token_id").c_str()});
    if (id == nullptr) return std::nullopt;
    return id->is_array() && !id->empty() ? checked(id->front()) : checked(*id);
  }

  // The tokens that end an answer besides eos: GGUF has places for two.
  void add_further_ends() {
    const Settings generation = settings_of("generation_config.json");
    const Json* ids = generation.find({"eos_token_id"});
    if (ids == nullptr) ids = config_.find({"eos_token_id"});
    if (ids == nullptr || !ids->is_array()) return;
    std::vector<uint32_t> seen;
    if (const auto eos = id_of("eos")) seen.push_back(*eos);
    for (const Json& one : *ids) {
      const auto id = checked(one);
      if (!id || std::find(seen.begin(), seen.end(), *id) != seen.end()) continue;
      if (seen.empty() || seen.size() > 2) return;
      metadata_.set(seen.size() == 1 ? "tokenizer.ggml.eot_token_id" : "tokenizer.ggml.eom_token_id", *id);
      seen.push_back(*id);
    }
  }

  // As the configuration says, or as the template of tokenizer.json puts it around a text.
  std::optional<bool> adds_token(const std::string& name) const {
    const std::string setting = "add_" + name + "_token";
    if (const auto flag = tokenizer_.flag(setting.c_str())) return flag;
    const auto tokenizer = folder_.read_json("tokenizer.json");
    if (!tokenizer || !tokenizer->is_object()) return std::nullopt;
    const Json processor = tokenizer->value("post_processor", Json());
    if (!processor.is_object()) return std::nullopt;
    std::optional<bool> adds = adds_by(processor, name);
    const Json processors = processor.value("processors", Json::array());
    for (const Json& one : processors)
      if (!adds) adds = adds_by(one, name);
    return adds;
  }

  std::optional<bool> adds_by(const Json& processor, const std::string& name) const {
    if (!processor.is_object() || processor.value("type", Json()) != "TemplateProcessing") return std::nullopt;
    const Json single = processor.value("single", Json::array());
    if (!single.is_array() || single.size() < 2) return std::nullopt;
    const Json& outer = name == "bos" ? single.front() : single.back();
    const Json token = outer.is_object() ? outer.value("SpecialToken", Json()) : Json();
    if (!token.is_object() || !token.contains("id")) return false;
    const auto stands = id_of_text(&token.at("id"));
    const auto wanted = id_of(name);
    return stands && (stands == wanted || (!wanted && stands == id_of(name == "bos" ? "cls" : "sep")));
  }

  void add_templates() {
    if (const auto text = folder_.read_text("chat_template.jinja")) return set_template(*text);
    const Json* stored = tokenizer_.find({"chat_template"});
    if (stored == nullptr) {
      const Settings apart = settings_of("chat_template.json");
      if (const auto text = apart.text({"chat_template"})) set_template(*text);
      return;
    }
    if (stored->is_string()) return set_template(stored->get<std::string>());
    if (!stored->is_array()) tokenizer_.fail("chat_template", "is neither a text nor a list");
    std::vector<std::string> names;
    for (const Json& one : *stored) {
      const Settings named(one, folder_.path_of("tokenizer_config.json"));
      const auto name = named.text({"name"}), text = named.text({"template"});
      if (!name || !text) tokenizer_.fail("chat_template", "has an entry without a name or template");
      if (*name == "default") {
        set_template(*text);
        continue;
      }
      std::string plain = *name;
      std::replace_if(
          plain.begin(), plain.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
      if (plain.empty() || plain.size() > 200) tokenizer_.fail("chat_template", "has an entry with an unusual name");
      names.push_back(plain);
      metadata_.set("tokenizer.chat_template." + plain, *text);
    }
    if (!names.empty()) metadata_.set("tokenizer.chat_templates", names);
  }

  void set_template(const std::string& text) { metadata_.set("tokenizer.chat_template", text); }

  const ConvertedVocabulary& vocabulary_;
  const ModelFolder& folder_;
  const Settings& config_;
  Settings tokenizer_;
  Metadata& metadata_;
  std::unordered_map<std::string, uint32_t> ids_;
};

}  // namespace

void add_special_tokens(const ConvertedVocabulary& vocabulary, const ModelFolder& folder, const Settings& config,
                        Metadata& metadata) {
  SpecialTokenWriter(vocabulary, folder, config, metadata).write();
}

}  // namespace hearth
