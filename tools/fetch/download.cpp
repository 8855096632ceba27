// Fetch, check, name.
#include "tools/fetch/download.h"

#include <algorithm>

#include "hearth/hearth.h"
#include "tools/audit/digest.h"
#include "tools/fetch/patience.h"
#include "tools/fetch/pieces.h"
#include "tools/fetch/transfer.h"
#include "tools/fetch/url.h"
#include "tools/store/partial_file.h"

namespace hearth::fetch {
namespace {

// Ours alone, whoever else fetches the same.
class Downloading {
 public:
  Downloading(const RemoteFile& file, const store::Store& store, const Watcher& watcher)
      : partial_(store.partial_path(partial_key(file)), file.size, [&watcher] {
          watcher.on_wait();
          if (watcher.interrupted()) throw Interrupted("interrupted");
        }) {}
  store::PartialFile& operator*() { return partial_; }
  store::PartialFile* operator->() { return &partial_; }

 private:
  store::PartialFile partial_;
};

bool is_there(const RemoteFile& file, const store::Store& store) {
  return !file.sha256.empty() && store.has_blob(file.sha256, file.size);
}

}  // namespace

std::string partial_key(const RemoteFile& file) {
  // Without a hash, another content must not go on where this one ended.
  return file.sha256.empty() ? "url-" + audit::sha256(file.url + "\n" + file.etag + "\n" + std::to_string(file.size))
                             : "sha256-" + file.sha256;
}

RemoteFile ask_for_file(const std::string& url, const Settings& settings, const std::function<bool()>& interrupted) {
  RemoteFile file;
  file.name = shown_url(url);
  file.url = url;
  Getter getter(settings);
  Patience patience(settings, file.name);
  const Ask ask{url, "*/*", "", store::Range{0, 1}};
  for (;;) {
    std::optional<Head> answer;
    Receiver receiver;
    receiver.on_head = [&](const Head& head) {
      answer = head;
      return false;  // of an answer to a range there is no more than a byte; of another one nothing is wanted
    };
    receiver.on_bytes = [](std::string_view) { return false; };
    receiver.unwanted = interrupted;
    const Outcome outcome = getter.get(ask, receiver);
    if (interrupted()) throw Interrupted("interrupted");
    if (answer) {
      if (!answer->size || *answer->size == 0)
        throw Error(ErrorCode::bad_model, file.name + ": the server does not say how large the file is");
      file.size = *answer->size;
      file.etag = answer->etag;
      return file;
    }
    patience.failed(outcome, ask, interrupted);
  }
}

std::string download(const RemoteFile& file, const store::Store& store, const Settings& settings,
                     const Watcher& watcher) {
  if (is_there(file, store)) return file.sha256;
  Downloading partial(file, store, watcher);
  if (is_there(file, store)) {  // fetched by somebody else while we waited
    partial->discard();
    return file.sha256;
  }
  Pieces(file, file.size, *partial, settings).fetch(watcher);
  const std::string hash = partial->sha256([&](uint64_t read) {
    watcher.on_check(read);
    if (watcher.interrupted()) throw Interrupted("interrupted");
  });
  if (!file.sha256.empty() && hash != file.sha256) {
    partial->discard();
    throw Error(ErrorCode::bad_model, file.name + ": what came has the SHA-256 " + hash + " instead of " + file.sha256 +
                                          "; it was thrown away");
  }
  try {
    watcher.accept(partial->path());
  } catch (...) {
    partial->discard();
    throw;
  }
  partial->finish(store.blob_path(hash));
  return hash;
}

std::filesystem::path download_beginning(const RemoteFile& file, uint64_t bytes, const store::Store& store,
                                         const Settings& settings, const Watcher& watcher) {
  if (is_there(file, store)) return store.blob_path(file.sha256);
  Downloading partial(file, store, watcher);
  if (is_there(file, store)) {
    partial->discard();
    return store.blob_path(file.sha256);
  }
  Pieces(file, std::min(bytes, file.size), *partial, settings).fetch(watcher);
  return partial->path();
}

void forget(const RemoteFile& file, const store::Store& store) { Downloading(file, store, {})->discard(); }

}  // namespace hearth::fetch
