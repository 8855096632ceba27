// libFuzzer target: any text as a name, a listing, a manifest, an entry of the store and a record of ranges is taken or
// refused in one line, and what is taken is sound.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "hearth/hearth.h"
#include "tools/fetch/choice.h"
#include "tools/fetch/listing.h"
#include "tools/fetch/manifest.h"
#include "tools/fetch/url.h"
#include "tools/store/entry.h"
#include "tools/store/model_name.h"
#include "tools/store/ranges.h"

namespace {

void demand_that(bool holds) {
  if (!holds) __builtin_trap();
}

template <class Read>
void taken_or_refused(Read read) {
  try {
    read();
  } catch (const hearth::Error& error) {
    demand_that(std::string_view(error.what()).find('\n') == std::string_view::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  taken_or_refused([&] {
    const auto name = store::parse_model_name(text);
    if (!name) return;
    const std::string stored = store::store_name(*name);
    const auto again = store::parse_model_name(stored);
    demand_that(again && store::store_name(*again) == stored);
  });
  taken_or_refused([&] {
    std::vector<fetch::ListedFile> files;
    fetch::read_listing(text, "it", files);
    const auto candidates = fetch::find_candidates(files);
    for (const fetch::Candidate& candidate : candidates) demand_that(!candidate.files.empty());
    const fetch::Choice choice = fetch::choose(candidates, "", std::nullopt, uint64_t{8} << 30, "it");
    demand_that(choice.candidate != nullptr && choice.reason.find('\n') == std::string::npos);
  });
  taken_or_refused([&] { demand_that(store::is_sha256(fetch::read_manifest(text, "it").model.sha256)); });
  taken_or_refused([&] {
    const store::Entry entry = store::read_entry(text, "it");
    demand_that(to_json(store::read_entry(to_json(entry), "it")) == to_json(entry));
  });
  if (const auto set = store::read_ranges(text, 1 << 20)) {
    demand_that(set->bytes() <= 1 << 20 && store::read_ranges(to_text(*set), 1 << 20)->ranges() == set->ranges());
    uint64_t missing = 0;
    for (const store::Range& range : set->missing(1 << 20)) missing += range.size();
    demand_that(missing + set->bytes() == 1 << 20);
  }
  demand_that(fetch::next_link(text).size() <= size && fetch::shown_url(text).find('\n') == std::string::npos);
  fetch::origin_of(text);
  fetch::quantization_of(text);
  return 0;
}
