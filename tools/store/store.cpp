// A folder; changes are made under a lock, each by one rename.
#include "tools/store/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <system_error>

#include "hearth/hearth.h"
#include "tools/audit/digest.h"
#include "tools/store/model_name.h"
#include "tools/store/partial_file.h"

namespace hearth::store {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostEntry = 1 << 20, kMostPaper = 4 << 20;
constexpr size_t kLongestFileName = 200;

[[noreturn]] void refuse_store(const std::string& what) { throw Error(ErrorCode::bad_model, what); }

void create_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    refuse_store("'" + folder.string() + "' cannot be created: " + error.message() +
                 "; HEARTH_MODELS names another folder");
}

// Held while names and blobs are changed.
class StoreLock {
 public:
  explicit StoreLock(const fs::path& folder) {
    create_folders(folder);
    file_ = open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    while (file_ >= 0 && flock(file_, LOCK_EX) != 0)
      if (errno != EINTR) break;
    if (file_ < 0)
      refuse_store("'" + folder.string() + "' cannot be written: " + std::generic_category().message(errno));
  }
  ~StoreLock() {
    if (file_ >= 0) close(file_);
  }
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

 private:
  int file_ = -1;
};

std::string encode_name(const std::string& name) {
  std::string encoded;
  for (const char c : name) {
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned char>(c));
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       ((c == '.' || c == '-' || c == '_') && !encoded.empty());
    encoded += plain ? std::string(1, c) : code;
  }
  return encoded.size() <= kLongestFileName ? encoded : "sha256-" + audit::sha256(name);
}

// Every file of a folder, which may be absent.
std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    files.push_back(at->path());
  std::ranges::sort(files);
  return files;
}

std::set<std::string> hashes_of(const std::vector<Entry>& entries) {
  std::set<std::string> hashes;
  for (const Entry& entry : entries)
    for (const auto* files : {&entry.files, &entry.papers})
      for (const StoredFile& file : *files) hashes.insert(file.sha256);
  return hashes;
}

// The bytes that became free.
uint64_t remove_file(const fs::path& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  return fs::remove(path, error) && size != static_cast<uint64_t>(-1) ? size : 0;
}

// False where another process has the file.
bool is_free(const fs::path& path) {
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  const bool free = file < 0 || flock(file, LOCK_EX | LOCK_NB) == 0;
  if (file >= 0) close(file);
  return free;
}

}  // namespace

fs::path store_folder() {
  const auto value = [](const char* name) {
    const char* text = std::getenv(name);
    return std::string(text == nullptr ? "" : text);
  };
  if (const std::string own = value("HEARTH_MODELS"); !own.empty()) return own;
  if (const std::string data = value("XDG_DATA_HOME"); !data.empty()) return fs::path(data) / "hearth" / "models";
  const std::string home = value("HOME");
  if (home.empty()) refuse_store("where models are kept is not known: set HEARTH_MODELS to a folder");
  return fs::path(home) / ".local/share/hearth/models";
}

Store::Store(fs::path folder) : folder_(std::move(folder)) {}

fs::path Store::name_path(const std::string& name) const { return folder_ / "names" / (encode_name(name) + ".json"); }
fs::path Store::blob_path(const std::string& sha256) const { return folder_ / "blobs" / ("sha256-" + sha256); }

fs::path Store::partial_path(const std::string& key) const {
  create_folders(folder_ / "blobs");
  return folder_ / "blobs" / (key + ".partial");
}

std::optional<Entry> Store::read(const fs::path& path) const {
  const auto json = read_small_file(path, kMostEntry);
  if (!json) return std::nullopt;
  return read_entry(*json, path.string());
}

Store::Listing Store::list() const {
  Listing listing;
  for (const fs::path& path : files_of(folder_ / "names")) {
    if (path.extension() != ".json") continue;
    try {
      if (auto entry = read(path)) listing.entries.push_back(std::move(*entry));
    } catch (const std::exception& error) {
      listing.damaged.emplace_back(error.what());
    }
  }
  std::ranges::sort(listing.entries, {}, &Entry::name);
  return listing;
}

std::optional<Entry> Store::find(const std::string& text) const {
  const auto name = parse_model_name(text);
  if (!name) return std::nullopt;
  if (auto entry = read(name_path(store_name(*name)))) return entry;
  const auto* hub = std::get_if<HubName>(&*name);
  if (hub == nullptr || !hub->quantization.empty() || !hub->file.empty()) return std::nullopt;
  std::optional<Entry> last;
  for (Entry& entry : list().entries)
    if (entry.name.starts_with(store_name(*name) + ":") && (!last || entry.pulled > last->pulled))
      last = std::move(entry);
  return last;
}

bool Store::has_blob(const std::string& sha256, uint64_t size) const {
  std::error_code error;
  return fs::file_size(blob_path(sha256), error) == size && !error;
}

std::string Store::hash_of(const StoredFile& file) const {
  audit::Digest digest;
  std::ifstream bytes(blob_path(file.sha256), std::ios::binary);
  std::vector<char> block(1 << 20);
  while (bytes.read(block.data(), static_cast<std::streamsize>(block.size())), bytes.gcount() > 0)
    digest.add({block.data(), static_cast<size_t>(bytes.gcount())});
  return digest.hex();
}

std::string Store::read_blob(const StoredFile& file) const {
  return read_small_file(blob_path(file.sha256), kMostPaper).value_or("");
}

fs::path Store::parts_folder(const Entry& entry) const {
  audit::Digest digest;
  for (const StoredFile& file : entry.files) digest.add(file.sha256);
  return folder_ / "parts" / digest.hex();
}

fs::path Store::model_path(const Entry& entry) const {
  for (const StoredFile& file : entry.files)
    if (!has_blob(file.sha256, file.size))
      refuse_store(entry.name + ": " + blob_path(file.sha256).string() + " is gone or was changed; `hearth pull " +
                   entry.name + "` fetches it again");
  if (entry.files.size() == 1) return blob_path(entry.files.front().sha256);
  const fs::path folder = parts_folder(entry);
  create_folders(folder);
  fs::path first;
  for (size_t i = 0; i < entry.files.size(); ++i) {
    char name[64];
    std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.gguf", i + 1, entry.files.size());
    std::error_code error;
    fs::create_symlink(fs::path("../../blobs") / ("sha256-" + entry.files[i].sha256), folder / name, error);
    if (error && error != std::errc::file_exists) refuse_store((folder / name).string() + ": " + error.message());
    if (i == 0) first = folder / name;
  }
  return first;
}

uint64_t Store::free_bytes() const {
  fs::path folder = fs::absolute(folder_);
  std::error_code error;
  while (!fs::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  const fs::space_info space = fs::space(folder, error);
  return error ? UINT64_MAX : space.available;  // what cannot be known is no reason to refuse
}

void Store::add(const Entry& entry) const {
  create_folders(folder_ / "names");
  const StoreLock lock(folder_);
  for (const auto* files : {&entry.files, &entry.papers})
    for (const StoredFile& file : *files)
      if (!has_blob(file.sha256, file.size))
        refuse_store(entry.name + ": what was fetched was removed meanwhile; pull it again");
  std::optional<Entry> before;
  try {
    before = read(name_path(entry.name));
  } catch (const std::exception&) {  // damaged: it is replaced
  }
  replace_file(name_path(entry.name), to_json(entry));
  sync_folder(folder_ / "names");
  if (before) sweep(*before);
}

// Removes what the entry, which is no longer listed, used and nobody else does.
uint64_t Store::sweep(const Entry& entry) const {
  const Listing listing = list();
  if (!listing.damaged.empty()) return 0;
  const std::set<std::string> used = hashes_of(listing.entries);
  uint64_t freed = 0;
  for (const std::string& hash : hashes_of({entry}))
    if (!used.contains(hash)) freed += remove_file(blob_path(hash));
  const bool shared = std::ranges::any_of(
      listing.entries, [&](const Entry& other) { return parts_folder(other) == parts_folder(entry); });
  std::error_code ignored;
  if (!shared) fs::remove_all(parts_folder(entry), ignored);
  return freed;
}

uint64_t Store::remove(const std::string& name) const {
  const auto parsed = parse_model_name(name);
  const StoreLock lock(folder_);
  std::optional<Entry> entry;
  try {
    if (parsed) entry = read(name_path(store_name(*parsed)));
  } catch (const std::exception&) {  // damaged: only the name can go
    std::error_code ignored;
    fs::remove(name_path(store_name(*parsed)), ignored);
    return 0;
  }
  if (!entry)
    throw Error(ErrorCode::invalid_argument, "'" + name + "' is not in the store; `hearth list` shows what is");
  std::error_code error;
  fs::remove(name_path(entry->name), error);
  if (error) refuse_store("'" + name + "' cannot be removed: " + error.message());
  return sweep(*entry);
}

uint64_t Store::remove_unused() const {
  const StoreLock lock(folder_);
  const Listing listing = list();
  if (!listing.damaged.empty()) refuse_store(listing.damaged.front());
  const std::set<std::string> used = hashes_of(listing.entries);
  uint64_t freed = 0;
  for (const fs::path& path : files_of(folder_ / "blobs")) {
    const std::string name = path.filename().string();
    if (name.ends_with(".partial")) {
      if (!is_free(path)) continue;
      freed += PartialFile::recorded(path, UINT64_MAX);
      std::error_code ignored;
      fs::remove(path, ignored);
      fs::remove(path.string() + ".ranges", ignored);
    } else if (name.starts_with("sha256-") && is_sha256(name.substr(7)) && !used.contains(name.substr(7))) {
      freed += remove_file(path);
    }
  }
  return freed;
}

}  // namespace hearth::store
