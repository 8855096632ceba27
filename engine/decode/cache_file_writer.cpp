// Writing pages of a cache to a file.
#include "engine/decode/cache_file.h"
#include "engine/decode/cache_sections.h"
#include "formats/error.h"

namespace hearth {
namespace {

// The path, where writing to it takes nothing from anybody: it is free, empty, or begins as our files do.
const std::filesystem::path& replaceable(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error) || std::filesystem::file_size(path, error) == 0) return path;
  const CacheBytes bytes = open_cache_bytes(path);
  char begin[kCacheMagic.size()];
  const std::string_view text(begin, std::min<uint64_t>(sizeof begin, bytes.size));
  bytes.read(0, std::as_writable_bytes(std::span(begin)).first(text.size()));
  if (!kCacheMagic.starts_with(text))
    throw Error(ErrorCode::other_cache,
                bytes.name + ": is there already and is no cache that Hearth wrote, so it is left as it is");
  return path;
}

template <class Action>
auto with_cache_errors(Action&& action) -> decltype(action()) {
  try {
    return action();
  } catch (const FileError& error) {
    throw Error(ErrorCode::bad_cache, error.what());
  }
}

}  // namespace

CacheFileWriter::CacheFileWriter(const std::filesystem::path& path, const CacheIdentity& identity)
    : file_(with_cache_errors([&] { return FileReplacement(replaceable(path)); })), adapters_(identity.adapters) {
  put(std::as_bytes(std::span(kCacheMagic)));
  put_value(kCacheVersion);
  put_value(uint32_t{0});
  checksum_ = Checksum(checksum_.value());
  const std::string name = identity.name.substr(0, kLongestCacheText);
  const size_t numbers = 6 * sizeof(uint32_t) + 5 * sizeof(uint64_t);
  begin(kIdentitySection, numbers + name.size() + identity.arithmetic.size());
  put_value(identity.model);
  put_value(identity.angles);
  for (const std::string* text : {&name, &identity.arithmetic}) {
    put_value(uint64_t{text->size()});
    put(std::as_bytes(std::span(*text)));
  }
  put_value(static_cast<uint32_t>(identity.kv_type));
  for (const uint32_t number :
       {identity.layers, identity.key_width, identity.value_width, identity.vocabulary, identity.page_size})
    put_value(number);
  put_value(identity.position_bytes);
  end();
}

uint32_t CacheFileWriter::number_of(const std::vector<float>& setting) {
  if (setting.empty()) return 0;
  const auto [place, is_new] = settings_.try_emplace(setting, static_cast<uint32_t>(settings_.size()) + 1);
  if (!is_new) return place->second;
  const auto used =
      static_cast<uint32_t>(std::count_if(setting.begin(), setting.end(), [](float x) { return x != 0; }));
  begin(kSettingSection, sizeof used + used * (sizeof(uint64_t) + sizeof(float)));
  put_value(used);
  for (size_t i = 0; i < setting.size(); ++i)
    if (setting[i] != 0) {
      put_value(adapters_.at(i));
      put_value(setting[i]);
    }
  end();
  return place->second;
}

void CacheFileWriter::add(uint32_t parent, std::span<const int32_t> tokens, std::span<const std::byte> content,
                          const std::vector<float>& setting) {
  const uint32_t number = number_of(setting);
  begin(kPageSection, 3 * sizeof(uint32_t) + tokens.size_bytes() + content.size());
  put_value(parent);
  put_value(number);
  put_value(static_cast<uint32_t>(tokens.size()));
  put(std::as_bytes(tokens));
  put(content);
  end();
  ++pages_;
  tokens_ += tokens.size();
}

void CacheFileWriter::add_state(std::span<const int32_t> tokens, std::span<const float> values) {
  begin(kStateSection, sizeof(uint32_t) + tokens.size_bytes() + values.size_bytes());
  put_value(static_cast<uint32_t>(tokens.size()));
  put(std::as_bytes(tokens));
  put(std::as_bytes(values));
  end();
}

CacheContent CacheFileWriter::finish() {
  begin(kEndSection, 2 * sizeof(uint64_t));
  put_value(uint64_t{pages_});
  put_value(tokens_);
  end();
  with_cache_errors([&] { file_.finish(); });
  return {.tokens = tokens_, .bytes = file_.written()};
}

void CacheFileWriter::begin(uint32_t type, uint64_t length) {
  put_value(type);
  put_value(uint32_t{0});
  put_value(length);
}

void CacheFileWriter::put(std::span<const std::byte> bytes) {
  checksum_.add(bytes);
  with_cache_errors([&] { file_.write(bytes); });
}

void CacheFileWriter::end() {
  const uint64_t checksum = checksum_.value();
  put_value(checksum);
  checksum_ = Checksum(checksum);
}

}  // namespace hearth
