// The filters, tests and methods that templates may name, as tables of functions.
#pragma once

#include <span>
#include <string_view>

#include "engine/text/template/arguments.h"

namespace hearth {

class Interpreter;

struct Filter {
  std::string_view name;
  std::string_view parameters;  // as Bound takes them
  Value (*apply)(Interpreter&, const Value& subject, const Bound& arguments);
};

struct Test {
  std::string_view name;
  std::string_view parameters;
  bool (*holds)(Interpreter&, const Value& subject, const Bound& arguments);
};

// Null for a name that Jinja does not know or that this engine does not offer.
const Filter* find_filter(std::string_view name);
const Test* find_test(std::string_view name);
// A method of strings, dicts, lists or tuples; null where `self` has none of this name.
const Filter* find_method(const Value& self, std::string_view name);
// Whether Python has a method of this name that would change `self`: values are immutable here.
bool is_mutator(const Value& self, std::string_view name);

// The parts of the tables, one function for each file.
std::span<const Filter> text_filters();
std::span<const Filter> markup_filters();
std::span<const Filter> number_filters();
std::span<const Filter> sequence_filters();
std::span<const Filter> order_filters();
std::span<const Filter> select_filters();
std::span<const Filter> text_methods();
std::span<const Filter> search_methods();
std::span<const Filter> split_methods();

}  // namespace hearth
