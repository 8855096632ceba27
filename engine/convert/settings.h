// The members of a JSON file that describe a model, looked up with checks.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "formats/json.h"

namespace hearth {

// The largest size that config.json may state; as what the engine reads, see ConfigReader.
inline constexpr uint64_t kLargestSetting = uint64_t{1} << 28;

// Functions that take several names use the first that is there and not null. All throw FileError naming the file and
// the member where it has the wrong type or is out of range.
class Settings {
 public:
  using Names = std::initializer_list<const char*>;

  // `file` appears in errors. `json` must be an object.
  Settings(Json json, std::string file);

  bool has(const char* name) const { return find({name}) != nullptr; }
  std::optional<uint32_t> size(Names names) const;
  uint32_t require_size(Names names) const;
  std::optional<double> real(Names names) const;
  double require_real(Names names) const;
  std::optional<bool> flag(const char* name) const;
  std::optional<std::string> text(Names names) const;
  std::vector<std::string> texts(const char* name) const;  // none where it is absent
  std::vector<float> reals(const char* name) const;        // none where it is absent
  // A member that is an object, with its path in errors; an empty one where it is absent.
  Settings object(Names names) const;
  const Json* find(Names names) const;
  const Json& json() const { return json_; }
  const std::string& file() const { return file_; }

  [[noreturn]] void fail(const std::string& name, const std::string& what) const;
  [[noreturn]] void fail(const std::string& what) const;

 private:
  std::pair<const Json*, const char*> look_up(Names names) const;

  Json json_;
  std::string file_, path_;  // path_: "rope_scaling." inside of an object
};

}  // namespace hearth
