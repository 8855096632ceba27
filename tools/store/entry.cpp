// Entries as JSON.
#include "tools/store/entry.h"

#include <nlohmann/json.hpp>

#include "hearth/hearth.h"
#include "tools/store/model_name.h"

namespace hearth::store {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr size_t kMostFiles = 1000;

class EntryReader {
 public:
  EntryReader(std::string_view json, const std::string& where) : where_(where) {
    json_ = Json::parse(json, nullptr, false);
    if (!json_.is_object()) refuse("is no JSON object");
  }

  Entry read() const {
    const auto version = json_.find("version");
    if (version == json_.end() || !version->is_number_integer()) refuse("'version' is missing");
    if (*version != kVersion) refuse("is of another version of Hearth");
    Entry entry;
    entry.name = text(json_, "name");
    entry.origin = text(json_, "origin");
    entry.files = files("files");
    entry.papers = files("papers");
    const auto vouched = json_.find("vouched");
    if (vouched == json_.end() || !vouched->is_boolean()) refuse("'vouched' must be true or false");
    entry.vouched = *vouched;
    entry.architecture = text(json_, "architecture");
    entry.quantization = text(json_, "quantization");
    entry.pulled = text(json_, "pulled");
    if (entry.name.empty()) refuse("'name' is empty");
    if (entry.files.empty()) refuse("'files' is empty");
    return entry;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::bad_model, where_ + ": " + what + "; remove it and pull again");
  }

  std::string text(const Json& object, const char* key) const {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string()) refuse("'" + std::string(key) + "' must be a string");
    return *found;
  }

  std::vector<StoredFile> files(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end() || !found->is_array() || found->size() > kMostFiles)
      refuse("'" + std::string(key) + "' must be an array of at most " + std::to_string(kMostFiles));
    std::vector<StoredFile> list;
    for (const Json& one : *found) {
      if (!one.is_object()) refuse("'" + std::string(key) + "' must hold objects");
      StoredFile file{text(one, "name"), text(one, "sha256")};
      // It becomes a path.
      if (!is_sha256(file.sha256)) refuse("'sha256' must be 64 hexadecimal digits");
      const auto size = one.find("size");
      if (size == one.end() || !size->is_number_unsigned() || size->get<uint64_t>() > INT64_MAX)
        refuse("'size' must be a number of bytes");
      file.size = *size;
      list.push_back(std::move(file));
    }
    return list;
  }

  Json json_;
  const std::string& where_;
};

Json file_list(const std::vector<StoredFile>& files) {
  Json list = Json::array();
  for (const StoredFile& file : files)
    list.push_back({{"name", file.name}, {"sha256", file.sha256}, {"size", file.size}});
  return list;
}

}  // namespace

uint64_t Entry::bytes() const {
  uint64_t sum = 0;
  for (const StoredFile& file : files) sum += file.size;
  return sum;
}

Entry read_entry(std::string_view json, const std::string& where) { return EntryReader(json, where).read(); }

std::string to_json(const Entry& entry) {
  const Json json = {{"version", kVersion},
                     {"name", entry.name},
                     {"origin", entry.origin},
                     {"files", file_list(entry.files)},
                     {"papers", file_list(entry.papers)},
                     {"vouched", entry.vouched},
                     {"architecture", entry.architecture},
                     {"quantization", entry.quantization},
                     {"pulled", entry.pulled}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hearth::store
