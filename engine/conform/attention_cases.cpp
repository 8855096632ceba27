// Attention and its cache: rope_kv and attend, for every type of the cache.
#include <algorithm>
#include <cmath>

#include "engine/conform/cases.h"
#include "engine/conform/products.h"

namespace hearth::conform {
namespace {

std::span<const float> values_of(const std::vector<float>& table, size_t width, int32_t token) {
  return std::span(table).subspan(static_cast<size_t>(token) * width, width);
}

double largest_of(std::span<const float> values) {
  double largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(double{value}));
  return largest;
}

uint32_t pages_for(const std::vector<uint32_t>& lengths, uint32_t page_size) {
  uint32_t pages = 2;  // that nobody uses
  for (const uint32_t length : lengths) pages += (length + page_size - 1) / page_size;
  return pages;
}

std::unique_ptr<Trial> cached_trial(Builder& builder, KvType cache, uint32_t page_size,
                                    const std::vector<uint32_t>& lengths, const std::vector<uint32_t>& chunks) {
  auto trial = std::make_unique<Trial>();
  uint32_t rows = 0;
  for (const uint32_t length : lengths) rows += length;
  trial->limits = {.rows = rows, .pages = pages_for(lengths, page_size), .page_size = page_size, .kv_type = cache};
  trial->text = random_text(lengths, trial->limits, builder.random());
  trial->chunks = chunks;
  trial->own = builder.take();
  return trial;
}

std::string list_text(const std::vector<uint32_t>& numbers) {
  std::string text;
  for (const uint32_t number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text;
}

std::string text_shape(const std::vector<uint32_t>& lengths, uint32_t page_size, const std::vector<uint32_t>& chunks) {
  return "sequences of " + list_text(lengths) + " in pages of " + std::to_string(page_size) + " by " +
         list_text(chunks);
}

struct TurnShape {
  uint32_t heads, kv_heads, head_size, value_size, pairs;
  RopeStyle style;
  uint32_t first, page_size;
  float temperature;
  const char* name;
};
constexpr TurnShape kTurns[] = {
    {4, 2, 16, 16, 8, RopeStyle::halves, 0, 16, 0, "halves"},
    {4, 1, 64, 64, 32, RopeStyle::adjacent, 0, 32, 0, "adjacent"},
    {3, 3, 13, 13, 5, RopeStyle::halves, 2, 7, 0, "halves, part of a head"},
    {6, 2, 48, 32, 17, RopeStyle::adjacent, 6, 1, 0.3f, "adjacent, part of a head, temperature"},
    {2, 1, 256, 128, 128, RopeStyle::halves, 0, 32, 0, "halves"},
    {4, 1, 96, 0, 16, RopeStyle::adjacent, 64, 16, 0, "adjacent, keys alone"},
};

std::unique_ptr<Trial> build_turn(const BuildContext& context, const TurnShape& shape, KvType cache, bool of_keys,
                                  const std::vector<uint32_t>& lengths, const std::vector<uint32_t>& chunks) {
  Builder builder(context);
  Program& program = builder.program();
  const uint32_t q_width = shape.heads * shape.head_size, k_width = shape.kv_heads * shape.head_size,
                 v_width = shape.kv_heads * shape.value_size;
  const Slot q = builder.input(q_width), k = builder.input(k_width), v = v_width > 0 ? builder.input(v_width) : kNoSlot;
  program.layers = 1;
  program.key_width = k_width;
  program.value_width = v_width;
  RopeTable table{.frequency = {}, .magnitude = 1.1};
  for (uint32_t i = 0; i < shape.pairs; ++i)
    table.frequency.push_back(std::pow(1000.0, -static_cast<double>(i) / shape.pairs));
  program.rope_tables.push_back(table);
  RopeKv op{q, k, v, 0, 0, shape.style, shape.head_size, shape.first, shape.temperature, 8};
  builder.add(op);
  builder.finish(of_keys ? k : q);
  const std::vector<float> q_values = decoded(program.weights[0]), k_values = decoded(program.weights[1]),
                           v_values = v_width > 0 ? decoded(program.weights[2]) : std::vector<float>();
  auto trial = cached_trial(builder, cache, shape.page_size, lengths, chunks);
  trial->cached_layer = 0;
  trial->bounds = [=](const Place& place, Precision, std::span<const float> expected, std::span<double> bound) {
    const double turn = std::ldexp(8.0 + place.position, -24);
    size_t at = 0;
    const auto turned = [&](std::span<const float> values, double factor, bool kept) {
      for (size_t begin = 0; begin < values.size(); begin += shape.head_size) {
        const double size = largest_of(values.subspan(begin, shape.head_size));
        for (uint32_t j = 0; j < shape.head_size; ++j, ++at) {
          bound[at] = 3 * turn * size * factor + kVanishing;
          if (kept && cache == KvType::f16) bound[at] += std::abs(double{expected[at]}) / 1000 + 6e-8;
        }
      }
    };
    const auto values = [&](const std::vector<float>& all, uint32_t width) {
      return values_of(all, width, place.token());
    };
    const double warm = 1 + double{shape.temperature} * std::log(1.0 + place.position / 8);
    turned(values(of_keys ? k_values : q_values, of_keys ? k_width : q_width), of_keys ? 1 : warm, false);
    const size_t keys = at;
    turned(values(k_values, k_width), 1, true);
    for (; at < bound.size(); ++at) bound[at] = kVanishing + (cache == KvType::f16 ? 6e-8 : 0.0);
    if (cache == KvType::q8_0)
      for (size_t i = keys; i < bound.size(); i += 32) {
        const double step = largest_of(expected.subspan(i, 32)) / 120;
        for (size_t j = i; j < i + 32; ++j) bound[j] += step;
      }
  };
  return trial;
}

void add_turns(CaseList& list) {
  const std::vector<uint32_t> lengths = {33, 1, 16, 40}, chunks = {40, 13, 1};
  for (const KvType cache : {KvType::f32, KvType::f16, KvType::q8_0})
    for (const TurnShape& shape : kTurns) {
      if (cache == KvType::q8_0 &&
          (shape.kv_heads * shape.head_size % 32 != 0 || shape.kv_heads * shape.value_size % 32 != 0))
        continue;
      for (const bool of_keys : {false, true}) {
        if (of_keys && &shape != &kTurns[0]) continue;  // the cache has the keys
        Case one{"rope_kv", FormatClass::none, Format::f32, cache};
        one.shape = joined({of_keys ? "keys" : "queries and cache",
                            std::to_string(shape.heads) + "/" + std::to_string(shape.kv_heads) + " heads of " +
                                std::to_string(shape.head_size),
                            shape.name, text_shape(lengths, shape.page_size, chunks)});
        one.build = [=](const BuildContext& context) {
          return build_turn(context, shape, cache, of_keys, lengths, chunks);
        };
        list.add(one, {.basic = &shape == &kTurns[1], .quick = true, .large = cache != KvType::f16});
      }
    }
}

struct AttendShape {
  uint32_t heads, kv_heads, head_size, page_size;
  std::vector<uint32_t> lengths, chunks;
  const char* name = "";
  float softcap = 0;
  uint32_t window = 0, value_size = 0;
  bool sinks = false, causal = true, keys_alone = false;
};

// Lengths are one less, as many and one more than pages hold, and so are steps.
std::vector<AttendShape> attend_shapes() {
  return {
      {4, 4, 16, 16, {15, 16, 17, 33}, {33, 16, 15, 1}},
      {4, 2, 32, 32, {31, 32, 33, 65}, {65, 32, 17, 1}},
      {6, 2, 48, 7, {6, 7, 8, 20}, {20, 7, 3, 1}},
      {7, 1, 13, 5, {1, 26}, {26, 5, 1}},
      {8, 1, 64, 1, {3, 12}, {12, 4, 1}},
      {71, 1, 64, 16, {19}, {19, 4, 1}},
      {130, 2, 32, 8, {11}, {11, 2}},
      {5, 5, 80, 32, {40}, {40, 9}},
      {4, 1, 128, 64, {70, 2}, {70, 33, 1}},
      {2, 1, 256, 32, {33}, {33, 8, 1}},
      {2, 2, 64, 16, {300, 260}, {299, 64, 7}, "long"},
      {4, 2, 32, 16, {300, 280}, {279, 70}, "long, window 210, sinks", 0, 210, 0, true},
      {4, 2, 32, 8, {25, 9}, {25, 4, 1}, "softcap", 3},
      {4, 2, 32, 8, {30, 9}, {30, 4, 1}, "window 9", 0, 9},
      {4, 2, 32, 16, {70}, {70, 16, 1}, "window 33, sinks", 0, 33, 0, true},
      {6, 3, 32, 8, {20, 5}, {20, 6, 1}, "values of 24, sinks", 0, 0, 24, true},
      {4, 2, 16, 8, {20, 5}, {20, 6, 1}, "values of 64", 0, 0, 64},
      {5, 1, 96, 16, {35}, {35, 8, 1}, "keys alone", 0, 0, 64, false, true, true},
      {4, 2, 32, 16, {33, 7}, {33}, "both ways", 0, 0, 0, false, false},
  };
}

std::unique_ptr<Trial> build_attend(const BuildContext& context, const AttendShape& shape, KvType cache) {
  Builder builder(context);
  Program& program = builder.program();
  const uint32_t value_size = shape.value_size == 0 ? shape.head_size : shape.value_size;
  const uint32_t q_width = shape.heads * shape.head_size, k_width = shape.kv_heads * shape.head_size;
  const uint32_t v_width = shape.keys_alone ? 0 : shape.kv_heads * value_size;
  const Slot q = builder.input(q_width, 2), k = builder.input(k_width, 1);
  const Slot v = shape.keys_alone ? kNoSlot : builder.input(v_width, 1);
  program.layers = 1;
  program.key_width = k_width;
  program.value_width = v_width;
  program.rope_tables.push_back({});
  builder.add(RopeKv{q, k, v, 0, 0, RopeStyle::halves, shape.head_size});
  Attend op{q,
            builder.slot(shape.heads * value_size),
            0,
            shape.head_size,
            shape.kv_heads,
            1 / std::sqrt(static_cast<float>(shape.head_size))};
  op.softcap = shape.softcap;
  op.window = shape.window;
  op.value_size = shape.value_size;
  op.causal = shape.causal;
  if (shape.sinks) op.sinks = builder.vector(shape.heads, 2);
  builder.add(op);
  builder.finish(op.out);
  const std::vector<float> queries = decoded(program.weights[0]), keys = decoded(program.weights[1]),
                           values = shape.keys_alone ? keys : decoded(program.weights[2]);
  auto trial = cached_trial(builder, cache, shape.page_size, shape.lengths, shape.chunks);
  const uint32_t value_stride = shape.keys_alone ? k_width : v_width;
  trial->bounds = [=](const Place& place, Precision, std::span<const float>, std::span<double> bound) {
    const size_t seen = shape.causal ? place.position + 1 : place.tokens.size(), group = shape.heads / shape.kv_heads;
    const auto query = values_of(queries, q_width, place.token());
    const double rounding = sum_rounding(shape.head_size) + (cache == KvType::f32 ? 0 : 1 / 2000.0);
    for (uint32_t head = 0; head < shape.heads; ++head) {
      double score = 0, value = 0;
      for (size_t p = 0; p < seen; ++p) {
        const auto key = values_of(keys, k_width, place.tokens[p]).subspan(head / group * shape.head_size);
        double size = 0;
        for (uint32_t j = 0; j < shape.head_size; ++j)
          size += std::abs(double{query[head * shape.head_size + j]} * double{key[j]});
        score = std::max(score, size * double{op.scale});
        value = std::max(
            value,
            largest_of(
                values_of(values, value_stride, place.tokens[p]).subspan(head / group * value_size, value_size)));
      }
      const double off = std::min(2.0, std::expm1(std::min(2 * rounding * score + kFewRoundings, 2.0)) +
                                           sum_rounding(seen) + (cache == KvType::f32 ? 0 : 1 / 2000.0));
      for (uint32_t j = 0; j < value_size; ++j) bound[head * value_size + j] = off * value + kVanishing;
    }
  };
  return trial;
}

void add_attends(CaseList& list) {
  const std::vector<AttendShape> shapes = attend_shapes();
  for (const KvType cache : {KvType::f32, KvType::f16, KvType::q8_0})
    for (size_t i = 0; i < shapes.size(); ++i) {
      const AttendShape& shape = shapes[i];
      const uint32_t values = shape.value_size == 0 ? shape.head_size : shape.value_size;
      if (cache == KvType::q8_0 && (shape.kv_heads * shape.head_size % 32 != 0 || shape.kv_heads * values % 32 != 0))
        continue;
      Case one{"attend", FormatClass::none, Format::f32, cache};
      one.shape = joined({std::to_string(shape.heads) + "/" + std::to_string(shape.kv_heads) + " heads of " +
                              std::to_string(shape.head_size),
                          shape.name, text_shape(shape.lengths, shape.page_size, shape.chunks)});
      one.build = [=](const BuildContext& context) { return build_attend(context, shape, cache); };
      // Scores of large values leave one position, by which even binary16 may overflow on the way.
      list.add(one, {.basic = i == 1 || !shape.causal,
                     .quick = !std::string_view(shape.name).starts_with("long"),
                     .large = false});
    }
}

}  // namespace

void add_attention_cases(CaseList& list) {
  add_turns(list);
  add_attends(list);
}

}  // namespace hearth::conform
