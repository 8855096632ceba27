// Whether a value fits a schema, and whether none can fit two.
#include <algorithm>
#include <cmath>

#include "engine/decode/constraint/schema.h"

namespace hearth {
namespace {

constexpr int kDeepestComparison = 4;

uint32_t type_of(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::boolean:
      return kBooleanType;
    case Value::Kind::integer:
      return kIntegerType;
    case Value::Kind::real:
      return value.real() == std::floor(value.real()) ? kIntegerType : kFractionType;
    case Value::Kind::string:
      return kStringType;
    case Value::Kind::list:
      return kArrayType;
    case Value::Kind::dict:
      return kObjectType;
    default:
      return kNullType;
  }
}

// Whether no number is in both ranges of size.
bool sizes_apart(uint64_t least_a, std::optional<uint64_t> most_a, uint64_t least_b, std::optional<uint64_t> most_b) {
  return (most_a && *most_a < least_b) || (most_b && *most_b < least_a);
}

bool below(const std::optional<DecimalBound>& upper, const std::optional<DecimalBound>& lower) {
  if (!upper || !lower) return false;
  const int order = compare(*upper, *lower);
  return order < 0 || (order == 0 && (upper->exclusive || lower->exclusive));
}

}  // namespace

bool same_json(const Value& a, const Value& b) {
  if (a.is(Value::Kind::boolean) != b.is(Value::Kind::boolean)) return false;
  if (a.is_list() && b.is_list()) {
    const auto &one = a.list().items, &two = b.list().items;
    return std::equal(one.begin(), one.end(), two.begin(), two.end(), same_json);
  }
  if (a.is_dict() && b.is_dict()) {
    if (a.dict().items.size() != b.dict().items.size()) return false;
    return std::all_of(a.dict().items.begin(), a.dict().items.end(), [&](const auto& member) {
      const Value* other = b.find(member.first.string());
      return other && same_json(member.second, *other);
    });
  }
  return equal(a, b);
}

bool SchemaReader::fits(const Value& value, const SchemaSet& set) {
  const auto& all = ways(set);
  return std::any_of(all.begin(), all.end(), [&](const Conjunction& way) { return fits(value, way); });
}

bool SchemaReader::fits(const Value& value, const Conjunction& all) {
  count(10);
  const uint32_t type = type_of(value);
  if ((all.types & type) == 0) return false;
  if (all.values &&
      std::none_of(all.values->begin(), all.values->end(), [&](const Value* one) { return same_json(*one, value); }))
    return false;
  if (type == kIntegerType || type == kFractionType) {
    const auto as_upper = DecimalBound::make(value, false, true), as_lower = DecimalBound::make(value, false, false);
    return !below(as_upper, all.lower) && !below(all.upper, as_lower);
  }
  if (type == kStringType) {
    const auto characters = decode_utf8(value.string());
    const size_t length = characters ? characters->size() : value.string().size();
    if (length < all.least_length || (all.most_length && length > *all.most_length)) return false;
    for (const Pattern* one : patterns(all, false)) try {
        if (PatternProduct({one}, pattern_work()).match(value.string()) == 0) return false;
      } catch (const PatternError& error) {
        fail(*all.members[0].schema, "the pattern " + std::string(error.what()));
      }
    return true;
  }
  if (type == kArrayType) {
    const auto& items = value.list().items;
    if (items.size() < all.least_items || (all.most_items && items.size() > *all.most_items)) return false;
    for (size_t i = 0; i < items.size(); ++i)
      if (const auto set = item(all, i); !set || !fits(items[i], *set)) return false;
    return true;
  }
  if (type == kObjectType) {
    const auto& members = value.dict().items;
    if (members.size() < all.least_members || (all.most_members && members.size() > *all.most_members)) return false;
    for (const Named& named : named_members(all))
      if (named.required && !value.find(named.name)) return false;
    const SchemaSet of_names = names(all);
    for (const auto& [name, one] : members) {
      const auto set = member(all, &name.string(), nullptr);
      if (!set || !fits(one, *set) || (!of_names.empty() && !fits(name, of_names))) return false;
    }
  }
  return true;
}

bool SchemaReader::apart(const SchemaSet& a, const SchemaSet& b, int depth) {
  if (depth > kDeepestComparison) return false;
  // A copy, for comparing may learn of further sets.
  const std::vector<Conjunction> one = ways(a), two = ways(b);
  count(one.size() * two.size());
  for (const Conjunction& first : one)
    for (const Conjunction& second : two)
      if (!apart(first, second, depth)) return false;
  return true;
}

std::optional<std::set<std::string>> SchemaReader::texts(const SchemaSet& set) {
  std::set<std::string> found;
  for (const Conjunction& way : ways(set)) {
    if (!way.values) return std::nullopt;
    for (const Value* one : *way.values) {
      if (!one->is_string()) return std::nullopt;
      if ((way.types & kStringType) != 0) found.insert(one->string());
    }
  }
  return found;
}

std::optional<std::set<std::string>> SchemaReader::texts_of_tag(const SchemaSet& alternative, const std::string& name) {
  std::set<std::string> found;
  for (const Conjunction& way : ways(alternative)) {
    const std::vector<Named> members = named_members(way);
    count(members.size());
    const auto tag = std::find_if(members.begin(), members.end(), [&](const Named& one) { return one.name == name; });
    if (way.types != kObjectType || tag == members.end() || !tag->required) return std::nullopt;
    if (!tag->value) continue;
    auto more = texts(*tag->value);
    if (!more) return std::nullopt;
    found.merge(*more);
  }
  return found;
}

std::optional<SchemaReader::Pairs> SchemaReader::told_apart(
    const std::vector<Value>& alternatives,
    const std::function<std::optional<std::set<std::string>>(const SchemaSet&)>& texts_of) {
  std::map<std::string, std::vector<size_t>> with_text;
  Pairs pairs;
  for (size_t i = 0; i < alternatives.size(); ++i) {
    const auto set = make_set({&alternatives[i]});
    if (!set) continue;
    const auto found = texts_of(*set);
    if (!found) return std::nullopt;
    for (const std::string& text : *found) {
      auto& others = with_text[text];
      count(1 + others.size());
      for (const size_t other : others) pairs.emplace(other, i);
      others.push_back(i);
    }
  }
  return pairs;
}

std::optional<SchemaReader::Pairs> SchemaReader::alike(const std::vector<Value>& alternatives) {
  if (const auto pairs = told_apart(alternatives, [&](const SchemaSet& set) { return texts(set); })) return pairs;
  const auto first = make_set({&alternatives[0]});
  if (first && !ways(*first).empty())
    for (const Named& tag : named_members(ways(*first)[0])) {
      if (!tag.required) continue;
      const auto of_tag = [&](const SchemaSet& set) { return texts_of_tag(set, tag.name); };
      if (const auto pairs = told_apart(alternatives, of_tag)) return pairs;
    }
  return std::nullopt;
}

bool SchemaReader::apart(const Conjunction& a, const Conjunction& b, int depth) {
  count(10);
  for (const auto& [one, other] : {std::pair{&a, &b}, std::pair{&b, &a}})
    if (one->values)
      return std::none_of(one->values->begin(), one->values->end(),
                          [&, &all = *other](const Value* value) { return fits(*value, all); });
  const uint32_t common = a.types & b.types;
  if ((common & (kNullType | kBooleanType)) != 0) return false;
  if ((common & (kIntegerType | kFractionType)) != 0 && !below(a.upper, b.lower) && !below(b.upper, a.lower))
    return false;
  if ((common & kStringType) != 0 && !sizes_apart(a.least_length, a.most_length, b.least_length, b.most_length)) {
    std::vector<const Pattern*> both = patterns(a, true);
    for (const Pattern* one : patterns(b, true)) both.push_back(one);
    try {
      const auto outcomes = PatternProduct(both, pattern_work()).outcomes();
      const uint32_t every = both.size() >= 32 ? UINT32_MAX : (1u << both.size()) - 1;
      if (both.empty() || std::find(outcomes.begin(), outcomes.end(), every) != outcomes.end()) return false;
    } catch (const PatternError&) {
      return false;
    }
  }
  if ((common & kArrayType) != 0 && !sizes_apart(a.least_items, a.most_items, b.least_items, b.most_items)) {
    bool apart_items = false;
    const uint64_t both = std::min<uint64_t>({std::max(a.least_items, b.least_items), 8});
    for (size_t i = 0; i < both && !apart_items; ++i) {
      const auto one = item(a, i), two = item(b, i);
      apart_items = !one || !two || apart(*one, *two, depth + 1);
    }
    if (!apart_items) return false;
  }
  return (common & kObjectType) == 0 || objects_apart(a, b, depth);
}

// A member that one of them must have, and that cannot be alike in both.
bool SchemaReader::objects_apart(const Conjunction& a, const Conjunction& b, int depth) {
  if (sizes_apart(a.least_members, a.most_members, b.least_members, b.most_members)) return true;
  for (const auto& [one, other] : {std::pair{&a, &b}, std::pair{&b, &a}})
    for (const Named& named : named_members(*one)) {
      if (!named.required) continue;
      const auto here = member(*one, &named.name, nullptr), there = member(*other, &named.name, nullptr);
      if (!here || !there || apart(*here, *there, depth + 1)) return true;
    }
  return false;
}

}  // namespace hearth
