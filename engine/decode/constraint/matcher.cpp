// Following an answer.
#include "engine/decode/constraint/matcher.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "engine/decode/constraint/machine.h"

namespace hearth {

namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

// All ones where the bit of a nibble is set.
constexpr auto make_nibble_masks() {
  std::array<std::array<uint32_t, 4>, 16> masks{};
  for (uint32_t nibble = 0; nibble < 16; ++nibble)
    for (uint32_t i = 0; i < 4; ++i) masks[nibble][i] = (nibble >> i & 1) != 0 ? UINT32_MAX : 0;
  return masks;
}
constexpr auto kNibbleMasks = make_nibble_masks();

// -infinity wherever a bit is not set, four at a time and without a branch: it is done for each token of an answer.
void forbid_unset(const std::vector<uint64_t>& bits, std::span<float> logits) {
  constexpr auto kForbiddenBits = std::bit_cast<uint32_t>(kForbidden);
  size_t i = 0;
  for (; i + 64 <= logits.size(); i += 64) {
    uint64_t word = bits[i / 64];
    if (word == UINT64_MAX) continue;
    for (float* four = &logits[i]; four < &logits[i] + 64; four += 4, word >>= 4) {
      uint32_t values[4];
      std::memcpy(values, four, sizeof values);
      const auto& keep = kNibbleMasks[word & 15];
      for (size_t k = 0; k < 4; ++k) values[k] = (values[k] & keep[k]) | (kForbiddenBits & ~keep[k]);
      std::memcpy(four, values, sizeof values);
    }
  }
  for (; i < logits.size(); ++i)
    if ((bits[i / 64] >> i % 64 & 1) == 0) logits[i] = kForbidden;
}

}  // namespace

LanguageAutomaton::LanguageAutomaton() = default;
LanguageAutomaton::~LanguageAutomaton() = default;

size_t LanguageAutomaton::memory() const {
  return states.size() * sizeof(State) + edges.size() * sizeof(Edge) + jumps.size() * sizeof(uint32_t) +
         calls.size() * sizeof(Call) + loops.size() * sizeof(Loop);
}

std::unique_ptr<Machine> LanguageAutomaton::borrow_machine() const {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto machine = std::move(idle_.back());
      idle_.pop_back();
      return machine;
    }
  }
  return std::make_unique<Machine>(*this);
}

void LanguageAutomaton::give_back(std::unique_ptr<Machine> machine) const {
  constexpr size_t kMostIdle = 2, kMostMemory = 4 << 20;
  if (!machine || machine->memory() > kMostMemory) return;
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMostIdle) idle_.push_back(std::move(machine));
}

Matcher::Matcher(std::shared_ptr<const LanguageAutomaton> automaton, std::shared_ptr<const TokenTrie> tokens,
                 bool at_start)
    : automaton_(std::move(automaton)),
      tokens_(std::move(tokens)),
      machine_(automaton_->borrow_machine()),
      now_(machine_->start()),
      at_start_(at_start) {}

Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&& other) noexcept {
  std::swap(automaton_, other.automaton_);
  std::swap(tokens_, other.tokens_);
  std::swap(machine_, other.machine_);
  std::swap(now_, other.now_);
  std::swap(at_start_, other.at_start_);
  return *this;
}
Matcher::~Matcher() {
  if (machine_) automaton_->give_back(std::move(machine_));
}

bool Matcher::mask(std::span<float> logits, bool may_stop) {
  machine_->rest();
  now_ = machine_->tidy(now_);
  const TokenTrie& trie = at_start_ ? tokens_->at_start() : *tokens_;
  const TokenMask& mask = machine_->tokens(now_, trie);
  const std::vector<int32_t>& tokens = trie.tokens();
  // What is kept, beside each other; these are put back where all are forbidden.
  kept_.clear();
  const auto keep = [&](int32_t token) {
    if (token >= 0 && static_cast<size_t>(token) < logits.size())
      kept_.emplace_back(token, logits[static_cast<size_t>(token)]);
  };
  if (may_stop && may_end())
    for (const int32_t token : trie.ends()) keep(token);
  const bool any = mask.allowed > 0 || !kept_.empty();
  if (!mask.bits.empty()) {
    forbid_unset(mask.bits, logits.first(std::min(logits.size(), trie.size())));
    for (size_t i = trie.size(); i < logits.size(); ++i) logits[i] = kForbidden;
  } else if (size_t{mask.allowed} * 2 <= tokens.size()) {
    for (const TokenRange& range : mask.ranges)
      for (uint32_t i = range.first; i < range.last; ++i) keep(tokens[i]);
    std::fill(logits.begin(), logits.end(), kForbidden);
    // Something has to come, however unlikely the model finds it.
    if (std::all_of(kept_.begin(), kept_.end(), [](const auto& one) { return one.second == kForbidden; }))
      for (auto& [token, logit] : kept_) logit = 0;
  } else {
    const auto forbid = [&](int32_t token) {
      if (static_cast<size_t>(token) < logits.size()) logits[static_cast<size_t>(token)] = kForbidden;
    };
    for (const int32_t token : trie.without_text()) forbid(token);
    uint32_t next = 0;
    for (const TokenRange& range : mask.ranges) {
      for (; next < range.first; ++next) forbid(tokens[next]);
      next = range.last;
    }
    for (; next < tokens.size(); ++next) forbid(tokens[next]);
    for (size_t i = trie.size(); i < logits.size(); ++i) logits[i] = kForbidden;
  }
  for (const auto& [token, logit] : kept_) logits[static_cast<size_t>(token)] = logit;
  return any;
}

bool Matcher::accept(int32_t token) {
  const TokenTrie& trie = at_start_ ? tokens_->at_start() : *tokens_;
  if (token < 0 || static_cast<size_t>(token) >= trie.size() || trie.bytes(token).empty() ||
      !accept_bytes(trie.bytes(token)))
    return false;
  at_start_ = false;
  return true;
}

bool Matcher::accept_bytes(std::string_view bytes) {
  uint32_t now = now_;
  for (const char byte : bytes) {
    machine_->rest();
    if ((now = machine_->step(now, static_cast<uint8_t>(byte))) == Machine::kDead) return false;
  }
  now_ = machine_->tidy(now);
  return true;
}

// All bytes share the work of one, so that a long text with much to remember is told in parts.
uint32_t Matcher::follow_forced(size_t most, std::string& bytes) {
  machine_->rest();
  now_ = machine_->tidy(now_);
  uint32_t now = now_;
  for (int byte; bytes.size() < most && !machine_->tired() && (byte = machine_->only_byte(now)) >= 0;) {
    bytes += static_cast<char>(byte);
    now = machine_->step(now, static_cast<uint8_t>(byte));
  }
  return now;
}

std::string Matcher::forced_bytes(size_t most) {
  std::string bytes;
  follow_forced(most, bytes);
  return bytes;
}

// The longest tokens, one after the other. Where the bytes end before the trie does, a longer token may say them
// together with what follows: that one is the model's to choose.
std::vector<int32_t> Matcher::forced() {
  std::string bytes;
  std::vector<int32_t> result;
  const bool whole = machine_->finished(follow_forced(kMostForced, bytes));
  bool start = at_start_;
  for (size_t at = 0; at < bytes.size(); start = false) {
    const TokenTrie& trie = start ? tokens_->at_start() : *tokens_;
    const TokenTrie::Match match = trie.longest_match(std::string_view(bytes).substr(at));
    if (match.token < 0 || (match.open && !whole)) break;
    result.push_back(match.token);
    at += match.size;
  }
  return result;
}

bool Matcher::may_end() const { return machine_->may_end(now_); }
bool Matcher::finished() const { return machine_->finished(now_); }

}  // namespace hearth
