// Automata of decimal numbers between bounds: digit by digit, as long as the text still equals a bound.
#include "engine/decode/constraint/number_range.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <deque>
#include <tuple>

namespace hearth {
namespace {

constexpr size_t kMostDigits = 20;

// Decimal digits without a sign, one more at the last place.
void add_one(std::string& whole, std::string& fraction) {
  for (std::string* part : {&fraction, &whole})
    for (size_t i = part->size(); i-- > 0;) {
      if ((*part)[i] != '9') {
        ++(*part)[i];
        return;
      }
      (*part)[i] = '0';
    }
  whole.insert(whole.begin(), '1');
}

int compare_magnitude(const DecimalBound& a, const DecimalBound& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  const int whole = a.whole.compare(b.whole);
  return whole != 0 ? whole : a.fraction.compare(b.fraction);
}

// Magnitudes from a bound to another one. A place in the text: how many digits the whole part will have (0: the point
// has been passed), how many digits of this part stand there, and whether they still equal the lower or upper bound's.
class MagnitudeGraph {
 public:
  MagnitudeGraph(JsonText& text, const DecimalBound& lower, const std::optional<DecimalBound>& upper, bool integers)
      : text_(text), lower_(lower), upper_(upper), integers_(integers) {}

  GrammarPart make() {
    const size_t longest = upper_ ? std::min(upper_->whole.size(), kMostDigits) : kMostDigits;
    for (size_t digits = lower_.whole.size(); digits <= longest; ++digits)
      arcs_.push_back(
          {0, node({digits, 0, digits == lower_.whole.size(), upper_ && digits == upper_->whole.size()}), nothing_});
    for (; !waiting_.empty(); waiting_.pop_front()) expand(waiting_.front());
    return text_.builder().graph(nodes_, std::move(arcs_));
  }

 private:
  using Place = std::tuple<size_t, size_t, bool, bool>;

  // Past the bounds it matters only how many digits are to come, so numbers of all lengths share their places.
  uint32_t node(Place place) {
    constexpr size_t kFree = 1000;
    auto& [digits, count, at_lower, at_upper] = place;
    if (digits > 0 && count > 0 && !at_lower && !at_upper) place = {kFree + digits - count, kFree, false, false};
    const auto [found, fresh] = numbers_.emplace(place, nodes_);
    if (fresh) {
      ++nodes_;
      waiting_.push_back(place);
    }
    return found->second;
  }

  void expand(const Place& place) {
    const size_t digits = std::get<0>(place), count = std::get<1>(place);
    const bool at_lower = std::get<2>(place), at_upper = std::get<3>(place);
    if (digits > 0 && count == digits) {
      if (may_end(0, at_lower, at_upper)) arcs_.push_back({node(place), 1, nothing_});
      if (!integers_) arcs_.push_back({node(place), node({0, 0, at_lower, at_upper}), point_});
      return;
    }
    if (digits == 0 && count > 0 && may_end(count, at_lower, at_upper)) arcs_.push_back({node(place), 1, nothing_});
    if (digits == 0 && count == kMostDigits) return;
    const auto digit_of = [&](const DecimalBound& bound) {
      const std::string& text = digits > 0 ? bound.whole : bound.fraction;
      return count < text.size() ? text[count] : '0';
    };
    const char least = digits > 1 && count == 0 ? '1' : '0';
    const char low = at_lower ? std::max(least, digit_of(lower_)) : least;
    const char high = at_upper ? digit_of(*upper_) : '9';
    for (char first = low; first <= high;) {
      const bool still_lower = at_lower && first == digit_of(lower_);
      const bool still_upper = at_upper && first == high;
      char last = first;
      if (!still_lower && !still_upper) last = at_upper ? static_cast<char>(high - 1) : high;
      const GrammarPart digit =
          text_.character(CharacterSet({{static_cast<uint8_t>(first), static_cast<uint8_t>(last)}}));
      arcs_.push_back({node(place), node({digits, count + 1, still_lower, still_upper}), digit});
      first = static_cast<char>(last + 1);
    }
  }

  // Whether the text may end after so many digits of the fraction.
  bool may_end(size_t count, bool at_lower, bool at_upper) const {
    const bool below = at_lower && count < lower_.fraction.size();
    const bool equals_lower = at_lower && !below;
    const bool equals_upper = at_upper && count >= upper_->fraction.size();
    return !below && !(equals_lower && lower_.exclusive) && !(equals_upper && upper_->exclusive);
  }

  JsonText& text_;
  GrammarPart nothing_ = text_.builder().nothing(), point_ = text_.builder().literal(".");
  DecimalBound lower_;
  std::optional<DecimalBound> upper_;
  bool integers_;
  std::map<Place, uint32_t> numbers_;
  std::deque<Place> waiting_;
  std::vector<GrammarArc> arcs_;
  uint32_t nodes_ = 2;
};

DecimalBound positive(DecimalBound bound) {
  bound.negative = false;
  return bound;
}

}  // namespace

std::optional<DecimalBound> DecimalBound::make(const Value& number, bool exclusive, bool upper) {
  DecimalBound bound;
  bound.exclusive = exclusive;
  std::string text;
  if (number.is(Value::Kind::integer)) {
    text = std::to_string(number.integer());
  } else {
    std::array<char, 400> digits;
    const double value = number.real();
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed);
    text.assign(digits.data(), end.ptr);
  }
  if (text.starts_with('-')) {
    bound.negative = true;
    text.erase(0, 1);
  }
  const size_t point = std::min(text.find('.'), text.size());
  bound.whole = text.substr(0, point);
  if (point < text.size()) bound.fraction = text.substr(point + 1);
  if (bound.fraction.size() > kMostDigits) {
    bound.fraction.resize(kMostDigits);
    // A lower bound's magnitude has to grow where it is positive, an upper one's where it is negative.
    if (bound.negative == upper) {
      add_one(bound.whole, bound.fraction);
      bound.exclusive = false;
    } else {
      bound.exclusive = false;
    }
  }
  while (bound.fraction.ends_with('0')) bound.fraction.pop_back();
  if (bound.whole.size() > kMostDigits && bound.negative != upper) return std::nullopt;
  if (bound.zero()) bound.negative = false;
  return bound;
}

int compare(const DecimalBound& a, const DecimalBound& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  return a.negative ? compare_magnitude(b, a) : compare_magnitude(a, b);
}

GrammarPart number_between(JsonText& text, const std::optional<DecimalBound>& lower,
                           const std::optional<DecimalBound>& upper, bool integers) {
  std::vector<GrammarPart> ways;
  const DecimalBound zero;
  if (!upper || !upper->negative)
    ways.push_back(MagnitudeGraph(text, lower && !lower->negative ? *lower : zero, upper, integers).make());
  if (!lower || lower->negative) {
    DecimalBound least = upper && upper->negative ? positive(*upper) : DecimalBound{.exclusive = true};
    std::optional<DecimalBound> most;
    if (lower) most = positive(*lower);
    ways.push_back(
        text.builder().sequence({text.builder().literal("-"), MagnitudeGraph(text, least, most, integers).make()}));
  }
  return text.builder().choice(std::move(ways));
}

}  // namespace hearth
