// The values a template computes with: Python's, as far as templates use them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace hearth {

class Value;
struct List;
struct Dict;

// What has an identity or a state: an index into tables that one rendering owns. An iterator is what map, select and
// their like return: it can be walked once.
struct Object {
  enum class Kind : std::uint8_t { space, function, macro, method, loop, iterator, joiner, cycler };
  Kind kind;
  std::uint32_t id;
  bool operator==(const Object&) const = default;
};

// Immutable once made, cheap to copy, free of cycles; containers nest at most kMaxDepth deep and cost at most kMaxCost
// (else TemplateError budget), so that no walk over a value and no destructor can overflow the stack or take for ever.
class Value {
 public:
  enum class Kind { undefined, none, boolean, integer, real, string, list, dict, object };
  struct None {};
  static constexpr int kMaxDepth = 100;
  static constexpr std::uint64_t kMaxCost = 1 << 22;
  static constexpr std::uint64_t kMaxKeyCost = 4096;

  Value() = default;  // undefined
  Value(None) : data_(None{}) {}
  Value(bool value) : data_(value) {}
  Value(int value) : data_(std::int64_t{value}) {}
  Value(std::int64_t value) : data_(value) {}
  Value(std::size_t value) : data_(static_cast<std::int64_t>(value)) {}
  Value(double value) : data_(value) {}
  Value(std::string value) : data_(std::make_shared<const std::string>(std::move(value))) {}
  Value(std::string_view value) : Value(std::string(value)) {}
  Value(const char* value) : Value(std::string(value)) {}
  Value(Object object) : data_(object) {}
  Value(List list);
  Value(Dict dict);

  static Value list(std::vector<Value> items);
  static Value tuple(std::vector<Value> items);

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is(Kind kind_asked) const { return kind() == kind_asked; }
  bool is_undefined() const { return is(Kind::undefined); }
  bool is_none() const { return is(Kind::none); }
  bool is_string() const { return is(Kind::string); }
  bool is_list() const { return is(Kind::list); }  // also tuples, ranges and views of dicts
  bool is_tuple() const;
  bool is_dict() const { return is(Kind::dict); }
  bool is_integral() const { return is(Kind::integer) || is(Kind::boolean); }
  bool is_number() const { return is_integral() || is(Kind::real); }

  // Throw TemplateError (type) where this is of another kind.
  bool boolean() const;
  std::int64_t integer() const;  // also of a boolean
  double real() const;           // also of an integer or boolean
  const std::string& string() const;
  const List& list() const;
  const Dict& dict() const;
  const Object& object() const;

  // Member of a dict by its text key; null when this is no dict or has no such key. Lives as long as this value.
  const Value* find(std::string_view key) const;

  bool truthy() const;
  int depth() const;
  // Steps of a walk over everything inside: a part that is shared counts each time it is met.
  std::uint64_t cost() const;

 private:
  std::variant<std::monostate, None, bool, std::int64_t, double, std::shared_ptr<const std::string>,
               std::shared_ptr<const List>, std::shared_ptr<const Dict>, Object>
      data_;
};

struct List {
  // A group is the tuple (grouper, list) of groupby; the last three are what a dict's methods return.
  enum class Type : std::uint8_t { list, tuple, group, range, keys, values, items };
  std::vector<Value> items;
  Type type = Type::list;
  std::array<std::int64_t, 3> bounds{};  // of a range: start, stop, step
  int depth = 0;                         // filled in by Value
  std::uint64_t cost = 0;                // filled in by Value
};

// Keeps insertion order; a later value of an equal key takes the first one's place.
struct Dict {
  std::vector<std::pair<Value, Value>> items;
  std::unordered_map<std::string, std::size_t> index;
  int depth = 0;           // filled in by Value
  std::uint64_t cost = 0;  // filled in by Value

  void set(Value key, Value value);  // TemplateError type for an unhashable key
  const Value* find(const Value& key) const;
};

// Python's name of the type, for messages.
std::string_view type_name(const Value& value);
// Python's ==. Takes as long as the smaller cost().
bool equal(const Value& a, const Value& b);
// Python's str() and repr(). An undefined prints as nothing.
std::string to_text(const Value& value);
std::string to_repr(const Value& value);
std::string float_repr(double value);

}  // namespace hearth
