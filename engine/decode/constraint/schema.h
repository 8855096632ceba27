// JSON Schemas, followed into the parts of a grammar.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/decode/constraint/json_text.h"
#include "engine/decode/constraint/number_range.h"
#include "engine/decode/constraint/pattern.h"
#include "engine/text/template/value.h"

namespace hearth {

// Types as bits. A schema's `number` is both of the last two.
enum SchemaType : uint32_t {
  kNullType = 1,
  kBooleanType = 2,
  kStringType = 4,
  kArrayType = 8,
  kObjectType = 16,
  kIntegerType = 32,
  kFractionType = 64,
  kAllTypes = 127
};

// The schemas that one value must fit, all of them: rising addresses in the schema's tree.
using SchemaSet = std::vector<const Value*>;

// One schema object of those that one value must fit, and which of them refers to it in place.
struct SchemaMember {
  const Value* schema;
  uint32_t parent;  // into Conjunction::members; kNoParent
  static constexpr uint32_t kNoParent = UINT32_MAX;
};

// One way to fit a set of schemas: members without alternatives between them, and what they say of one value together.
struct Conjunction {
  std::vector<SchemaMember> members;
  uint32_t types = kAllTypes;
  std::optional<std::vector<const Value*>> values;  // of enum and const
  std::optional<DecimalBound> lower, upper;
  uint64_t least_length = 0, least_items = 0, least_members = 0;
  std::optional<uint64_t> most_length, most_items, most_members;
  std::vector<const Value*> patterns, formats;
};

// Reads the tree of one schema: what a set of schemas means. Throws Error (invalid_argument), with the path.
class SchemaReader {
 public:
  SchemaReader(const Value& root, const SchemaOptions& options);

  // The ways to fit all schemas of a set; none where nothing fits.
  const std::vector<Conjunction>& ways(const SchemaSet& set);
  // What the items at an index, or those from prefix_items() on, must fit; nullopt where there can be none.
  std::optional<SchemaSet> item(const Conjunction& all, size_t index);
  size_t prefix_items(const Conjunction& all);
  // Named members, in order, with what they must fit (nullopt: they cannot be).
  struct Named {
    std::string name;
    std::optional<SchemaSet> value;
    bool required = false;
  };
  std::vector<Named> named_members(const Conjunction& all);
  // Patterns of names that say more, each once.
  std::vector<const Value*> name_patterns(const Conjunction& all);
  // What a member without a name in the schema must fit where its name matches those patterns.
  std::optional<SchemaSet> other_member(const Conjunction& all, const std::set<std::string>& matching);
  // Schemas of names themselves.
  SchemaSet names(const Conjunction& all);
  // A set from schemas in any order, some more than once; nullopt where one of them is false.
  static std::optional<SchemaSet> make_set(std::vector<const Value*> schemas);
  // Whether objects that say nothing of other members have none, and this one is such.
  bool closed(const Conjunction& all) const;

  // Whether a value fits; and whether no value fits both.
  bool fits(const Value& value, const SchemaSet& set);
  bool fits(const Value& value, const Conjunction& all);
  bool apart(const SchemaSet& a, const SchemaSet& b, int depth = 0);

  // The patterns that a string must match, lengths included where `with_lengths`; null where there is none.
  std::vector<const Pattern*> patterns(const Conjunction& all, bool with_lengths);
  const Pattern& pattern(const std::string& text, const Value& where);

  [[noreturn]] void fail(const Value& where, const std::string& what) const;
  // Refuses a keyword that cannot be followed, or notes that it is left out.
  void refuse(const Value& schema, std::string_view keyword, const std::string& why);
  std::string path(const Value& where) const;
  void count(size_t steps);
  size_t& pattern_work() { return pattern_work_; }  // what joining patterns may still cost
  const SchemaOptions& options() const { return options_; }

 private:
  struct Way;
  void expand(Way way, std::vector<Conjunction>& result, int depth);
  void collect(Way& way);
  void check_keywords(const Value& schema);
  const Value* target(const Value& schema, const std::string& reference);
  const Value* find_anchor(std::string_view keyword, std::string_view name);
  bool summarize(Conjunction& all);
  void infer_types(Conjunction& all) const;
  void summarize_types(Conjunction& all, const Value& schema);
  void summarize_values(Conjunction& all, const Value& schema);
  void summarize_numbers(Conjunction& all, const Value& schema);
  void summarize_sizes(Conjunction& all, const Value& schema);
  std::optional<SchemaSet> member(const Conjunction& all, const std::string* name,
                                  const std::set<std::string>* matching);
  bool matches(const std::string& pattern_text, const Value& where, const std::string* name,
               const std::set<std::string>* matching);
  bool apart(const Conjunction& a, const Conjunction& b, int depth);
  bool objects_apart(const Conjunction& a, const Conjunction& b, int depth);
  // Pairs of alternatives, by their places, that may fit the same value for all that a tag says: the alternative itself
  // or a member that objects must have, where all are lists of texts. It tells hundreds apart, where comparing each
  // with each would take too long; nullopt where there is none.
  using Pairs = std::set<std::pair<size_t, size_t>>;
  std::optional<Pairs> alike(const std::vector<Value>& alternatives);
  std::optional<Pairs> told_apart(
      const std::vector<Value>& alternatives,
      const std::function<std::optional<std::set<std::string>>(const SchemaSet&)>& texts_of);
  // The texts that fit; nullopt where others may, or what is no text.
  std::optional<std::set<std::string>> texts(const SchemaSet& set);
  std::optional<std::set<std::string>> texts_of_tag(const SchemaSet& alternative, const std::string& name);

  const Value& root_;
  SchemaOptions options_;
  size_t steps_ = 0, pattern_work_ = 3'000'000;
  std::map<SchemaSet, std::vector<Conjunction>> known_;
  std::map<std::string, Pattern> patterns_;
  std::map<std::pair<uint64_t, uint64_t>, Pattern> lengths_;
  std::map<std::pair<std::string, std::string>, bool> matched_;  // pattern and name
  std::set<const Value*> checked_, compared_;                    // keywords; alternatives of oneOf
};

// Equal as JSON values: numbers by value, objects in any order.
bool same_json(const Value& a, const Value& b);

// The text of values that fit a schema.
class SchemaCompiler {
 public:
  SchemaCompiler(GrammarBuilder& builder, const Value& root, const SchemaOptions& options);
  GrammarPart compile();

 private:
  GrammarPart part(const SchemaSet& set);
  GrammarPart part(const std::optional<SchemaSet>& set) { return set ? part(*set) : builder_.impossible(); }
  GrammarPart way(const Conjunction& all);
  GrammarPart string(const Conjunction& all);
  GrammarPart new_string(const Conjunction& all, const std::vector<const Pattern*>& patterns);
  GrammarPart array(const Conjunction& all);
  GrammarPart object(const Conjunction& all);
  std::vector<GrammarPart> other_members(const Conjunction& all, const std::vector<SchemaReader::Named>& named);

  GrammarBuilder& builder_;
  JsonText text_;
  SchemaReader reader_;
  const Value& root_;
  std::map<SchemaSet, GrammarPart> parts_;
  std::map<std::vector<const Pattern*>, GrammarPart> strings_;
  std::vector<std::pair<SchemaSet, GrammarPart>> waiting_;
};

}  // namespace hearth
