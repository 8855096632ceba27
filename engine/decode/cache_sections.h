// The numbers that files of a cache begin with, and their sections are called by.
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth {

inline constexpr std::string_view kCacheMagic = "HEARTHKV";
inline constexpr uint32_t kCacheVersion = 1;
inline constexpr uint64_t kCacheHeaderBytes = 16, kSectionHeadBytes = 16;
inline constexpr uint32_t kIdentitySection = 1, kPageSection = 2, kEndSection = 3, kStateSection = 4;
inline constexpr uint32_t kSettingSection = 5;
inline constexpr size_t kLongestCacheText = 256;

}  // namespace hearth
