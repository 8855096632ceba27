// The tests behind `is`.
#include "engine/text/template/call.h"
#include "engine/text/template/unicode.h"

namespace hearth {
namespace {

using K = Value::Kind;

const Value& operand(const Call& call) {
  if (call.arguments.plain.empty()) call.fail("the test needs an argument");
  return call.arguments.plain[0];
}

template <K kind>
Value is_kind(const Call& call) {
  return call.subject.is(kind);
}
template <bool wanted>
Value is_truth(const Call& call) {
  return call.subject.is(K::boolean) && call.subject.boolean() == wanted;
}
template <bool wanted>
Value is_odd(const Call& call) {
  if (!call.subject.is_number()) call.fail("odd and even need a number");
  return call.same(call.binary("%", call.subject, 2), wanted ? 1 : 0);
}
Value is_defined(const Call& call) { return !call.subject.is_undefined(); }
Value is_iterable(const Call& call) {
  const Value& v = call.subject;
  return v.is_list() || v.is_dict() || v.is_string() || v.is_undefined();
}
Value is_number(const Call& call) { return call.subject.is_number(); }
Value is_callable(const Call& call) {
  const Value& v = call.subject;
  return v.is(K::object) && v.object().kind != Object::Kind::space && v.object().kind != Object::Kind::loop;
}
Value is_upper(const Call& call) {
  const std::string s = to_text(call.subject);
  return upper_text(s) == s && lower_text(s) != s;
}
Value is_lower(const Call& call) {
  const std::string s = to_text(call.subject);
  return lower_text(s) == s && upper_text(s) != s;
}
Value is_divisible(const Call& call) { return call.same(call.binary("%", call.subject, operand(call)), 0); }
Value is_in(const Call& call) {
  const Value& container = operand(call);
  return call.contains(container, call.subject);
}
Value is_same(const Call& call) {
  const Value& other = operand(call);
  return call.subject.kind() == other.kind() && call.same(call.subject, other);
}
Value is_equal(const Call& call) { return call.same(call.subject, operand(call)); }
Value is_unequal(const Call& call) { return !call.same(call.subject, operand(call)); }
Value is_less(const Call& call) { return call.less(call.subject, operand(call)); }
Value is_greater(const Call& call) { return call.less(operand(call), call.subject); }
Value is_at_most(const Call& call) {
  return call.less(call.subject, operand(call)) || call.same(call.subject, operand(call));
}
Value is_at_least(const Call& call) {
  return call.less(operand(call), call.subject) || call.same(call.subject, operand(call));
}
Value is_escaped(const Call&) { return false; }
Value is_filter(const Call& call) { return call.subject.is_string() && find_filter(call.subject.string()) != nullptr; }
Value is_test(const Call& call) { return call.subject.is_string() && find_test(call.subject.string()) != nullptr; }

constexpr NamedFunction kTable[] = {
    {"!=", is_unequal},
    {"<", is_less},
    {"<=", is_at_most},
    {"==", is_equal},
    {">", is_greater},
    {">=", is_at_least},
    {"boolean", is_kind<K::boolean>},
    {"callable", is_callable},
    {"defined", is_defined},
    {"divisibleby", is_divisible},
    {"eq", is_equal},
    {"equalto", is_equal},
    {"escaped", is_escaped},
    {"even", is_odd<false>},
    {"false", is_truth<false>},
    {"filter", is_filter},
    {"float", is_kind<K::real>},
    {"ge", is_at_least},
    {"greaterthan", is_greater},
    {"gt", is_greater},
    {"in", is_in},
    {"integer", is_kind<K::integer>},
    {"iterable", is_iterable},
    {"le", is_at_most},
    {"lessthan", is_less},
    {"lower", is_lower},
    {"lt", is_less},
    {"mapping", is_kind<K::dict>},
    {"ne", is_unequal},
    {"none", is_kind<K::none>},
    {"number", is_number},
    {"odd", is_odd<true>},
    {"sameas", is_same},
    {"sequence", is_iterable},
    {"string", is_kind<K::string>},
    {"test", is_test},
    {"true", is_truth<true>},
    {"undefined", is_kind<K::undefined>},
    {"upper", is_upper},
};

}  // namespace

CallFunction find_test(std::string_view name) { return find_in(kTable, name); }

}  // namespace hearth
