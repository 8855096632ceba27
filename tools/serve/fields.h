// Reads the fields of a JSON object and remembers which ones nobody asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tools/serve/json.h"

namespace hearth::serve {

// A field that is null counts as absent. A value that cannot be is an ApiError (400) that names the field. The object
// must outlive this.
class Fields {
 public:
  // `path` is put in front of names: "stream_options". Throws ApiError where `object` is no object.
  explicit Fields(const Json& object, std::string path = "");

  const Json* find(const char* name);
  bool boolean(const char* name, bool otherwise);
  std::optional<std::string> text(const char* name);
  // One that must be there.
  const Json& required(const char* name);
  std::string required_text(const char* name);
  std::optional<double> number(const char* name, double least, double most);
  std::optional<int64_t> integer(const char* name, int64_t least, int64_t most);

  // The field's name with its path.
  std::string path_of(std::string_view name) const;
  // The names, with their paths, of fields that were not asked for.
  std::vector<std::string> ignored() const;

 private:
  const Json& object_;
  std::string path_;
  std::set<std::string, std::less<>> asked_;
};

// Names for a header: as they come from clients, only harmless ones, and not too many.
std::string header_list(const std::vector<std::string>& names);

// An error (400): the field `path` must be what is wanted.
[[noreturn]] void refuse(const std::string& path, const std::string& wanted);

// The same for a value that is not a field: an element of an array.
int64_t read_integer(const Json& value, const std::string& path, int64_t least, int64_t most);

}  // namespace hearth::serve
