// From the parts of a grammar to states.
#include <algorithm>
#include <array>
#include <map>

#include "engine/decode/constraint/automaton.h"
#include "engine/decode/constraint/check_automaton.h"
#include "engine/include/hearth/hearth.h"

namespace hearth {
namespace {

constexpr size_t kMostStates = 100'000, kMostEdges = 200'000;
constexpr uint32_t kWorthSharing = 24;   // states of a part that is better called than copied
constexpr uint64_t kWorthCounting = 64;  // states from which on a repetition is counted instead of copied

}  // namespace

// Parts become states from their way in to their way out. Everything waits in a list, so that nesting costs no stack.
class Assembler {
 public:
  Assembler(const GrammarBuilder& builder, GrammarPart root) : builder_(builder) {
    measure(root);
    draft_.start = called(root).start;
    run();
  }
  AutomatonDraft take() { return std::move(draft_); }

 private:
  using Kind = GrammarBuilder::Kind;
  struct Job {
    GrammarPart part;
    uint32_t from, to;
  };
  struct Callee {
    uint32_t start;
  };

  uint32_t state() {
    if (draft_.states.size() >= kMostStates) throw Error(ErrorCode::invalid_argument, "the grammar is too large");
    draft_.states.emplace_back();
    return static_cast<uint32_t>(draft_.states.size() - 1);
  }
  DraftState& at(uint32_t index) { return draft_.states[index]; }
  void count(size_t more) {
    if ((edges_ += more) > kMostEdges) throw Error(ErrorCode::invalid_argument, "the grammar is too large");
  }
  void jump(uint32_t from, uint32_t to) {
    if (from == to) return;
    count(1);
    at(from).jumps.push_back(to);
  }
  void edge(uint32_t from, uint8_t low, uint8_t high, uint32_t to) {
    count(1);
    at(from).edges.push_back({low, high, to});
  }
  void later(GrammarPart part, uint32_t from, uint32_t to) {
    count(1);
    jobs_.push_back({part, from, to});
  }

  // How often each part is used, and how many states one copy of it takes. Parts come after what they are made of, but
  // for rules, which are called and so take one.
  void measure(GrammarPart root) {
    const auto& nodes = builder_.nodes_;
    uses_.assign(nodes.size(), 0);
    sizes_.assign(nodes.size(), 0);
    std::vector<uint32_t> waiting{root.id};
    const auto use = [&](GrammarPart part) {
      if (uses_[part.id]++ == 0) waiting.push_back(part.id);
    };
    uses_[root.id] = 1;
    while (!waiting.empty()) {
      const auto& node = nodes[waiting.back()];
      waiting.pop_back();
      for (const GrammarPart part : node.parts) use(part);
      for (const GrammarArc& arc : node.arcs) use(arc.part);
    }
    for (uint32_t id = 0; id < nodes.size(); ++id) {
      if (uses_[id] == 0) continue;
      const auto& node = nodes[id];
      uint64_t size = node.bytes.size();
      if (node.kind == Kind::rule) size = 1;
      if (node.kind == Kind::character) size = 1 + 2 * node.characters.ranges().size();
      if (node.kind == Kind::sequence || node.kind == Kind::choice)
        for (const GrammarPart part : node.parts) size += 1 + copied_size(part);
      if (node.kind == Kind::graph)
        for (const GrammarArc& arc : node.arcs) size += 1 + copied_size(arc.part);
      if (node.kind == Kind::repeat) size = copied_size(node.parts[0]) * (copied(node) ? copies(node) : 1) + 3;
      sizes_[id] = static_cast<uint32_t>(std::min<uint64_t>(size, UINT32_MAX));
    }
  }
  bool shared(GrammarPart part) const {
    const Kind kind = builder_.nodes_[part.id].kind;
    return kind == Kind::rule || (uses_[part.id] > 1 && kind != Kind::literal && sizes_[part.id] > kWorthSharing);
  }
  uint64_t copied_size(GrammarPart part) const { return shared(part) ? 1 : sizes_[part.id]; }
  static uint64_t copies(const GrammarBuilder::Node& node) {
    return node.most == GrammarBuilder::kUnbounded ? uint64_t{node.least} + 1 : node.most;
  }
  bool copied(const GrammarBuilder::Node& node) const {
    const bool plain = node.most == GrammarBuilder::kUnbounded ? node.least <= 1 : node.most <= 1;
    return plain || copies(node) * (1 + copied_size(node.parts[0])) <= kWorthCounting;
  }

  // The states of a part that is called; they are made when it is called first.
  Callee called(GrammarPart part) {
    const auto [found, fresh] = callees_.emplace(part.id, Callee{});
    if (!fresh) return found->second;
    const uint32_t start = state(), end = state();
    found->second = {start};
    at(end).final = true;
    const auto& node = builder_.nodes_[part.id];
    if (node.kind == Kind::rule) {
      if (node.most == 0) throw Error(ErrorCode::invalid_argument, "the rule " + node.bytes + " is not defined");
      draft_.names.emplace(start, node.bytes);
      later(node.parts[0], start, end);
    } else {
      bodies_.push_back({part, start, end});
    }
    return {start};
  }

  void run() {
    while (!jobs_.empty() || !bodies_.empty()) {
      if (!bodies_.empty()) {
        const Job job = bodies_.back();
        bodies_.pop_back();
        expand(job);
        continue;
      }
      const Job job = jobs_.back();
      jobs_.pop_back();
      if (shared(job.part)) {
        const uint32_t to = called(job.part).start;
        count(1);
        at(job.from).calls.push_back({to, job.to});
      } else {
        expand(job);
      }
    }
  }

  void expand(const Job& job) {
    const auto& node = builder_.nodes_[job.part.id];
    switch (node.kind) {
      case Kind::literal:
        return expand_literal(node.bytes, job);
      case Kind::character:
        return expand_character(node.characters, job);
      case Kind::choice:
        for (const GrammarPart part : node.parts) later(part, job.from, job.to);
        return;
      case Kind::repeat:
        return expand_repeat(node, job);
      case Kind::graph: {
        std::vector<uint32_t> places(node.most);
        for (uint32_t& place : places) place = state();
        jump(job.from, places[0]);
        jump(places[1], job.to);
        for (const GrammarArc& arc : node.arcs) later(arc.part, places[arc.from], places[arc.to]);
        return;
      }
      case Kind::sequence: {
        uint32_t from = job.from;
        for (size_t i = 0; i < node.parts.size(); ++i) {
          const uint32_t to = i + 1 == node.parts.size() ? job.to : state();
          later(node.parts[i], from, to);
          from = to;
        }
        if (node.parts.empty()) jump(job.from, job.to);
        return;
      }
      case Kind::rule:
        return;  // always called
    }
  }

  void expand_literal(std::string_view bytes, const Job& job) {
    uint32_t from = job.from;
    for (size_t i = 0; i < bytes.size(); ++i) {
      const uint32_t to = i + 1 == bytes.size() ? job.to : state();
      edge(from, static_cast<uint8_t>(bytes[i]), static_cast<uint8_t>(bytes[i]), to);
      from = to;
    }
    if (bytes.empty()) jump(job.from, job.to);
  }

  // Equal ends of byte sequences share their states.
  void expand_character(const CharacterSet& set, const Job& job) {
    std::map<std::vector<Utf8Ranges::Range>, uint32_t> ends;
    for (const Utf8Ranges& one : utf8_ranges(set)) {
      uint32_t to = job.to;
      std::vector<Utf8Ranges::Range> rest;
      for (uint32_t i = one.size; i-- > 1;) {
        rest.insert(rest.begin(), one.bytes[i]);
        const auto [found, fresh] = ends.emplace(rest, 0);
        if (fresh) {
          found->second = state();
          edge(found->second, one.bytes[i].low, one.bytes[i].high, to);
        }
        to = found->second;
      }
      edge(job.from, one.bytes[0].low, one.bytes[0].high, to);
    }
  }

  void expand_repeat(const GrammarBuilder::Node& node, const Job& job) {
    const GrammarPart body = node.parts[0];
    if (node.most == 0) return jump(job.from, job.to);
    if (!copied(node)) {
      const uint32_t gate = state(), start = state(), end = state();
      jump(job.from, gate);
      at(end).final = true;
      at(gate).loop = static_cast<uint32_t>(draft_.loops.size());
      draft_.loops.push_back({start, job.to, node.least, node.most, false});
      return later(body, start, end);
    }
    uint32_t from = job.from;
    if (node.most == GrammarBuilder::kUnbounded) {
      for (uint32_t i = 1; i < node.least; ++i) {
        const uint32_t to = state();
        later(body, from, to);
        from = to;
      }
      const uint32_t before = state(), behind = node.least == 0 ? before : state();
      jump(from, before);
      later(body, before, behind);
      jump(behind, before);
      return jump(behind, job.to);
    }
    for (uint32_t i = 0; i < node.most; ++i) {
      if (i >= node.least) jump(from, job.to);
      const uint32_t to = i + 1 == node.most ? job.to : state();
      later(body, from, to);
      from = to;
    }
  }

  const GrammarBuilder& builder_;
  AutomatonDraft draft_;
  std::vector<uint32_t> uses_, sizes_;
  std::map<uint32_t, Callee> callees_;
  std::vector<Job> jobs_, bodies_;
  size_t edges_ = 0;
};

std::shared_ptr<const LanguageAutomaton> build_automaton(const GrammarBuilder& builder, GrammarPart root) {
  AutomatonDraft draft = Assembler(builder, root).take();
  return finish_automaton(std::move(draft));
}

}  // namespace hearth
