// Names, origins and keys that are let in.
#include "tools/serve/access.h"

#include <gtest/gtest.h>

namespace hearth::serve {
namespace {

TEST(Access, LoopbackAddressesAreKnown) {
  for (const char* address : {"127.0.0.1", "127.255.0.9", "::1"}) EXPECT_TRUE(is_loopback(address)) << address;
  for (const char* address : {"0.0.0.0", "::", "10.0.0.1", "127.0.0.1.nip.io", "127.0.0", "localhost", ""})
    EXPECT_FALSE(is_loopback(address)) << address;
}

TEST(Access, HostsAreNamesWithOrWithoutAPort) {
  AccessRules rules{.hosts = {"Hearth.example"}};
  for (const char* host : {"localhost", "localhost:1", "127.0.0.1:80", "[::1]", "[::1]:80", "hearth.EXAMPLE:7"})
    EXPECT_TRUE(host_allowed(host, rules)) << host;
  for (const char* host :
       {"", "localhost:80:80", "localhost:x", "[::1", "::1", "[::1]x", "other.example", "a@localhost"})
    EXPECT_FALSE(host_allowed(host, rules)) << host;
  EXPECT_FALSE(host_allowed("10.0.0.1", rules));
  rules.addresses = true;
  for (const char* host : {"10.0.0.1:80", "[fe80::1]"}) EXPECT_TRUE(host_allowed(host, rules)) << host;
  EXPECT_FALSE(host_allowed("10.0.0.1.nip.io", rules));
}

TEST(Access, OriginsAreLoopbackOrNamed) {
  const AccessRules rules{.origins = {"app://editor"}};
  for (const char* origin : {"", "http://localhost", "https://127.0.0.1:5173", "app://editor"})
    EXPECT_TRUE(origin_allowed(origin, rules)) << origin;
  for (const char* origin :
       {"null", "http://localhost@evil.example", "ftp://localhost", "app://editor.evil", "localhost"})
    EXPECT_FALSE(origin_allowed(origin, rules)) << origin;
  EXPECT_TRUE(origin_allowed("https://any.example", {.origins = {"*"}}));
}

TEST(Access, PagesOfTheServerItselfMayAsk) {
  EXPECT_TRUE(same_origin("http://box.lan:11435", "box.lan:11435"));
  EXPECT_TRUE(same_origin("https://Box.lan", "box.lan"));
  for (const char* origin : {"", "null", "http://box.lan", "http://box.lan:1", "http://evil.example", "box.lan:11435"})
    EXPECT_FALSE(same_origin(origin, "box.lan:11435")) << origin;
  EXPECT_FALSE(same_origin("http://", ""));
}

TEST(Access, KeysMustBeTheSame) {
  const AccessRules rules{.keys = {"abc"}};
  EXPECT_TRUE(key_allowed("Bearer abc", "", rules));
  EXPECT_TRUE(key_allowed("", "abc", rules));
  for (const char* key : {"", "ab", "abcabc", "abcd", "ABC", "abb"}) {
    EXPECT_FALSE(key_allowed(std::string("Bearer ") + key, "", rules)) << key;
    EXPECT_FALSE(key_allowed("", key, rules)) << key;
  }
  EXPECT_FALSE(key_allowed("Basic abc", "", rules));
  EXPECT_TRUE(key_allowed("", "", {}));
}

}  // namespace
}  // namespace hearth::serve
