// What the store writes down of a model: one small JSON file for each name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::store {

struct StoredFile {
  std::string name;    // as its origin calls it, or what it is: "license", "params"
  std::string sha256;  // 64 digits; the bytes are in the file of that name
  uint64_t size = 0;
};

struct Entry {
  std::string name;
  std::string origin;                      // the address that it was fetched from
  std::vector<StoredFile> files;           // the model: one file, or all parts of a split one in their order
  std::vector<StoredFile> papers;          // what came with it
  bool vouched = false;                    // the origin said the hashes; otherwise they only say what came
  std::string architecture, quantization;  // empty where not known
  std::string pulled;                      // "2026-11-25T22:00:00Z"

  uint64_t bytes() const;  // of the model's files
};

// Throws Error (bad_model) that begins with `where` and names what is wrong.
Entry read_entry(std::string_view json, const std::string& where);
std::string to_json(const Entry& entry);

}  // namespace hearth::store
