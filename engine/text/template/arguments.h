// The arguments of a call, and their match with the names of parameters.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/text/template/value.h"

namespace hearth {

struct Arguments {
  std::vector<Value> plain;
  std::vector<std::pair<std::string, Value>> named;
};

// Arguments by the position of their parameter. Every reader throws TemplateError (type) for a value of another kind.
class Bound {
 public:
  // `parameters` are names separated by blanks, "old! new! count": those with a '!' must be given. "*" is a function of
  // any arguments, which reads them from all(). TemplateError (type) where the arguments do not fit.
  Bound(std::string_view function, std::string_view parameters, const Arguments& arguments);

  // Null where the argument is absent.
  const Value* find(std::size_t i) const { return i < values_.size() ? values_[i] : nullptr; }
  bool given(std::size_t i) const { return find(i) != nullptr && !find(i)->is_none(); }  // neither absent nor None
  Value value(std::size_t i, Value absent = {}) const { return find(i) ? *find(i) : std::move(absent); }
  bool truthy(std::size_t i, bool absent = false) const { return find(i) ? find(i)->truthy() : absent; }
  std::int64_t integer(std::size_t i, std::int64_t absent = 0) const;
  const std::string& string(std::size_t i) const;  // must be given
  // str() of the argument.
  std::string text(std::size_t i, std::string_view absent = "") const;
  const Arguments& all() const { return arguments_; }

 private:
  std::string function_;
  std::vector<const Value*> values_;
  const Arguments& arguments_;
};

}  // namespace hearth
