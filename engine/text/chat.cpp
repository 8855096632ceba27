// Keeping what users write apart from what the template writes.
#include "engine/text/chat.h"

#include "engine/text/template/chat_context.h"
#include "engine/text/template/value.h"

namespace hearth {
namespace {

// U+FDD0, a noncharacter: no text means anything by it, and templates pass it through. It is put into a special token's
// text in a message, behind its first character, and taken out of the rendered prompt.
constexpr std::string_view kMark = "\xEF\xB7\x90";

class Marker {
 public:
  explicit Marker(const Vocabulary& vocabulary) {
    std::vector<SpecialTokens::Token> tokens;
    for (int32_t id = 0; id < vocabulary.size(); ++id) {
      const TokenType type = vocabulary.type(id);
      if (type == TokenType::control || type == TokenType::unknown) tokens.push_back({vocabulary.text(id), id});
    }
    special_ = SpecialTokens(tokens);
  }

  // Marks every string inside a value.
  Value marked(const Value& value) const {
    if (value.is_string()) return marked_text(value.string());
    if (value.is_list()) {
      std::vector<Value> items;
      for (const Value& item : value.list().items) items.push_back(marked(item));
      return Value::list(std::move(items));
    }
    if (!value.is_dict()) return value;
    Dict dict;
    for (const auto& [key, item] : value.dict().items) dict.set(key, marked(item));
    return dict;
  }

  std::vector<SpecialTokens::Match> find(std::string_view text) const { return special_.find(text); }

 private:
  Value marked_text(std::string_view text) const {
    std::string result;
    size_t done = 0;
    for (const auto& match : special_.find(text)) {
      size_t first = match.begin + 1;
      while (first < match.end && (static_cast<unsigned char>(text[first]) & 0xC0) == 0x80) ++first;
      result.append(text.substr(done, first - done)).append(kMark);
      done = first;
    }
    return result.append(text.substr(done));
  }

  SpecialTokens special_{{}};
};

}  // namespace

ChatPrompt render_chat(const Template& chat_template, const Value& request, const Vocabulary& vocabulary) {
  Dict completed;
  const auto name_token = [&](const char* name, std::optional<int32_t> id) {
    if (id) completed.set(name, Value(vocabulary.text(*id)));
  };
  name_token("bos_token", vocabulary.special().bos);
  name_token("eos_token", vocabulary.special().eos);
  const Marker marker(vocabulary);
  if (request.is_dict())
    for (const auto& [key, value] : request.dict().items) {
      const bool written_by_user = key.is_string() && (key.string() == "messages" || key.string() == "documents");
      completed.set(key, written_by_user ? marker.marked(value) : value);
    }
  const std::string rendered = chat_template.render(chat_context(Value(std::move(completed))));

  ChatPrompt prompt;
  for (size_t done = 0;;) {
    const size_t mark = rendered.find(kMark, done);
    prompt.text.append(rendered, done, mark - done);
    if (mark == std::string::npos) return prompt;
    // The token begins one character before the mark.
    size_t begin = prompt.text.size();
    while (begin > 0 && (static_cast<unsigned char>(prompt.text[--begin]) & 0xC0) == 0x80) continue;
    prompt.literal.push_back(begin);
    done = mark + kMark.size();
  }
}

void add_literal(ChatPrompt& prompt, std::string_view text, const Vocabulary& vocabulary) {
  for (const auto& match : Marker(vocabulary).find(text)) prompt.literal.push_back(prompt.text.size() + match.begin);
  prompt.text += text;
}

}  // namespace hearth
