// The tests behind `is`.
#include <algorithm>

#include "engine/text/template/filters.h"
#include "engine/text/template/texts.h"

namespace hearth {
namespace {

using K = Value::Kind;

bool is_defined(Interpreter&, const Value& v, const Bound&) { return !v.is_undefined(); }
bool is_undefined(Interpreter&, const Value& v, const Bound&) { return v.is_undefined(); }
bool is_none(Interpreter&, const Value& v, const Bound&) { return v.is_none(); }
bool is_string(Interpreter&, const Value& v, const Bound&) { return v.is_string(); }
bool is_mapping(Interpreter&, const Value& v, const Bound&) { return v.is_dict(); }
bool is_number(Interpreter&, const Value& v, const Bound&) { return v.is_number(); }
bool is_integer(Interpreter&, const Value& v, const Bound&) { return v.is(K::integer); }
bool is_float(Interpreter&, const Value& v, const Bound&) { return v.is(K::real); }
bool is_boolean(Interpreter&, const Value& v, const Bound&) { return v.is(K::boolean); }
bool is_true(Interpreter&, const Value& v, const Bound&) { return v.is(K::boolean) && v.boolean(); }
bool is_false(Interpreter&, const Value& v, const Bound&) { return v.is(K::boolean) && !v.boolean(); }
bool is_escaped(Interpreter&, const Value&, const Bound&) { return false; }
bool is_upper(Interpreter& in, const Value& v, const Bound&) { return is_of_case(in.str(v), CharacterClass::upper); }
bool is_lower(Interpreter& in, const Value& v, const Bound&) { return is_of_case(in.str(v), CharacterClass::lower); }
bool is_filter(Interpreter&, const Value& v, const Bound&) { return v.is_string() && find_filter(v.string()); }
bool is_test(Interpreter&, const Value& v, const Bound&) { return v.is_string() && find_test(v.string()); }

bool is_sequence(Interpreter&, const Value& v, const Bound&) {
  return v.is_string() || v.is_dict() || v.is_undefined() || (v.is_list() && v.list().type < List::Type::keys);
}
bool is_iterable(Interpreter&, const Value& v, const Bound&) {
  if (v.is(K::object)) return v.object().kind == Object::Kind::iterator || v.object().kind == Object::Kind::loop;
  return v.is_string() || v.is_dict() || v.is_undefined() || v.is_list();
}
bool is_callable(Interpreter&, const Value& v, const Bound&) {
  if (v.is_undefined()) return true;  // Python's answer: calling it is what raises
  if (!v.is(K::object)) return false;
  const Object::Kind kind = v.object().kind;
  return kind != Object::Kind::space && kind != Object::Kind::iterator && kind != Object::Kind::cycler;
}

bool is_odd(Interpreter& in, const Value& v, const Bound&) { return in.same(in.arithmetic("%", v, 2), 1); }
bool is_even(Interpreter& in, const Value& v, const Bound&) { return in.same(in.arithmetic("%", v, 2), 0); }
bool is_divisible_by(Interpreter& in, const Value& v, const Bound& a) {
  return in.same(in.arithmetic("%", v, *a.find(0)), 0);
}
bool is_in(Interpreter& in, const Value& v, const Bound& a) { return in.contains(*a.find(0), v); }
bool is_same_as(Interpreter& in, const Value& v, const Bound& a) {
  return v.kind() == a.find(0)->kind() && in.same(v, *a.find(0));
}
bool is_equal(Interpreter& in, const Value& v, const Bound& a) { return in.same(v, *a.find(0)); }
bool is_unequal(Interpreter& in, const Value& v, const Bound& a) { return !in.same(v, *a.find(0)); }
bool is_less(Interpreter& in, const Value& v, const Bound& a) { return in.less(v, *a.find(0)); }
bool is_greater(Interpreter& in, const Value& v, const Bound& a) { return in.less(*a.find(0), v); }
bool is_at_most(Interpreter& in, const Value& v, const Bound& a) { return in.compare("<=", v, *a.find(0)); }
bool is_at_least(Interpreter& in, const Value& v, const Bound& a) { return in.compare(">=", v, *a.find(0)); }

constexpr Test kTests[] = {{"defined", "", is_defined},
                           {"undefined", "", is_undefined},
                           {"none", "", is_none},
                           {"string", "", is_string},
                           {"mapping", "", is_mapping},
                           {"sequence", "", is_sequence},
                           {"iterable", "", is_iterable},
                           {"callable", "", is_callable},
                           {"number", "", is_number},
                           {"integer", "", is_integer},
                           {"float", "", is_float},
                           {"boolean", "", is_boolean},
                           {"true", "", is_true},
                           {"false", "", is_false},
                           {"escaped", "", is_escaped},
                           {"upper", "", is_upper},
                           {"lower", "", is_lower},
                           {"filter", "", is_filter},
                           {"test", "", is_test},
                           {"odd", "", is_odd},
                           {"even", "", is_even},
                           {"divisibleby", "num!", is_divisible_by},
                           {"in", "seq!", is_in},
                           {"sameas", "other!", is_same_as},
                           {"eq", "other!", is_equal},
                           {"==", "other!", is_equal},
                           {"equalto", "other!", is_equal},
                           {"ne", "other!", is_unequal},
                           {"!=", "other!", is_unequal},
                           {"lt", "other!", is_less},
                           {"<", "other!", is_less},
                           {"lessthan", "other!", is_less},
                           {"gt", "other!", is_greater},
                           {">", "other!", is_greater},
                           {"greaterthan", "other!", is_greater},
                           {"le", "other!", is_at_most},
                           {"<=", "other!", is_at_most},
                           {"ge", "other!", is_at_least},
                           {">=", "other!", is_at_least}};

}  // namespace

const Test* find_test(std::string_view name) {
  const auto found = std::ranges::find(kTests, name, &Test::name);
  return found == std::end(kTests) ? nullptr : &*found;
}

}  // namespace hearth
