// One page: an array of files and folders.
#include "tools/fetch/listing.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hearth/hearth.h"
#include "tools/store/model_name.h"

namespace hearth::fetch {
namespace {

constexpr size_t kLongestListedPath = 1000;

using ListingJson = nlohmann::json;

class ListingReader {
 public:
  explicit ListingReader(const std::string& where) : where_(where) {}

  void read(std::string_view text, std::vector<ListedFile>& files) const {
    const ListingJson page = ListingJson::parse(text, nullptr, false);
    if (!page.is_array()) refuse("is no JSON array of files");
    if (page.size() + files.size() > kMostListed) refuse("lists more than " + std::to_string(kMostListed) + " files");
    for (const ListingJson& one : page) {
      if (!one.is_object()) refuse("lists something that is no object");
      const auto type = one.find("type");
      if (type == one.end() || !type->is_string()) refuse("lists something without a 'type'");
      if (*type == "file") files.push_back(read_file(one));
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw Error(ErrorCode::bad_model, where_ + ": " + what); }

  uint64_t size_in(const ListingJson& object) const {
    const auto size = object.find("size");
    if (size == object.end() || !size->is_number_unsigned() || size->get<uint64_t>() > INT64_MAX)
      refuse("'size' must be a number of bytes");
    return *size;
  }

  ListedFile read_file(const ListingJson& object) const {
    const auto path = object.find("path");
    if (path == object.end() || !path->is_string()) refuse("lists a file without a 'path'");
    ListedFile file{*path, size_in(object), ""};
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; };
    if (file.path.empty() || file.path.size() > kLongestListedPath || std::ranges::any_of(file.path, is_control))
      refuse("lists a file with an impossible 'path'");
    const auto lfs = object.find("lfs");
    if (lfs == object.end() || lfs->is_null()) return file;
    // Of a file in LFS the outer oid is git's, of a pointer to it.
    if (!lfs->is_object()) refuse("'lfs' must be an object");
    const auto oid = lfs->find("oid");
    if (oid == lfs->end() || !oid->is_string() || !store::is_sha256(oid->get_ref<const std::string&>()))
      refuse("'lfs.oid' must be 64 hexadecimal digits");
    file.sha256 = *oid;
    file.size = size_in(*lfs);
    return file;
  }

  const std::string& where_;
};

}  // namespace

void read_listing(std::string_view json, const std::string& where, std::vector<ListedFile>& files) {
  ListingReader(where).read(json, files);
}

}  // namespace hearth::fetch
