// Parts of JSON texts.
#include "engine/decode/constraint/json_text.h"

#include <charconv>

#include "engine/include/hearth/hearth.h"
#include "engine/text/template/json.h"

namespace hearth {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

// What a character that a string cannot hold as itself is written as; empty for others.
std::string escape_of(uint32_t character) {
  switch (character) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      if (character >= 0x20) return "";
      return std::string("\\u00") + kHexDigits[character >> 4] + kHexDigits[character & 15];
  }
}

CharacterSet any_of(std::string_view characters) {
  std::vector<CharacterRange> ranges;
  for (const char c : characters) ranges.push_back({static_cast<uint8_t>(c), static_cast<uint8_t>(c)});
  return CharacterSet(std::move(ranges));
}

const CharacterSet& plain_characters() {
  static const CharacterSet set = CharacterSet({{0x20, CharacterSet::kLast}}) - any_of("\"\\");
  return set;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const std::string escape = escape_of(static_cast<uint8_t>(c));
    escape.empty() ? result += c : result += escape;
  }
  return result + '"';
}

JsonText::JsonText(GrammarBuilder& builder, std::string_view comma, std::string_view colon)
    : builder_(builder),
      comma_text_(comma),
      colon_text_(colon),
      comma_(builder.literal(comma)),
      colon_(builder.literal(colon)),
      quote_(builder.literal("\"")) {}

GrammarPart JsonText::character(const CharacterSet& set) {
  if (const auto known = characters_.find(set); known != characters_.end()) return known->second;
  std::vector<GrammarPart> ways;
  if (const CharacterSet plain = set & plain_characters(); !plain.empty()) ways.push_back(builder_.character(plain));
  for (uint32_t c = 0; c <= '\\'; ++c)
    if (const std::string escape = escape_of(c); !escape.empty() && set.contains(c))
      ways.push_back(builder_.literal(escape));
  const GrammarPart part = builder_.choice(std::move(ways));
  characters_.emplace(set, part);
  return part;
}

GrammarPart JsonText::any_character() {
  if (any_character_) return *any_character_;
  GrammarBuilder& b = builder_;
  const GrammarPart hex = b.character(any_of("0123456789abcdefABCDEF"));
  const GrammarPart d = b.character(any_of("dD"));
  const GrammarPart high = b.sequence({d, b.character(any_of("89abAB")), hex, hex});
  const GrammarPart low = b.sequence({d, b.character(any_of("cdefCDEF")), hex, hex});
  const GrammarPart other = b.choice({b.sequence({b.character(any_of("0123456789abcefABCEF")), hex, hex, hex}),
                                      b.sequence({d, b.character(any_of("01234567")), hex, hex})});
  const GrammarPart escape =
      b.choice({b.character(any_of("\"\\/bfnrt")),
                b.sequence({b.literal("u"), b.choice({other, b.sequence({high, b.literal("\\u"), low})})})});
  any_character_ = b.choice({b.character(plain_characters()), b.sequence({b.literal("\\"), escape})});
  return *any_character_;
}

GrammarPart JsonText::string() {
  if (!string_) {
    string_ = builder_.rule("string");
    builder_.define(*string_, builder_.sequence({quote_, builder_.repeat(any_character(), 0), quote_}));
  }
  return *string_;
}

GrammarPart JsonText::digits(uint32_t least, uint32_t most) {
  return builder_.repeat(builder_.character(any_of("0123456789")), least, most);
}

GrammarPart JsonText::integer() {
  if (!integer_) {
    GrammarBuilder& b = builder_;
    integer_ = b.rule("integer");
    b.define(*integer_,
             b.sequence({b.optional(b.literal("-")),
                         b.choice({b.literal("0"), b.sequence({b.character(any_of("123456789")), digits(0, 17)})})}));
  }
  return *integer_;
}

GrammarPart JsonText::number() {
  if (!number_) {
    GrammarBuilder& b = builder_;
    const GrammarPart fraction = b.sequence({b.literal("."), digits(1, 18)});
    const GrammarPart exponent =
        b.sequence({b.character(any_of("eE")), b.optional(b.character(any_of("+-"))),
                    b.choice({digits(1, 2), b.sequence({b.character(any_of("12")), b.character(any_of("012345678")),
                                                        b.character(any_of("0123456789"))})})});
    number_ = b.rule("number");
    b.define(*number_, b.sequence({integer(), b.optional(fraction), b.optional(exponent)}));
  }
  return *number_;
}

GrammarPart JsonText::boolean() { return builder_.choice({builder_.literal("true"), builder_.literal("false")}); }
GrammarPart JsonText::null() { return builder_.literal("null"); }

GrammarPart JsonText::object() {
  if (!object_) {
    GrammarBuilder& b = builder_;
    object_ = b.rule("object");
    const GrammarPart member = b.sequence({string(), colon_, value()});
    b.define(*object_,
             b.sequence({b.literal("{"), b.optional(b.sequence({member, b.repeat(b.sequence({comma_, member}), 0)})),
                         b.literal("}")}));
  }
  return *object_;
}

GrammarPart JsonText::array() {
  if (!array_) {
    GrammarBuilder& b = builder_;
    array_ = b.rule("array");
    const GrammarPart item = value();
    b.define(*array_,
             b.sequence({b.literal("["), b.optional(b.sequence({item, b.repeat(b.sequence({comma_, item}), 0)})),
                         b.literal("]")}));
  }
  return *array_;
}

GrammarPart JsonText::value() {
  if (!value_) {
    value_ = builder_.rule("value");
    builder_.define(*value_, builder_.choice({object(), array(), string(), number(), boolean(), null()}));
  }
  return *value_;
}

GrammarPart JsonText::key(std::string_view name) { return builder_.literal(json_string(name) + colon_text_); }

std::string JsonText::text(const Value& value) const {
  std::string result;
  write(value, result);
  return result;
}

void JsonText::write(const Value& value, std::string& text) const {
  switch (value.kind()) {
    case Value::Kind::boolean:
      text += value.boolean() ? "true" : "false";
      return;
    case Value::Kind::integer:
      text += std::to_string(value.integer());
      return;
    case Value::Kind::real: {
      char digits[64];
      const auto end = std::to_chars(digits, digits + sizeof digits, value.real()).ptr;
      text.append(digits, end);
      return;
    }
    case Value::Kind::string:
      text += json_string(value.string());
      return;
    case Value::Kind::list: {
      text += '[';
      for (size_t i = 0; i < value.list().items.size(); ++i) {
        if (i > 0) text += comma_text_;
        write(value.list().items[i], text);
      }
      text += ']';
      return;
    }
    case Value::Kind::dict: {
      text += '{';
      bool first = true;
      for (const auto& [name, member] : value.dict().items) {
        if (!std::exchange(first, false)) text += comma_text_;
        text += json_string(name.string()) + colon_text_;
        write(member, text);
      }
      text += '}';
      return;
    }
    default:
      text += "null";
  }
}

GrammarPart GrammarBuilder::json_value(const SchemaOptions& options) {
  return JsonText(*this, options.comma, options.colon).value();
}

}  // namespace hearth
