// What a repository of Hugging Face holds: the answer to /api/models/OWNER/REPO/tree/REVISION, page by page.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::fetch {

struct ListedFile {
  std::string path;    // within the repository
  uint64_t size = 0;   // bytes
  std::string sha256;  // empty where the listing has none, as of files that are kept in git itself
};

inline constexpr size_t kMostListed = 100'000;  // files of a repository

// Adds the files of a page; folders are left out. Throws Error (bad_model) that begins with `where`.
void read_listing(std::string_view json, const std::string& where, std::vector<ListedFile>& files);

}  // namespace hearth::fetch
