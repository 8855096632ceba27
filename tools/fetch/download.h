// One file into the store: in several connections at once, going on where it was cut, and checked before it has a name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "tools/fetch/settings.h"
#include "tools/store/store.h"

namespace hearth::fetch {

struct RemoteFile {
  std::string name;  // for messages
  std::string url;
  std::string token;   // told to the address's own origin
  uint64_t size = 0;   // bytes
  std::string sha256;  // empty: what comes is taken as it is
  std::string etag;    // what tells this content from another where there is no hash; empty: not known
};

// All are called in the thread that asked, ten times a second.
struct Watcher {
  std::function<void(uint64_t done)> on_bytes = [](uint64_t) {};  // bytes of this file that are there
  std::function<void(uint64_t read)> on_check = [](uint64_t) {};  // bytes that have been read to check them
  std::function<void()> on_wait = [] {};                          // another process is fetching it
  // Looks at a file that is whole and has the right hash before it has a name; where it throws, the file is thrown
  // away.
  std::function<void(const std::filesystem::path&)> accept = [](const std::filesystem::path&) {};
  std::function<bool()> interrupted = [] { return false; };
};

// Which file of the store's a file is until it is whole: KEY.partial.
std::string partial_key(const RemoteFile& file);

// The size and the etag of a file of which nothing is known. Throws Error where it cannot be had or does not say them.
RemoteFile ask_for_file(const std::string& url, const Settings& settings, const std::function<bool()>& interrupted);

// Fetches the file unless it is there, and gives its SHA-256. Throws Error: where it cannot be had, and where its hash
// is not the one that was announced (nothing is kept then); Interrupted. What has come stays for the next time.
std::string download(const RemoteFile& file, const store::Store& store, const Settings& settings,
                     const Watcher& watcher);

// Fetches only its first bytes, as the beginning of a download, and gives the path of the file that holds them; behind
// them it has its whole size. The path of the whole file where that is there.
std::filesystem::path download_beginning(const RemoteFile& file, uint64_t bytes, const store::Store& store,
                                         const Settings& settings, const Watcher& watcher);

// Throws away what has come of a file that is not wanted after all.
void forget(const RemoteFile& file, const store::Store& store);

}  // namespace hearth::fetch
