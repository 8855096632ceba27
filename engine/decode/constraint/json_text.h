// JSON as text that a grammar can be made of.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/decode/constraint/grammar_builder.h"
#include "engine/text/template/value.h"

namespace hearth {

// Parts of JSON texts, each made once. Numbers have at most 18 digits before the point and 18 behind it, and exponents
// that a double can hold.
class JsonText {
 public:
  // comma, colon: what stands between members and behind keys.
  JsonText(GrammarBuilder& builder, std::string_view comma, std::string_view colon);

  GrammarPart value();   // any
  GrammarPart string();  // any
  GrammarPart object();  // any
  GrammarPart array();   // any
  GrammarPart number();
  GrammarPart integer();
  GrammarPart boolean();
  GrammarPart null();
  // Any character of a string, in every way that JSON can write it.
  GrammarPart any_character();
  // One of a set, written in one way: as itself where that may be, else by its short escape, else as \u00XX.
  GrammarPart character(const CharacterSet& set);
  std::string text(const Value& value) const;  // written in one way, likewise
  GrammarPart key(std::string_view name);      // with the colon
  GrammarPart comma() const { return comma_; }
  GrammarPart colon() const { return colon_; }
  GrammarPart quote() const { return quote_; }
  GrammarBuilder& builder() { return builder_; }

 private:
  void write(const Value& value, std::string& text) const;
  GrammarPart digits(uint32_t least, uint32_t most);

  GrammarBuilder& builder_;
  std::string comma_text_, colon_text_;
  GrammarPart comma_, colon_, quote_;
  std::optional<GrammarPart> value_, string_, object_, array_, number_, integer_, any_character_;
  std::map<CharacterSet, GrammarPart> characters_;
};

// The text of a string in quotes, written in one way.
std::string json_string(std::string_view text);

}  // namespace hearth
