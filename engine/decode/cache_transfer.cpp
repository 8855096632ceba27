// Copying pages piece by piece, between the steps of a scheduler.
#include "engine/decode/cache_transfer.h"

#include <algorithm>
#include <utility>

#include "formats/error.h"

namespace hearth {
namespace {

constexpr uint64_t kBytesAtOnce = 16 << 20;  // a few milliseconds in which nobody's request goes on

size_t pages_at_once(const CacheIdentity& identity) {
  return std::max<uint64_t>(1, kBytesAtOnce / std::max<uint64_t>(1, identity.page_size * identity.position_bytes));
}

// Pages on their way into the cache.
class Restoring {
 public:
  Restoring(const CacheFile& file, const CacheIdentity& identity) : file_(file), identity_(identity) {}

  CacheContent run(Worker& worker) {
    const auto count = static_cast<uint32_t>(file_.pages().size());
    worker.call([&](Scheduler& scheduler) {
      begin_ = scheduler.cache().reserve_times(count);
      plans_lost_ = scheduler.plans_lost();
    });
    placed_.resize(count);
    std::vector<std::vector<std::byte>> buffers(std::min<size_t>(count, pages_at_once(identity_)));
    while (next_ < count && has_room_) {
      const size_t first = next_;
      contents_.clear();
      for (size_t i = first; i < std::min<size_t>(count, first + buffers.size()); ++i)
        contents_.push_back(file_.read(file_.pages()[i], buffers[i - first]));
      worker.call([&](Scheduler& scheduler) { place_all(scheduler); });
    }
    place_states(worker);
    return {.tokens = restored_, .bytes = file_.content().bytes, .left_out = file_.content().tokens - restored_};
  }

 private:
  // The file is of the device that the engine had at the begin; what another one computes may differ.
  bool is_other_device(const Scheduler& scheduler) const { return scheduler.plans_lost() != plans_lost_; }

  void place_all(Scheduler& scheduler) {
    if (is_other_device(scheduler)) {
      has_room_ = false;
      return;
    }
    for (const std::span<const std::byte> content : contents_) {
      if (!place(scheduler, content)) {
        has_room_ = false;
        return;
      }
      ++next_;
    }
  }

  // The last used one is in the file first, and is to be used last here.
  void place_states(Worker& worker) {
    for (size_t i = file_.states().size(); i-- > 0;) {
      const CacheFile::State& state = file_.states()[i];
      const std::vector<float> values = file_.read(state);
      worker.call([&](Scheduler& scheduler) {
        if (is_other_device(scheduler) || scheduler.cache().cached(state.tokens) != state.tokens.size()) return;
        const std::optional<uint32_t> place = scheduler.states().adopt(state.tokens);
        if (!place) return;
        try {
          scheduler.plan().write_state(*place, values);
        } catch (...) {
          scheduler.states().give_back(*place);
          throw;
        }
      });
    }
  }

  // False where there is no room for anything that follows.
  bool place(Scheduler& scheduler, std::span<const std::byte> content) {
    PrefixCache& cache = scheduler.cache();
    const CacheFile::Page& page = file_.pages()[next_];
    uint32_t parent = PrefixCache::kNoPage;
    if (page.parent != kNoParent) {
      // Requests may have taken it since, and with it the way to this one.
      const auto& before = placed_[page.parent];
      if (!before || !cache.holds(before->page, before->born, file_.pages()[page.parent].tokens)) return true;
      parent = before->page;
    }
    const uint64_t time = begin_ + file_.pages().size() - next_;
    const auto placed = cache.place(parent, page.setting, page.tokens, time, begin_);
    if (!placed) return false;
    try {
      if (placed->fresh) scheduler.plan().write_page(placed->page, static_cast<uint32_t>(page.tokens.size()), content);
    } catch (...) {
      cache.clear();  // nobody may find what was not written
      throw;
    }
    placed_[next_] = placed;
    restored_ += page.tokens.size();
    return true;
  }

  const CacheFile& file_;
  const CacheIdentity& identity_;
  uint64_t begin_ = 0, restored_ = 0, plans_lost_ = 0;
  size_t next_ = 0;
  bool has_room_ = true;
  std::vector<std::optional<PrefixCache::Placed>> placed_;  // by page of the file
  std::vector<std::span<const std::byte>> contents_;        // of the next ones
};

// Whether the file has pages of all these tokens, under no adapters. held: pages, each behind its parent; numbers:
// theirs in the file.
bool has_pages(const std::vector<PrefixCache::Held>& held, const std::vector<uint32_t>& numbers,
               std::span<const int32_t> tokens, uint32_t page_size) {
  uint32_t parent = PrefixCache::kNoPage;
  for (size_t i = 0; i < held.size() && !tokens.empty(); ++i) {
    const std::vector<int32_t>& page = held[i].tokens;
    if (numbers[i] == kNoParent || !held[i].setting.empty() || held[i].parent != parent) continue;
    const size_t size = std::min(page.size(), tokens.size());
    if (size < tokens.size() && size < page_size) continue;
    if (!std::equal(page.begin(), page.begin() + static_cast<ptrdiff_t>(size), tokens.begin())) continue;
    tokens = tokens.subspan(size);
    parent = static_cast<uint32_t>(i);
  }
  return tokens.empty();
}

// Those whose pages are in the file: while it is written, requests make others.
void save_states(Worker& worker, const CacheIdentity& identity, std::optional<std::span<const int32_t>> tokens,
                 const std::vector<PrefixCache::Held>& held, const std::vector<uint32_t>& numbers,
                 CacheFileWriter& writer) {
  std::vector<std::vector<int32_t>> copies;
  worker.call([&](Scheduler& scheduler) { copies = scheduler.states().held(tokens); });
  std::vector<float> values(identity.state_values);
  for (const std::vector<int32_t>& one : copies) {
    if (!has_pages(held, numbers, one, identity.page_size)) continue;
    bool copied = false;
    worker.call([&](Scheduler& scheduler) {
      const std::optional<uint32_t> place = scheduler.states().place_of(one);
      if (!place) return;
      scheduler.plan().read_state(*place, values);
      copied = true;
    });
    if (copied) writer.add_state(one, values);
  }
}

}  // namespace

CacheContent save_cache(Worker& worker, const CacheIdentity& identity, std::optional<std::span<const int32_t>> tokens,
                        const std::vector<float>& setting, const std::filesystem::path& path) {
  std::vector<PrefixCache::Held> held;
  worker.call([&](Scheduler& scheduler) {
    const PrefixCache& cache = scheduler.cache();
    held = tokens ? cache.held_of(*tokens, setting) : cache.all_held();
  });
  if (held.empty())
    throw Error(ErrorCode::invalid_argument,
                tokens ? "the cache holds nothing of these tokens" : "the cache holds nothing that could be saved");
  CacheFileWriter writer(path, identity);
  std::vector<uint32_t> numbers(held.size(), kNoParent);  // in the file
  const size_t at_once = std::min(held.size(), pages_at_once(identity));
  std::vector<std::byte> bytes(at_once * identity.page_size * identity.position_bytes);
  for (size_t begin = 0; begin < held.size();) {
    const size_t end = std::min(held.size(), begin + at_once);
    std::vector<std::pair<size_t, std::span<const std::byte>>> copied;  // place in the list, content
    worker.call([&](Scheduler& scheduler) {
      uint64_t used = 0;
      for (size_t i = begin; i < end; ++i) {
        const PrefixCache::Held& one = held[i];
        if (!scheduler.cache().holds(one.page, one.born, one.tokens)) continue;
        const auto to = std::span(bytes).subspan(used, one.tokens.size() * identity.position_bytes);
        scheduler.plan().read_page(one.page, static_cast<uint32_t>(one.tokens.size()), to);
        copied.emplace_back(i, to);
        used += to.size();
      }
    });
    for (const auto& [i, content] : copied) {
      const uint32_t parent = held[i].parent;
      if (parent != PrefixCache::kNoPage && numbers[parent] == kNoParent) continue;
      // Without a state, which is saved under no adapters only, nothing goes on from them.
      if (identity.state_values > 0 && !held[i].setting.empty()) continue;
      numbers[i] = writer.pages();
      writer.add(parent == PrefixCache::kNoPage ? kNoParent : numbers[parent], held[i].tokens, content,
                 held[i].setting);
    }
    begin = end;
  }
  if (identity.state_values > 0) save_states(worker, identity, tokens, held, numbers, writer);
  return writer.finish();
}

CacheContent load_cache(Worker& worker, const CacheIdentity& identity, const std::filesystem::path& path) {
  uint32_t pages = 0, states = 0;
  worker.call([&](Scheduler& scheduler) {
    pages = scheduler.cache().pages();
    states = scheduler.states().places();
  });
  try {
    const CacheFile file(open_cache_bytes(path), identity, pages, states);
    return Restoring(file, identity).run(worker);
  } catch (const FileError& error) {
    throw Error(ErrorCode::bad_cache, error.what());
  }
}

uint64_t clear_cache(Worker& worker) {
  uint64_t tokens = 0;
  worker.call([&](Scheduler& scheduler) {
    PrefixCache& cache = scheduler.cache();
    const auto count = [&] {
      uint64_t sum = 0;
      for (const PrefixCache::Held& one : cache.all_held()) sum += one.tokens.size();
      return sum;
    };
    const uint64_t before = count();
    cache.clear();
    scheduler.states().forget_copies();
    tokens = before - count();
  });
  return tokens;
}

}  // namespace hearth
