// Which experts a row uses, and which rows an expert is used by.
#include "kernels/cuda/activation.h"
#include "kernels/cuda/batch.h"
#include "kernels/cuda/expert_tiles.h"
#include "kernels/cuda/reduce.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::cuda {

constexpr uint32_t kRouteThreads = 64;
constexpr float kClosed = -3.0e38f;

// The place of the largest of values[count], the first of several, the same for all threads.
HEARTH_DEVICE uint32_t largest_of(Global<float> values, uint32_t count) {
  HEARTH_SHARED(float, kRouteThreads, best_values);
  HEARTH_SHARED(uint32_t, kRouteThreads, best_places);
  float best = kClosed;
  uint32_t place = count;
  for (uint32_t i = thread_index(); i < count; i += kRouteThreads) {
    const float value = values[i];
    if (value > best) {
      best = value;
      place = i;
    }
  }
  best_values[thread_index()] = best;
  best_places[thread_index()] = place;
  sync_block();
  for (uint32_t i = 0; i < kRouteThreads; ++i) {
    const float value = best_values[i];
    const uint32_t where = best_places[i];
    if (value > best || (value == best && where < place)) {
      best = value;
      place = where;
    }
  }
  sync_block();
  return min(place, count - 1);
}

// Of each group the sum of its two largest scores; only the best groups' experts stay open.
HEARTH_DEVICE void close_groups(Global<float> scores, const gpu::RouteParameters& p) {
  const auto sums = scores + p.count;
  const uint32_t size = p.count / p.groups;
  for (uint32_t g = thread_index(); g < p.groups; g += kRouteThreads) {
    float first = kClosed, second = kClosed;
    for (uint32_t i = g * size; i < (g + 1) * size; ++i) {
      const float value = scores[i];
      second = max(second, min(first, value));
      first = max(first, value);
    }
    sums[g] = size > 1 ? first + second : first;
  }
  sync_block();
  for (uint32_t chosen = 0; chosen < p.groups_used; ++chosen) {
    const uint32_t best = largest_of(sums, p.groups);
    if (thread_index() == 0) sums[best] = kClosed;  // marks it as chosen
    sync_block();
  }
  for (uint32_t i = thread_index(); i < p.count; i += kRouteThreads)
    if (sums[i / size] != kClosed) scores[i] = kClosed;
  sync_block();
}

// Chooses the experts of a row by the router's products: a block each. Equal scores: the lower number.
HEARTH_DEVICE void route(const gpu::RouteParameters& p, const Constants&) {
  const uint32_t row = block_index().y, thread = thread_index();
  if (row >= BatchWords(p.batch).word(p.rows_at)) return;
  const auto probabilities = floats_at(p.products, static_cast<uint64_t>(row) * p.count);
  const auto scores = floats_at(p.scores, static_cast<uint64_t>(row) * (p.count + p.groups));
  float top = 0, sum = 1;
  if (p.softmax != 0) {
    top = kClosed;
    for (uint32_t i = thread; i < p.count; i += kRouteThreads) top = max(top, static_cast<float>(probabilities[i]));
    top = block_max<kRouteThreads>(top);
    sum = 0;
    for (uint32_t i = thread; i < p.count; i += kRouteThreads) sum += exp(probabilities[i] - top);
    sum = block_sum<kRouteThreads>(sum);
  }
  for (uint32_t i = thread; i < p.count; i += kRouteThreads) {
    const float product = probabilities[i];
    const float probability = p.softmax != 0 ? exp(product - top) / sum : sigmoid(product);
    probabilities[i] = probability;
    scores[i] = p.selection_bias != 0 ? probability + read<float>(p.selection_bias, i) : probability;
  }
  sync_block();
  if (p.groups > 1) close_groups(scores, p);
  const auto chosen = floats_at(p.out, static_cast<uint64_t>(row) * 2 * p.used);
  float weights = 0;
  for (uint32_t e = 0; e < p.used; ++e) {
    const uint32_t best = largest_of(scores, p.count);
    weights += probabilities[best];
    if (thread == 0) {
      chosen[e] = static_cast<float>(best);
      scores[best] = kClosed;
    }
    sync_block();
  }
  const float factor = p.scale / (p.normalised != 0 ? weights : 1.0f);
  if (thread != 0) return;
  for (uint32_t e = 0; e < p.used; ++e) chosen[p.used + e] = probabilities[static_cast<uint32_t>(chosen[e])] * factor;
}
HEARTH_KERNEL(route, kRouteThreads, gpu::RouteParameters, route)

constexpr uint32_t kListThreads = 256;

// Lists the pairs of rows and their experts by expert, in tiles for products of many rows. One block.
HEARTH_DEVICE void expert_tiles(const gpu::ExpertTilesParameters& p, const Constants&) {
  HEARTH_SHARED(uint32_t, gpu::kMostExperts, places);  // of each expert: its pairs, then where the next of them goes
  const uint32_t t = thread_index(), pairs = BatchWords(p.batch).word(Header::rows) * p.used;
  const auto tiles = global<uint32_t>(p.tiles);
  const auto expert_of = [&](uint32_t pair) {
    return static_cast<uint32_t>(
        read<float>(p.route, static_cast<uint64_t>(pair / p.used) * 2 * p.used + pair % p.used));
  };
  for (uint32_t e = t; e < p.experts; e += kListThreads) places[e] = 0u;
  sync_block();
  for (uint32_t pair = t; pair < pairs; pair += kListThreads) atomic_add(places + expert_of(pair), 1u);
  sync_block();
  if (t == 0) {
    uint32_t begin = 0, count = 0;
    for (uint32_t e = 0; e < p.experts; ++e) {
      const uint32_t end = begin + places[e];
      places[e] = begin;
      for (; begin < end; begin += min(kTileColumns, end - begin)) {
        const uint32_t tile = kExpertTiles + 3 * count++;
        tiles[tile] = e;
        tiles[tile + 1] = begin;
        tiles[tile + 2] = min(kTileColumns, end - begin);
      }
    }
    tiles[0] = count;
  }
  sync_block();
  const uint32_t list = kExpertTiles + 3 * gpu::most_tiles(pairs, p.experts);
  for (uint32_t pair = t; pair < pairs; pair += kListThreads)
    tiles[list + atomic_add(places + expert_of(pair), 1u)] = pair;
}
HEARTH_KERNEL(expert_tiles, kListThreads, gpu::ExpertTilesParameters, expert_tiles)

}  // namespace hearth::cuda
