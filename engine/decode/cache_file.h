// Files that hold pages of a KV cache: who wrote them, and how they are read and checked.
//
// A file is a header (the eight characters HEARTHKV, a version, four zeros) and sections: type, four zeros, 64-bit
// length, as many bytes, and a checksum of all that from the section before it on, its checksum included. Numbers are
// little-endian. The sections are:
//   1  the first: what the keys and values depend on (CacheIdentity)
//   2  a page, behind its parent: the parent's number among the pages (or 0xffffffff), that of its setting of adapters,
//      which is its parent's, too (0: none is used), how many tokens, the tokens, and keys and values as
//      Plan::read_page gives them
//   3  the last: how many pages and tokens there are
//   4  a state, under no adapters, behind all pages: how many tokens it is the state after, the tokens, and the
//      floats of Plan::read_state
//   5  a setting of adapters, before the pages under it; they are counted from 1: how many adapters are used, and of
//      each the fingerprint and the scale
// A later version may add types; a reader refuses those that it does not know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "engine/include/hearth/hearth.h"
#include "formats/byte_cursor.h"
#include "formats/checksum.h"
#include "formats/file_replacement.h"

namespace hearth {

// What keys and values depend on besides the tokens before them.
struct CacheIdentity {
  uint64_t model = 0;   // a fingerprint of its weights and numbers
  uint64_t angles = 0;  // of what turns keys by their positions
  std::string name;     // of the model, for errors
  KvType kv_type = KvType::f16;
  uint32_t layers = 0, key_width = 0, value_width = 0, vocabulary = 0, page_size = 0;
  uint64_t position_bytes = 0;
  uint64_t state_values = 0;  // which the fingerprint stands for in files
  std::string arithmetic;     // of the device, where results are the same bits whatever a batch holds; else empty
  std::vector<uint64_t> adapters = {};  // fingerprints of those that there are, of which pages say what they use
  bool deterministic() const { return !arithmetic.empty(); }
};

inline constexpr uint32_t kNoParent = UINT32_MAX;

// Throws Error: bad_cache where the system refuses, and other_cache where the path holds what is no such file; then
// that stays as it is.
class CacheFileWriter {
 public:
  CacheFileWriter(const std::filesystem::path& path, const CacheIdentity& identity);

  // The next page; `parent` is the number of a full one before it, or kNoParent. The scale of each adapter is that of
  // its parent, too; an empty setting: none is used.
  void add(uint32_t parent, std::span<const int32_t> tokens, std::span<const std::byte> content,
           const std::vector<float>& setting = {});
  void add_state(std::span<const int32_t> tokens, std::span<const float> values);
  uint32_t pages() const { return pages_; }
  // Gives the file its name, and tells what it holds.
  CacheContent finish();

 private:
  void begin(uint32_t type, uint64_t length);
  uint32_t number_of(const std::vector<float>& setting);
  void put(std::span<const std::byte> bytes);
  template <class T>
  void put_value(T value) {
    put(std::as_bytes(std::span(&value, 1)));
  }
  void end();

  FileReplacement file_;
  const std::vector<uint64_t> adapters_;
  std::map<std::vector<float>, uint32_t> settings_;
  Checksum checksum_;
  uint32_t pages_ = 0;
  uint64_t tokens_ = 0;
};

// Bytes that are read at places of them.
struct CacheBytes {
  std::string name;  // for errors
  uint64_t size = 0;
  std::function<void(uint64_t at, std::span<std::byte> to)> read;  // never past the end; may throw FileError
};
CacheBytes open_cache_bytes(const std::filesystem::path& path);

// Everything was checked once it exists. Its memory is bounded by the sizes in `expected` and by `most_pages`, whatever
// the file says.
class CacheFile {
 public:
  struct Page {
    uint32_t parent;  // among those that are kept
    std::vector<float> setting;
    std::vector<int32_t> tokens;
    uint64_t at, length;        // of its section
    uint64_t before, checksum;  // of the section before it, and its own
  };

  struct State {
    std::vector<int32_t> tokens;
    uint64_t at, length, before, checksum;  // as of a page
  };

  // Keeps the first `most_pages` pages whose adapters are here, and `most_states` states. Throws Error: bad_cache where
  // it is damaged, cut or cannot be read, and other_cache where it is something else, of another version, or made with
  // another identity.
  CacheFile(CacheBytes bytes, const CacheIdentity& expected, uint32_t most_pages, uint32_t most_states = 0);

  const std::vector<Page>& pages() const { return pages_; }
  const std::vector<State>& states() const { return states_; }
  const CacheContent& content() const { return content_; }
  // Keys and values of a page, within `buffer`; read and checked again.
  std::span<const std::byte> read(const Page& page, std::vector<std::byte>& buffer) const;
  std::vector<float> read(const State& state) const;

 private:
  struct Section {
    uint32_t type;
    uint64_t at, length;
  };
  [[noreturn]] void fail(const std::string& what, uint64_t at) const;
  void read_header();
  Section read_section(uint64_t longest, std::vector<std::byte>& buffer);
  void check_identity(ByteCursor cursor, const CacheIdentity& expected) const;
  uint64_t longest_section(const CacheIdentity& expected) const;
  void take_setting(const Section& section, ByteCursor cursor, const CacheIdentity& expected);
  void take_state(const Section& section, ByteCursor cursor, const CacheIdentity& expected, uint32_t most_states);
  template <class Part>
  void read_again(const Part& part, std::vector<std::byte>& buffer) const;
  void take_page(const Section& section, ByteCursor cursor, const CacheIdentity& expected, uint32_t most_pages);

  CacheBytes bytes_;
  uint64_t position_ = 0, checksum_ = 0, before_ = 0;
  struct Known {
    bool full;
    uint32_t setting;
    std::optional<uint32_t> kept;  // its place in pages_
  };
  std::vector<Known> known_;                                 // of all pages of the file
  std::vector<std::optional<std::vector<float>>> settings_;  // of the file; nullopt where an adapter is not here
  std::vector<Page> pages_;
  std::vector<State> states_;
  CacheContent content_;
};

}  // namespace hearth
