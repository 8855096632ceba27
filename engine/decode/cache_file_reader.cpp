// Reading files of a cache: everything is checked before anything is believed.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>
#include <system_error>

#include "engine/decode/cache_file.h"
#include "engine/decode/cache_sections.h"
#include "formats/error.h"

namespace hearth {
namespace {

// An open file.
struct OpenFile {
  int number;
  explicit OpenFile(int opened) : number(opened) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (number >= 0) close(number);
  }
};

constexpr uint64_t kLongestIdentity = 2048;
constexpr uint64_t kPageHeadBytes = 12, kStateHeadBytes = 4;

const char* name_of_type(uint32_t type) {
  return type <= static_cast<uint32_t>(KvType::q8_0) ? name_of(static_cast<KvType>(type)) : "an unknown type";
}

uint64_t checksum_of(uint64_t before, std::span<const std::byte> section) {
  Checksum checksum(before);
  checksum.add(section);
  return checksum.value();
}

template <class T>
T value_at(std::span<const std::byte> bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

}  // namespace

CacheBytes open_cache_bytes(const std::filesystem::path& path) {
  CacheBytes bytes{.name = printable(path.native(), kLongestPath), .size = 0, .read = {}};
  const auto refuse = [name = bytes.name](const std::string& what) { throw FileError(name + ": " + what); };
  const auto reason = [] { return std::generic_category().message(errno); };
  // Without O_NONBLOCK, opening a FIFO would wait for a writer.
  const auto file = std::make_shared<OpenFile>(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file->number < 0) refuse("cannot be opened: " + reason());
  struct stat status {};
  if (fstat(file->number, &status) != 0) refuse("cannot be read: " + reason());
  if (!S_ISREG(status.st_mode)) refuse("is not a regular file");
  bytes.size = static_cast<uint64_t>(status.st_size);
  bytes.read = [file, refuse, reason](uint64_t at, std::span<std::byte> to) {
    while (!to.empty()) {
      const ssize_t size = pread(file->number, to.data(), to.size(), static_cast<off_t>(at));
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) refuse("cannot be read: " + reason());
      if (size == 0) refuse("has become shorter while it was read");
      to = to.subspan(static_cast<size_t>(size));
      at += static_cast<uint64_t>(size);
    }
  };
  return bytes;
}

// A state is that of tokens whose pages came before.
uint64_t CacheFile::longest_section(const CacheIdentity& expected) const {
  const uint64_t page = kPageHeadBytes + expected.page_size * (sizeof(int32_t) + expected.position_bytes);
  if (expected.state_values == 0) return page;
  return std::max(page, kStateHeadBytes + content_.tokens * sizeof(int32_t) + expected.state_values * sizeof(float));
}

CacheFile::CacheFile(CacheBytes bytes, const CacheIdentity& expected, uint32_t most_pages, uint32_t most_states)
    : bytes_(std::move(bytes)) {
  try {
    read_header();
    std::vector<std::byte> buffer;
    const auto payload = [&] {
      return ByteCursor(std::span<const std::byte>(buffer).subspan(kSectionHeadBytes), bytes_.name);
    };
    Section section = read_section(kLongestIdentity, buffer);
    if (section.type != kIdentitySection) fail("the first section is not the one that names the model", section.at);
    check_identity(payload(), expected);
    while ((section = read_section(longest_section(expected), buffer)).type == kPageSection ||
           section.type == kSettingSection) {
      if (section.type == kPageSection)
        take_page(section, payload(), expected, most_pages);
      else
        take_setting(section, payload(), expected);
    }
    for (; section.type == kStateSection && expected.state_values > 0;
         section = read_section(longest_section(expected), buffer))
      take_state(section, payload(), expected, most_states);
    if (section.type != kEndSection)
      fail("a section is of the type " + std::to_string(section.type) + ", which this Hearth does not know",
           section.at);
    ByteCursor end = payload();
    const auto pages = end.read<uint64_t>("the number of pages"), tokens = end.read<uint64_t>("the number of tokens");
    if (pages != known_.size() || tokens != content_.tokens || end.remaining() > 0)
      fail("the last section counts other pages than there are", section.at);
    if (position_ != bytes_.size)
      fail("there are " + std::to_string(bytes_.size - position_) + " bytes behind the last section", position_);
    content_.bytes = bytes_.size;
  } catch (const FileError& error) {
    throw Error(ErrorCode::bad_cache, error.what());
  }
}

void CacheFile::fail(const std::string& what, uint64_t at) const {
  throw Error(ErrorCode::bad_cache, bytes_.name + ": " + what + " at byte " + std::to_string(at));
}

void CacheFile::read_header() {
  std::byte header[kCacheHeaderBytes] = {};
  const size_t size = std::min<uint64_t>(bytes_.size, sizeof header);
  bytes_.read(0, std::span(header).first(size));
  const std::string_view begin(reinterpret_cast<const char*>(header), std::min(size, kCacheMagic.size()));
  if (size == 0 || begin != kCacheMagic.substr(0, begin.size()))
    throw Error(ErrorCode::other_cache, bytes_.name + ": is no cache that Hearth wrote");
  if (size < sizeof header) fail("the file is cut off", size);
  if (const auto version = value_at<uint32_t>(header, 8); version != kCacheVersion)
    throw Error(ErrorCode::other_cache, bytes_.name + ": the file's version is " + std::to_string(version) +
                                            ", but this Hearth reads " + std::to_string(kCacheVersion) + " at byte 8");
  if (value_at<uint32_t>(header, 12) != 0) fail("the file is damaged: zeros are missing", 12);
  checksum_ = checksum_of(0, header);
  position_ = sizeof header;
}

// Into `buffer` with its head.
CacheFile::Section CacheFile::read_section(uint64_t longest, std::vector<std::byte>& buffer) {
  const uint64_t left = bytes_.size - position_;
  if (left < kSectionHeadBytes + sizeof(uint64_t)) fail("the file is cut off: a section is missing", position_);
  buffer.resize(kSectionHeadBytes);
  bytes_.read(position_, buffer);
  const Section section{value_at<uint32_t>(buffer, 0), position_, value_at<uint64_t>(buffer, 8)};
  const uint64_t room = left - kSectionHeadBytes - sizeof(uint64_t);
  if (section.length > longest)
    fail("the file is damaged: a section of " + std::to_string(section.length) + " bytes is past the " +
             std::to_string(longest) + " that it can have",
         section.at);
  if (section.length > room)
    fail("the file is cut off: a section has " + std::to_string(section.length) + " bytes, but " +
             std::to_string(room) + " are left",
         section.at);
  buffer.resize(kSectionHeadBytes + section.length + sizeof(uint64_t));
  bytes_.read(position_, buffer);
  const size_t end = buffer.size() - sizeof(uint64_t);
  const uint64_t checksum = checksum_of(checksum_, std::span(buffer).first(end));
  if (checksum != value_at<uint64_t>(buffer, end) || value_at<uint32_t>(buffer, 4) != 0)
    fail("the file is damaged: the checksum of a section is wrong", section.at);
  position_ += buffer.size();
  buffer.resize(end);
  before_ = std::exchange(checksum_, checksum);
  return section;
}

void CacheFile::check_identity(ByteCursor cursor, const CacheIdentity& expected) const {
  const auto differs = [&](const std::string& saved, const std::string& here) {
    throw Error(ErrorCode::other_cache, bytes_.name + ": was saved with " + saved + ", but here is " + here);
  };
  const auto model = cursor.read<uint64_t>("the model's fingerprint");
  const auto angles = cursor.read<uint64_t>("the fingerprint of angles");
  const std::string name(cursor.read_string("the model's name"));
  const std::string arithmetic(cursor.read_string("the arithmetic"));
  const auto kv_type = cursor.read<uint32_t>("the cache's type");
  if (model != expected.model) {
    const auto known = [](const std::string& text) { return text.empty() ? "one without a name" : in_quotes(text); };
    differs("another model (" + known(name) + ")", known(expected.name.substr(0, kLongestCacheText)));
  }
  if (kv_type != static_cast<uint32_t>(expected.kv_type))
    differs(std::string("a cache of the type ") + name_of_type(kv_type),
            std::string("one of the type ") + name_of(expected.kv_type));
  if (angles != expected.angles)
    differs("another scaling of positions, which depends on the context", "that of this context");
  const std::pair<const char*, uint32_t> sizes[] = {{"layers", expected.layers},
                                                    {"values of a key", expected.key_width},
                                                    {"numbers of a value", expected.value_width},
                                                    {"tokens of a vocabulary", expected.vocabulary},
                                                    {"tokens of a page", expected.page_size}};
  for (const auto& [what, here] : sizes)
    if (const auto saved = cursor.read<uint32_t>(what); saved != here)
      differs(std::to_string(saved) + " " + what, "a cache of " + std::to_string(here));
  if (const auto saved = cursor.read<uint64_t>("bytes of a position"); saved != expected.position_bytes)
    differs(std::to_string(saved) + " bytes of a position", "a cache of " + std::to_string(expected.position_bytes));
  if (expected.deterministic() && arithmetic != expected.arithmetic)
    differs(arithmetic.empty() ? "results that depend on what else was decoded"
                               : "the arithmetic of " + in_quotes(arithmetic),
            "a deterministic engine with that of " + in_quotes(expected.arithmetic));
  if (cursor.remaining() > 0) fail("the section that names the model is too long", kCacheHeaderBytes);
}

void CacheFile::take_setting(const Section& section, ByteCursor cursor, const CacheIdentity& expected) {
  const auto require = [&](bool holds) {
    if (!holds) fail("a setting of adapters makes no sense", section.at);
  };
  const auto count = cursor.read<uint32_t>("a setting's number of adapters");
  require(count > 0 && cursor.remaining() == count * (sizeof(uint64_t) + sizeof(float)));
  require(settings_.size() <= known_.size());  // each comes before a page of its own
  std::optional<std::vector<float>> setting(std::in_place, expected.adapters.size());
  size_t next = 0;  // what they add is added in their order, which decides last bits
  for (uint32_t i = 0; i < count; ++i) {
    const auto adapter = cursor.read<uint64_t>("an adapter's fingerprint");
    const auto scale = cursor.read<float>("an adapter's scale");
    require(std::isfinite(scale) && scale != 0);
    if (!setting) continue;
    // The same adapter may be there twice.
    size_t place = expected.deterministic() ? next : 0;
    while (place < setting->size() && (expected.adapters[place] != adapter || (*setting)[place] != 0)) ++place;
    if (place < setting->size())
      (*setting)[place] = scale, next = place + 1;
    else
      setting.reset();
  }
  settings_.push_back(std::move(setting));
}

void CacheFile::take_page(const Section& section, ByteCursor cursor, const CacheIdentity& expected,
                          uint32_t most_pages) {
  const auto require = [&](bool holds, const char* what) {
    if (!holds) fail("page " + std::to_string(known_.size()) + ": " + what, section.at);
  };
  const auto parent = cursor.read<uint32_t>("a page's parent");
  const auto number = cursor.read<uint32_t>("a page's setting of adapters");
  const auto count = cursor.read<uint32_t>("a page's number of tokens");
  require(parent == kNoParent || (parent < known_.size() && known_[parent].full),
          "its parent is not a full page before it");
  require(number <= settings_.size(), "its setting of adapters is not before it");
  require(parent == kNoParent || known_[parent].setting == number, "its setting of adapters is not its parent's");
  require(count > 0 && count <= expected.page_size, "it has no tokens, or too many");
  require(cursor.remaining() == count * (sizeof(int32_t) + expected.position_bytes),
          "its size is not that of its tokens");
  Page page{parent, {}, std::vector<int32_t>(count), section.at, section.length, before_, checksum_};
  std::memcpy(page.tokens.data(), cursor.take(count * sizeof(int32_t), "tokens").data(), count * sizeof(int32_t));
  for (const int32_t token : page.tokens)
    require(token >= 0 && static_cast<uint32_t>(token) < expected.vocabulary, "a token is not in the vocabulary");
  require(known_.size() < kNoParent - 1, "there are too many");
  content_.tokens += count;
  known_.push_back({.full = count == expected.page_size, .setting = number, .kept = {}});
  if (pages_.size() == most_pages || (number > 0 && !settings_[number - 1])) return;
  if (parent != kNoParent) {
    if (!known_[parent].kept) return;
    page.parent = *known_[parent].kept;
  }
  if (number > 0) page.setting = *settings_[number - 1];
  known_.back().kept = static_cast<uint32_t>(pages_.size());
  pages_.push_back(std::move(page));
}

void CacheFile::take_state(const Section& section, ByteCursor cursor, const CacheIdentity& expected,
                           uint32_t most_states) {
  const auto require = [&](bool holds, const char* what) {
    if (!holds) fail(std::string("a state: ") + what, section.at);
  };
  const auto count = cursor.read<uint32_t>("a state's number of tokens");
  require(count > 0 && count <= content_.tokens, "it has no tokens, or more than all pages");
  require(cursor.remaining() == count * sizeof(int32_t) + expected.state_values * sizeof(float),
          "its size is not that of its tokens and values");
  State state{std::vector<int32_t>(count), section.at, section.length, before_, checksum_};
  std::memcpy(state.tokens.data(), cursor.take(count * sizeof(int32_t), "tokens").data(), count * sizeof(int32_t));
  for (const int32_t token : state.tokens)
    require(token >= 0 && static_cast<uint32_t>(token) < expected.vocabulary, "a token is not in the vocabulary");
  if (states_.size() < most_states) states_.push_back(std::move(state));
}

// The part's section with its head.
template <class Part>
void CacheFile::read_again(const Part& part, std::vector<std::byte>& buffer) const {
  buffer.resize(kSectionHeadBytes + part.length);
  try {
    bytes_.read(part.at, buffer);
  } catch (const FileError& error) {
    throw Error(ErrorCode::bad_cache, error.what());
  }
  if (checksum_of(part.before, buffer) != part.checksum) fail("the file was changed while it was read", part.at);
}

std::vector<float> CacheFile::read(const State& state) const {
  std::vector<std::byte> buffer;
  read_again(state, buffer);
  const auto content = std::span<const std::byte>(buffer).subspan(kSectionHeadBytes + kStateHeadBytes +
                                                                  state.tokens.size() * sizeof(int32_t));
  std::vector<float> values(content.size() / sizeof(float));
  std::memcpy(values.data(), content.data(), content.size());
  return values;
}

std::span<const std::byte> CacheFile::read(const Page& page, std::vector<std::byte>& buffer) const {
  read_again(page, buffer);
  const auto content = std::span<const std::byte>(buffer);
  return content.subspan(kSectionHeadBytes + kPageHeadBytes + page.tokens.size() * sizeof(int32_t));
}

}  // namespace hearth
