// One table of a TOML file. A key that nobody asks for is refused: it is misspelt.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "hearth/hearth.h"

namespace hearth {

[[noreturn]] inline void refuse_config(const std::string& what) { throw Error(ErrorCode::invalid_argument, what); }

// Errors are Error (invalid_argument) that names the table and the key.
class TomlTable {
 public:
  TomlTable(const toml::table& table, std::string name) : table_(table), name_(std::move(name)) {}

  template <class Value>
  std::optional<Value> get(const char* key) {
    asked_.insert(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr) return std::nullopt;
    const auto value = node->value_exact<Value>();
    if (!value) refuse(key, "has a value of the wrong type");
    return value;
  }

  std::optional<uint64_t> count(const char* key, int64_t most) {
    const auto value = get<int64_t>(key);
    if (value && (*value < 0 || *value > most)) refuse(key, "must be from 0 to " + std::to_string(most));
    return value ? std::optional<uint64_t>(static_cast<uint64_t>(*value)) : std::nullopt;
  }

  // A number that may be written with or without a point, not below 0.
  std::optional<double> number(const char* key) {
    asked_.insert(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr) return std::nullopt;
    if (!node->is_number()) refuse(key, "has a value of the wrong type");
    const double value = *node->value<double>();
    if (!(value >= 0 && value <= 1e15)) refuse(key, "must be a number that is not negative");
    return value;
  }

  std::string required(const char* key) {
    const auto value = get<std::string>(key);
    if (!value || value->empty()) refuse(key, "is missing");
    return *value;
  }

  // One of the words; the first where the key is absent.
  size_t choice(const char* key, const std::vector<std::string>& words) {
    const auto value = get<std::string>(key);
    if (!value) return 0;
    std::string list;
    size_t index = 0;
    for (const std::string& word : words) {
      if (*value == word) return index;
      list += (index++ == 0 ? "" : ", ") + word;
    }
    refuse(key, "must be one of " + list);
  }

  std::vector<std::string> texts(const char* key) {
    asked_.insert(key);
    std::vector<std::string> list;
    const toml::node* node = table_.get(key);
    if (node == nullptr) return list;
    if (!node->is_array()) refuse(key, "must be an array of strings");
    for (const toml::node& one : *node->as_array()) {
      const auto text = one.value_exact<std::string>();
      if (!text) refuse(key, "must be an array of strings");
      list.push_back(*text);
    }
    return list;
  }

  // One string, or an array of them.
  std::vector<std::string> text_or_texts(const char* key) {
    const toml::node* node = table_.get(key);
    if (node != nullptr && node->is_string()) return {*get<std::string>(key)};
    return texts(key);
  }

  std::vector<TomlTable> tables(const char* key) {
    asked_.insert(key);
    std::vector<TomlTable> list;
    const toml::node* node = table_.get(key);
    if (node == nullptr) return list;
    if (!node->is_array_of_tables()) refuse_config(name_ + ": write [[" + key + "]]");
    for (const toml::node& one : *node->as_array()) list.emplace_back(*one.as_table(), name_ + ": [[" + key + "]]");
    return list;
  }

  // [KEY], empty where it is absent.
  TomlTable table(const char* key) {
    static const toml::table empty;
    asked_.insert(key);
    const toml::node* node = table_.get(key);
    if (node != nullptr && !node->is_table()) refuse_config(name_ + ": write [" + key + "]");
    return {node == nullptr ? empty : *node->as_table(), name_ + ": [" + key + "]"};
  }

  bool has(const char* key) const { return table_.get(key) != nullptr; }
  bool is_text(const char* key) const {
    const toml::node* node = table_.get(key);
    return node != nullptr && node->is_string();
  }

  void refuse_others() const {
    for (const auto& [key, value] : table_)
      if (!asked_.contains(std::string(key.str()))) refuse(std::string(key.str()).c_str(), "is unknown");
  }

  [[noreturn]] void refuse(const char* key, const std::string& what) const {
    refuse_config(name_ + ": '" + key + "' " + what);
  }

 private:
  const toml::table& table_;
  std::string name_;
  std::set<std::string> asked_;
};

inline toml::table parse_toml(const std::filesystem::path& path) {
  std::error_code ignored;
  const auto kind = std::filesystem::status(path, ignored).type();
  if (kind == std::filesystem::file_type::not_found || kind == std::filesystem::file_type::none)
    refuse_config("'" + path.string() + "': there is no such file");
  if (kind == std::filesystem::file_type::directory) refuse_config("'" + path.string() + "' is a folder");
  try {
    return toml::parse_file(path.string());
  } catch (const toml::parse_error& error) {
    refuse_config(path.string() + ":" + std::to_string(error.source().begin.line) + ": " +
                  std::string(error.description()));
  }
}

}  // namespace hearth
