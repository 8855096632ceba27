// From a name to an entry of the store.
#include "tools/fetch/pull.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>

#include "tools/fetch/choice.h"
#include "tools/fetch/download.h"
#include "tools/fetch/memory.h"
#include "tools/fetch/patience.h"
#include "tools/fetch/sources.h"
#include "tools/fetch/url.h"
#include "tools/store/find_model.h"
#include "tools/store/partial_file.h"
#include "tools/store/size_text.h"

namespace hearth::fetch {
namespace {

using store::size_text;

constexpr uint64_t kBeginnings[] = {8 << 20,
                                    48 << 20};  // bytes: metadata of most models, and of those with large vocabularies

// What is to be fetched for a name.
struct Plan {
  std::string name, origin, quantization;
  std::vector<RemoteFile> files, papers;
};

std::string time_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

void require_model(const std::filesystem::path& path) {
  const Kind kind = kind_of(path);
  if (!kind.why_not.empty())
    throw Error(ErrorCode::bad_model, "what came is no model, and was thrown away: " + kind.why_not);
}

class Pulling {
 public:
  Pulling(const store::Store& store, const PullOptions& options)
      : store_(store), options_(options), budget_(options.memory != 0 ? options.memory : machine_budget()) {}

  store::Entry run(const store::ModelName& name) {
    const auto begin = std::chrono::steady_clock::now();
    Plan plan = std::visit([this](const auto& one) { return plan_for(one); }, name);
    if (!options_.as.empty()) plan.name = options_.as;
    require_space(plan);
    store::Entry entry = fetch(plan);
    store_.add(entry);
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.1f s",
                  std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    options_.say(entry.name + " is there: " + size_text(entry.bytes()) + " after " + seconds);
    return entry;
  }

 private:
  Plan plan_for(const store::HubName& name) {
    const std::string where = store::store_name(store::HubName{name.owner, name.repo, name.revision, "", ""});
    const std::vector<ListedFile> files = list_repository(name, options_.settings, options_.interrupted);
    std::vector<Candidate> candidates = find_candidates(files);
    if (!name.file.empty()) {
      std::erase_if(candidates, [&](const Candidate& one) {
        return std::ranges::none_of(one.files, [&](const ListedFile& file) { return file.path == name.file; });
      });
      if (candidates.empty()) throw Error(ErrorCode::invalid_argument, where + " has no model '" + name.file + "'");
    }
    const std::optional<Overhead> overhead = look_into(name, candidates);
    const Choice choice = name.file.empty()
                              ? choose(candidates, name.quantization, overhead, budget_, where)
                              : Choice{&candidates[0], memory_text(candidates[0].bytes(), overhead, budget_)};
    const Candidate& chosen = *choice.candidate;
    Plan plan{where, hub_page(name, options_.settings), chosen.quantization, {}, {}};
    plan.name +=
        !name.file.empty() || chosen.quantization.empty() ? "/" + chosen.files.front().path : ":" + chosen.quantization;
    for (const ListedFile& file : chosen.files) plan.files.push_back(hub_file(name, file, options_.settings));
    options_.say(plan.name + ": " + choice.reason);
    if (probed_ && std::ranges::none_of(plan.files, [&](const RemoteFile& file) { return file.url == probed_->url; }))
      forget(*probed_, store_);
    return plan;
  }

  Plan plan_for(const store::RegistryName& name) {
    const Manifest manifest = fetch_manifest(name, options_.settings, options_.interrupted);
    Plan plan{store::store_name(name), manifest_url(name, options_.settings), "", {}, {}};
    plan.files.push_back(registry_file(name, manifest.model, options_.settings));
    for (const Layer& paper : manifest.papers) plan.papers.push_back(registry_file(name, paper, options_.settings));
    for (const std::string& kind : manifest.left_out)
      options_.say(plan.name + ": its part '" + kind + "' is of no use here and is left out");
    say_memory(plan);
    return plan;
  }

  Plan plan_for(const store::UrlName& name) {
    RemoteFile file = ask_for_file(name.url, options_.settings, options_.interrupted);
    file.sha256 = name.sha256;
    if (!file.sha256.empty()) file.etag.clear();  // the hash tells more
    Plan plan{store::store_name(name), shown_url(name.url), quantization_of(shown_url(name.url)), {file}, {}};
    say_memory(plan);
    return plan;
  }

  // Fetches as much of a file as tells what it needs. What may go wrong goes wrong again, and with more to say, when
  // all of it is fetched.
  Foresight probe(const RemoteFile& file) {
    Foresight foresight;
    for (const uint64_t bytes : kBeginnings) {
      Watcher watcher;
      watcher.interrupted = options_.interrupted;
      watcher.on_bytes = [&](uint64_t done) { options_.on_step({Step::fetching, done, file.size}); };
      watcher.on_wait = [&] { options_.on_step({Step::waiting, 0, file.size}); };
      const auto path = download_beginning(file, bytes, store_, options_.settings, watcher);
      foresight = foresee(path, std::min(bytes, file.size), options_.engine);
      if (foresight.enough || bytes >= file.size) break;
    }
    return foresight;
  }

  // What a model of the repository takes besides its weights: that is the same for all its quantisations.
  std::optional<Overhead> look_into(const store::HubName& name, const std::vector<Candidate>& candidates) {
    const std::string wanted = name.quantization.empty() ? "Q4_K_M" : name.quantization;
    const Candidate* found = nullptr;
    for (const Candidate& candidate : candidates)  // parts of a split model cannot be read one by one
      if (candidate.files.size() == 1 && (found == nullptr || candidate.quantization == wanted)) found = &candidate;
    if (found == nullptr) return std::nullopt;
    const RemoteFile file = hub_file(name, found->files.front(), options_.settings);
    if (store::PartialFile::recorded(store_.partial_path(partial_key(file)), file.size) == 0 &&
        (file.sha256.empty() || !store_.has_blob(file.sha256, file.size)))
      probed_ = file;
    const Foresight foresight = probe(file);
    say_why_not(file.name, foresight);
    return foresight.overhead;
  }

  void say_memory(const Plan& plan) {
    const RemoteFile& file = plan.files.front();
    require_space(plan);
    const Foresight foresight = probe(file);
    say_why_not(plan.name, foresight);
    options_.say(plan.name + ": " + memory_text(file.size, foresight.overhead, budget_) +
                 (memory_of(file.size, foresight.overhead) > budget_ ? ", which is too little" : ""));
  }

  void say_why_not(const std::string& name, const Foresight& foresight) const {
    if (!foresight.why_not.empty()) options_.say(name + ": cannot be run here: " + foresight.why_not);
  }

  void require_space(const Plan& plan) const {
    uint64_t needed = 0;
    for (const auto* files : {&plan.files, &plan.papers})
      for (const RemoteFile& file : *files)
        if (file.sha256.empty() || !store_.has_blob(file.sha256, file.size))
          needed += file.size - std::min(file.size, store::PartialFile::recorded(store_.partial_path(partial_key(file)),
                                                                                 file.size));
    const uint64_t free = options_.free_bytes ? options_.free_bytes() : store_.free_bytes();
    if (needed > free)
      throw Error(ErrorCode::bad_model, plan.name + " needs " + size_text(needed) + " of disk, but '" +
                                            store_.folder().string() + "' has " + size_text(free) +
                                            "; `hearth rm` frees some, and HEARTH_MODELS names another folder");
  }

  store::Entry fetch(const Plan& plan) {
    store::Entry entry;
    entry.name = plan.name;
    entry.origin = plan.origin;
    entry.vouched = std::ranges::none_of(plan.files, [](const RemoteFile& file) { return file.sha256.empty(); });
    uint64_t total = 0, before = 0;
    for (const RemoteFile& file : plan.files) total += file.size;
    for (const RemoteFile& file : plan.files) {
      Watcher watcher;
      watcher.interrupted = options_.interrupted;
      watcher.on_bytes = [&](uint64_t done) { options_.on_step({Step::fetching, before + done, total}); };
      watcher.on_check = [&](uint64_t done) { options_.on_step({Step::checking, before + done, total}); };
      watcher.on_wait = [&] { options_.on_step({Step::waiting, before, total}); };
      // Without a hash, anything may have come: a page that asks for a password, for one.
      if (file.sha256.empty() && plan.files.size() == 1) watcher.accept = require_model;
      entry.files.push_back({file.name, download(file, store_, options_.settings, watcher), file.size});
      before += file.size;
    }
    Watcher silent;
    silent.interrupted = options_.interrupted;
    for (const RemoteFile& paper : plan.papers)
      entry.papers.push_back({paper.name, download(paper, store_, options_.settings, silent), paper.size});
    tell_kind(plan, entry);
    entry.pulled = time_now();
    return entry;
  }

  void tell_kind(const Plan& plan, store::Entry& entry) const {
    const Kind kind = kind_of(store_.model_path(entry));
    entry.architecture = kind.architecture;
    entry.quantization = plan.quantization.empty() ? kind.quantization : plan.quantization;
    const auto is_template = [](const RemoteFile& paper) { return paper.name == "template"; };
    if (!kind.why_not.empty())
      options_.say(entry.name + ": cannot be read: " + kind.why_not);
    else if (!kind.has_chat_template && std::ranges::any_of(plan.papers, is_template))
      options_.say(entry.name +
                   ": its chat template is in Ollama's language only, which is not spoken here: it completes "
                   "text, but does not talk");
    if (!entry.vouched)
      options_.say(entry.name + ": nobody said its hash beforehand; what came has the SHA-256 " +
                   entry.files.front().sha256);
  }

  const store::Store& store_;
  const PullOptions& options_;
  uint64_t budget_;
  std::optional<RemoteFile> probed_;  // whose beginning was fetched only to look into it
};

}  // namespace

store::Entry pull(const store::ModelName& name, const store::Store& store, const PullOptions& options) {
  try {
    return Pulling(store, options).run(name);
  } catch (const Interrupted&) {
    throw Interrupted("stopped; what has come is kept, and `hearth pull " + store::store_name(name) +
                      "` goes on from there");
  }
}

std::filesystem::path find_or_pull(const std::string& text, const PullOptions& options) {
  const auto name = store::parse_model_name(text);
  if (text.empty() || store::exists(text) || !name) return text;
  const store::Store store;
  if (const auto entry = store.find(text)) return store.model_path(*entry);
  if (store::is_below_a_folder(text)) return text;
  if (options.settings.offline)
    throw Error(ErrorCode::invalid_argument, "'" + text +
                                                 "' is no file and not in the store, and it is not fetched: "
                                                 "--offline, or a variable, says so");
  return store.model_path(pull(*name, store, options));
}

}  // namespace hearth::fetch
