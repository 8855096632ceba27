// Which states lead to an end, which need no byte for it, and where a grammar goes round without one.
#include "engine/decode/constraint/check_automaton.h"

#include <algorithm>

#include "engine/include/hearth/hearth.h"

namespace hearth {
namespace {

constexpr uint32_t kNone = LanguageAutomaton::kNone;

// The states that a state refers to in any way lead back from them to it.
struct Backwards {
  std::vector<uint32_t> first, from;  // those that refer to s: from[first[s]] to from[first[s + 1]]

  explicit Backwards(const AutomatonDraft& draft) : first(draft.states.size() + 2, 0) {
    each(draft, [&](uint32_t, uint32_t to) { ++first[to + 2]; });
    for (size_t i = 2; i < first.size(); ++i) first[i] += first[i - 1];
    from.resize(first.back());
    each(draft, [&](uint32_t state, uint32_t to) { from[first[to + 1]++] = state; });
  }

  template <class Visit>
  static void each(const AutomatonDraft& draft, const Visit& visit) {
    for (uint32_t s = 0; s < draft.states.size(); ++s) {
      const DraftState& state = draft.states[s];
      for (const auto& edge : state.edges) visit(s, edge.to);
      for (const uint32_t to : state.jumps) visit(s, to);
      for (const auto& call : state.calls) {
        visit(s, call.to);
        visit(s, call.next);
      }
      if (state.loop != kNone) {
        visit(s, draft.loops[state.loop].body);
        visit(s, draft.loops[state.loop].next);
      }
    }
  }
};

// The states that reach the end of their rule, or that do so without a byte.
std::vector<bool> reach_end(const AutomatonDraft& draft, const Backwards& backwards, bool without_byte) {
  std::vector<bool> reach(draft.states.size(), false);
  const auto holds = [&](uint32_t s) {
    const DraftState& state = draft.states[s];
    if (state.final) return true;
    if (!without_byte)
      for (const auto& edge : state.edges)
        if (reach[edge.to]) return true;
    for (const uint32_t to : state.jumps)
      if (reach[to]) return true;
    for (const auto& call : state.calls)
      if (reach[call.to] && reach[call.next]) return true;
    if (state.loop == kNone) return false;
    const auto& loop = draft.loops[state.loop];
    return reach[loop.next] && (loop.least == 0 || reach[loop.body]);
  };
  std::vector<uint32_t> waiting;
  for (uint32_t s = 0; s < draft.states.size(); ++s)
    if (draft.states[s].final) {
      reach[s] = true;
      waiting.push_back(s);
    }
  while (!waiting.empty()) {
    const uint32_t s = waiting.back();
    waiting.pop_back();
    for (uint32_t i = backwards.first[s]; i < backwards.first[s + 1]; ++i)
      if (const uint32_t from = backwards.from[i]; !reach[from] && holds(from)) {
        reach[from] = true;
        waiting.push_back(from);
      }
  }
  return reach;
}

void remove_dead_ends(AutomatonDraft& draft, const std::vector<bool>& productive) {
  for (DraftState& state : draft.states) {
    std::erase_if(state.edges, [&](const auto& edge) { return !productive[edge.to]; });
    std::erase_if(state.jumps, [&](uint32_t to) { return !productive[to]; });
    std::erase_if(state.calls, [&](const auto& call) { return !productive[call.to] || !productive[call.next]; });
    if (state.loop == kNone) continue;
    const auto loop = draft.loops[state.loop];
    if (productive[loop.next] && productive[loop.body]) continue;
    if (productive[loop.next] && loop.least == 0) state.jumps.push_back(loop.next);
    state.loop = kNone;
  }
}

// Where a state may go without a byte, and whether that goes deeper.
std::vector<std::pair<uint32_t, bool>> quiet_ways(const AutomatonDraft& draft, const std::vector<bool>& nullable,
                                                  uint32_t s) {
  std::vector<std::pair<uint32_t, bool>> ways;
  const DraftState& state = draft.states[s];
  for (const uint32_t to : state.jumps) ways.emplace_back(to, false);
  for (const auto& call : state.calls) {
    ways.emplace_back(call.to, true);
    if (nullable[call.to]) ways.emplace_back(call.next, false);
  }
  if (state.loop != kNone) {
    const auto& loop = draft.loops[state.loop];
    ways.emplace_back(loop.body, true);
    if (loop.least == 0 || nullable[loop.body]) ways.emplace_back(loop.next, false);
  }
  return ways;
}

// Tarjan's strongly connected components, without recursion. A component with a way within it that goes deeper is left
// recursion.
void refuse_left_recursion(const AutomatonDraft& draft, const std::vector<bool>& nullable) {
  struct Visit {
    uint32_t state;
    std::vector<std::pair<uint32_t, bool>> ways;
    size_t next = 0;
  };
  const size_t size = draft.states.size();
  std::vector<uint32_t> order(size, 0), low(size, 0), component(size, 0);
  std::vector<uint32_t> open;
  std::vector<Visit> path;
  uint32_t counter = 0, components = 0;
  const auto enter = [&](uint32_t s) {
    order[s] = low[s] = ++counter;
    open.push_back(s);
    path.push_back({s, quiet_ways(draft, nullable, s)});
  };
  for (uint32_t root = 0; root < size; ++root) {
    if (order[root] != 0) continue;
    for (enter(root); !path.empty();) {
      Visit& visit = path.back();
      const uint32_t s = visit.state;
      if (visit.next < visit.ways.size()) {
        const uint32_t to = visit.ways[visit.next++].first;
        if (order[to] == 0)
          enter(to);
        else if (component[to] == 0)
          low[s] = std::min(low[s], order[to]);
        continue;
      }
      if (low[s] == order[s]) {
        ++components;
        for (uint32_t one = kNone; one != s;) {
          one = open.back();
          open.pop_back();
          component[one] = components;
        }
      }
      path.pop_back();
      if (!path.empty()) low[path.back().state] = std::min(low[path.back().state], low[s]);
    }
  }
  for (uint32_t s = 0; s < size; ++s)
    for (const auto& [to, deeper] : quiet_ways(draft, nullable, s)) {
      if (!deeper || component[to] != component[s]) continue;
      const auto name = draft.names.find(to);
      throw Error(ErrorCode::invalid_argument,
                  (name != draft.names.end() && !name->second.empty() ? "the rule " + name->second + " begins"
                                                                      : std::string("a rule of the grammar begins")) +
                      " with itself (left recursion)");
    }
}

// A call whose rest is empty needs no return.
void shorten_returns(AutomatonDraft& draft) {
  for (DraftState& state : draft.states)
    for (auto& call : state.calls) {
      uint32_t rest = call.next;
      const auto only_jumps = [&](const DraftState& s) {
        return !s.final && s.edges.empty() && s.calls.empty() && s.loop == kNone && s.jumps.size() == 1;
      };
      for (int steps = 0; steps < 16 && only_jumps(draft.states[rest]); ++steps) rest = draft.states[rest].jumps[0];
      const DraftState& end = draft.states[rest];
      if (end.final && end.edges.empty() && end.calls.empty() && end.loop == kNone && end.jumps.empty())
        call.next = kNone;
    }
}

std::shared_ptr<const LanguageAutomaton> pack(const AutomatonDraft& draft) {
  auto result = std::make_shared<LanguageAutomaton>();
  const auto size = [](const auto& list) { return static_cast<uint32_t>(list.size()); };
  result->states.reserve(draft.states.size());
  for (const DraftState& state : draft.states) {
    LanguageAutomaton::State packed;
    packed.edges = size(result->edges);
    packed.edge_count = size(state.edges);
    result->edges.insert(result->edges.end(), state.edges.begin(), state.edges.end());
    packed.jumps = size(result->jumps);
    packed.jump_count = size(state.jumps);
    result->jumps.insert(result->jumps.end(), state.jumps.begin(), state.jumps.end());
    packed.calls = size(result->calls);
    packed.call_count = size(state.calls);
    result->calls.insert(result->calls.end(), state.calls.begin(), state.calls.end());
    packed.loop = state.loop;
    packed.final = state.final;
    result->states.push_back(packed);
  }
  result->loops = draft.loops;
  result->start = draft.start;
  return result;
}

}  // namespace

std::shared_ptr<const LanguageAutomaton> finish_automaton(AutomatonDraft draft) {
  const Backwards backwards(draft);
  const std::vector<bool> productive = reach_end(draft, backwards, false);
  if (!productive[draft.start]) throw Error(ErrorCode::invalid_argument, "no text can be what is asked for");
  remove_dead_ends(draft, productive);
  const std::vector<bool> nullable = reach_end(draft, backwards, true);
  for (auto& loop : draft.loops) {
    loop.nullable = nullable[loop.body];
    if (loop.nullable) loop.least = 0;
  }
  refuse_left_recursion(draft, nullable);
  shorten_returns(draft);
  return pack(draft);
}

}  // namespace hearth
