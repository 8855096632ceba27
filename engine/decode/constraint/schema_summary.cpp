// What the members of a conjunction say together of types, values, numbers and sizes.
#include <algorithm>
#include <cmath>

#include "engine/decode/constraint/schema.h"
#include "engine/decode/constraint/string_formats.h"
#include "engine/include/hearth/hearth.h"

namespace hearth {
namespace {

uint32_t type_bits(std::string_view name) {
  if (name == "null") return kNullType;
  if (name == "boolean") return kBooleanType;
  if (name == "string") return kStringType;
  if (name == "array") return kArrayType;
  if (name == "object") return kObjectType;
  if (name == "integer") return kIntegerType;
  if (name == "number") return kIntegerType | kFractionType;
  return 0;
}

bool has_any(const Value& schema, std::initializer_list<std::string_view> keywords) {
  return std::any_of(keywords.begin(), keywords.end(),
                     [&](std::string_view one) { return schema.find(one) != nullptr; });
}

}  // namespace

void SchemaReader::summarize_types(Conjunction& all, const Value& schema) {
  const Value* type = schema.find("type");
  if (!type) return;
  uint32_t bits = 0;
  const auto add = [&](const Value& name) {
    const uint32_t one = name.is_string() ? type_bits(name.string()) : 0;
    if (one == 0)
      fail(schema, "type must be one of null, boolean, string, array, object, integer and number, or a list");
    bits |= one;
  };
  if (type->is_list())
    for (const Value& one : type->list().items) add(one);
  else
    add(*type);
  all.types &= bits;
}

void SchemaReader::summarize_values(Conjunction& all, const Value& schema) {
  const auto narrow = [&](std::vector<const Value*> values) {
    count(values.size() * (all.values ? all.values->size() : 1));
    if (all.values)
      std::erase_if(values, [&](const Value* one) {
        return std::none_of(all.values->begin(), all.values->end(),
                            [&](const Value* other) { return same_json(*one, *other); });
      });
    all.values = std::move(values);
  };
  if (const Value* value = schema.find("const")) narrow({value});
  if (const Value* list = schema.find("enum")) {
    if (!list->is_list()) fail(schema, "enum must be a list");
    std::vector<const Value*> values;
    for (const Value& one : list->list().items) values.push_back(&one);
    narrow(std::move(values));
  }
}

void SchemaReader::summarize_numbers(Conjunction& all, const Value& schema) {
  const auto bound = [&](std::string_view keyword, std::string_view strict_keyword, bool upper) {
    const Value* strict = schema.find(strict_keyword);
    const bool flag = strict && strict->is(Value::Kind::boolean);  // as draft 4 had it
    const auto narrow = [&](const Value* value, std::string_view name, bool exclusive) {
      if (!value) return;
      if (!value->is_number() || value->is(Value::Kind::boolean) || !std::isfinite(value->real()))
        fail(schema, std::string(name) + " must be a number");
      const auto one = DecimalBound::make(*value, exclusive, upper);
      auto& known = upper ? all.upper : all.lower;
      if (!one) return;
      const int order = known ? compare(*one, *known) * (upper ? -1 : 1) : 1;
      if (order > 0 || (order == 0 && one->exclusive)) known = one;
    };
    narrow(schema.find(keyword), keyword, flag && strict->boolean());
    if (!flag) narrow(strict, strict_keyword, true);
  };
  bound("minimum", "exclusiveMinimum", false);
  bound("maximum", "exclusiveMaximum", true);
}

void SchemaReader::summarize_sizes(Conjunction& all, const Value& schema) {
  const auto size = [&](std::string_view keyword) -> std::optional<uint64_t> {
    const Value* value = schema.find(keyword);
    if (!value) return std::nullopt;
    if (!value->is_number() || value->is(Value::Kind::boolean) || !(value->real() >= 0) ||
        value->real() != std::floor(value->real()))
      fail(schema, std::string(keyword) + " must be a whole number, 0 or more");
    return static_cast<uint64_t>(std::min(value->real(), 4e9));
  };
  const auto least = [&](std::string_view keyword, uint64_t& known) {
    known = std::max(known, size(keyword).value_or(0));
  };
  const auto most = [&](std::string_view keyword, std::optional<uint64_t>& known) {
    if (const auto one = size(keyword)) known = std::min(known.value_or(*one), *one);
  };
  least("minLength", all.least_length);
  most("maxLength", all.most_length);
  least("minItems", all.least_items);
  most("maxItems", all.most_items);
  least("minProperties", all.least_members);
  most("maxProperties", all.most_members);
  for (const auto& [keyword, list] : {std::pair{"pattern", &all.patterns}, std::pair{"format", &all.formats}})
    if (const Value* value = schema.find(keyword)) {
      if (!value->is_string()) fail(schema, std::string(keyword) + " must be a text");
      list->push_back(value);
    }
}

// Schemas of tools often leave the type out where the other keywords tell it.
void SchemaReader::infer_types(Conjunction& all) const {
  uint32_t bits = 0;
  for (const auto& [schema, parent] : all.members) {
    if (has_any(*schema, {"properties", "required", "additionalProperties", "patternProperties"})) bits |= kObjectType;
    if (has_any(*schema, {"items", "prefixItems", "minItems", "maxItems"})) bits |= kArrayType;
    if (has_any(*schema, {"pattern", "minLength", "maxLength"})) bits |= kStringType;
  }
  if (bits != 0) all.types = bits;
}

bool SchemaReader::summarize(Conjunction& all) {
  count(10 * all.members.size() + 10);
  for (const auto& [schema, parent] : all.members) {
    summarize_types(all, *schema);
    summarize_values(all, *schema);
    summarize_numbers(all, *schema);
    summarize_sizes(all, *schema);
  }
  if (options_.lenient && all.types == kAllTypes && !all.values) infer_types(all);
  if (all.lower && all.upper) {
    const int order = compare(*all.lower, *all.upper);
    if (order > 0 || (order == 0 && (all.lower->exclusive || all.upper->exclusive)))
      all.types &= ~static_cast<uint32_t>(kIntegerType | kFractionType);
  }
  if (all.most_length && *all.most_length < all.least_length) all.types &= ~static_cast<uint32_t>(kStringType);
  if (all.most_items && *all.most_items < all.least_items) all.types &= ~static_cast<uint32_t>(kArrayType);
  if (all.most_members && *all.most_members < all.least_members) all.types &= ~static_cast<uint32_t>(kObjectType);
  if (all.values) {
    const std::vector<const Value*> values = *all.values;
    all.values.reset();
    std::vector<const Value*> kept;
    for (const Value* one : values)
      if (fits(*one, all)) kept.push_back(one);
    all.values = std::move(kept);
  }
  return all.types != 0 && (!all.values || !all.values->empty());
}

const Pattern& SchemaReader::pattern(const std::string& text, const Value& where) {
  const auto known = patterns_.find(text);
  if (known != patterns_.end()) return known->second;
  count(text.size());
  try {
    return patterns_.emplace(text, Pattern::parse(text)).first->second;
  } catch (const PatternError& error) {
    fail(where, "the pattern " + std::string(error.what()) + ": " + text.substr(0, 200));
  }
}

std::vector<const Pattern*> SchemaReader::patterns(const Conjunction& all, bool with_lengths) {
  std::vector<const Pattern*> result;
  const auto add = [&](const Pattern& one) {
    if (std::find(result.begin(), result.end(), &one) == result.end()) result.push_back(&one);
  };
  for (const Value* text : all.patterns) {
    if (!options_.lenient) {
      add(pattern(text->string(), *text));
      continue;
    }
    try {
      add(pattern(text->string(), *text));
    } catch (const Error&) {
      if (options_.ignored) {
        const std::string place = path(*text);
        if (std::find(options_.ignored->begin(), options_.ignored->end(), place) == options_.ignored->end())
          options_.ignored->push_back(place);
      }
    }
  }
  for (const Value* format : all.formats)
    if (const auto text = format_pattern(format->string())) add(pattern(*text, *format));
  if (with_lengths && (all.least_length > 0 || all.most_length)) {
    const std::pair key(all.least_length, all.most_length.value_or(UINT64_MAX));
    auto known = lengths_.find(key);
    if (known == lengths_.end()) {
      const auto most = all.most_length ? static_cast<uint32_t>(*all.most_length) : GrammarBuilder::kUnbounded;
      known = lengths_.emplace(key, Pattern::lengths(static_cast<uint32_t>(all.least_length), most)).first;
    }
    add(known->second);
  }
  return result;
}

}  // namespace hearth
