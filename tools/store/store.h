// The models on this machine that have names. Bytes are kept once, under their SHA-256, however many names share them:
//   blobs/sha256-DIGITS          a file, whole and checked
//   blobs/KEY.partial            one that is being fetched, and KEY.partial.ranges, what of it is there
//   names/NAME.json              which files a name stands for; NAME with %XX for what is not a letter, digit or ".-_"
//   parts/DIGITS/model-0000K-of-0000N.gguf   links to the parts of a split model, side by side as they are read
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tools/store/entry.h"

namespace hearth::store {

// $HEARTH_MODELS, $XDG_DATA_HOME/hearth/models or ~/.local/share/hearth/models. Throws Error where none is set.
std::filesystem::path store_folder();

// Several processes may use a folder at once. Nothing is created before there is something to keep.
class Store {
 public:
  explicit Store(std::filesystem::path folder = store_folder());

  const std::filesystem::path& folder() const { return folder_; }

  struct Listing {
    std::vector<Entry> entries;        // by name
    std::vector<std::string> damaged;  // for each name whose file cannot be read: why
  };
  Listing list() const;

  // The model that the text names: exactly, or written in another way; hf.co/OWNER/REPO without a quantisation is the
  // one that was pulled last. Throws Error where its file is damaged.
  std::optional<Entry> find(const std::string& text) const;

  // What Gguf::open takes. Throws Error where a file is gone.
  std::filesystem::path model_path(const Entry& entry) const;
  std::filesystem::path blob_path(const std::string& sha256) const;
  bool has_blob(const std::string& sha256, uint64_t size) const;
  // The SHA-256 that a file has now.
  std::string hash_of(const StoredFile& file) const;
  // A small blob's bytes.
  std::string read_blob(const StoredFile& file) const;

  // Creates the folders and says where the bytes of a file that is being fetched go. `key` becomes a file's name.
  std::filesystem::path partial_path(const std::string& key) const;
  // Free bytes where the store is, or will be.
  uint64_t free_bytes() const;

  // Keeps the entry under its name, in place of one that was there; the blobs of that one that no name uses any more
  // are removed. Throws Error where a blob is missing.
  void add(const Entry& entry) const;
  // Removes the name, and all that only it used. The bytes that became free. Throws Error where there is no such name,
  // or where another entry is damaged, so that what it uses is not known.
  uint64_t remove(const std::string& name) const;
  // Removes what was begun and not finished, and blobs without a name. The bytes that became free. What another process
  // is fetching stays.
  uint64_t remove_unused() const;

 private:
  std::filesystem::path name_path(const std::string& name) const;
  std::filesystem::path parts_folder(const Entry& entry) const;
  std::optional<Entry> read(const std::filesystem::path& path) const;
  uint64_t sweep(const Entry& entry) const;

  std::filesystem::path folder_;
};

}  // namespace hearth::store
