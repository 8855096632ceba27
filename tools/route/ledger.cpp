// Sums by account and day.
#include "tools/route/ledger.h"

#include <algorithm>

namespace hearth::route {
namespace {

constexpr int64_t kDay = 86400, kMinute = 60;

}  // namespace

Ledger::Ledger(Clock now) : now_(std::move(now)) {}

void Ledger::limit(const std::string& account, const Limits& limits) {
  const std::lock_guard lock(mutex_);
  Account& of = accounts_[account];
  of.limits = limits;
  of.limited = true;
}

// Begins a new day where there is one.
Ledger::Account& Ledger::current(const std::string& account) {
  Account& of = accounts_[account];
  const int64_t now = now_();
  if (now / kDay > of.day) {
    of.day = now / kDay;
    of.used = {};
  }
  while (!of.starts.empty() && of.starts.front() <= now - kMinute) of.starts.pop_front();
  return of;
}

bool Ledger::is_too_fast(const Account& of) const {
  return of.limits.requests_per_minute > 0 && of.starts.size() >= of.limits.requests_per_minute;
}

std::string Ledger::reserve(const std::vector<std::string>& accounts, const Amount& estimate) {
  const std::lock_guard lock(mutex_);
  for (const std::string& name : accounts) {
    const Account& of = current(name);
    const Limits& limits = of.limits;
    if (is_too_fast(of)) return "rate of " + name;
    if (limits.money_per_day > 0 && of.used.money + of.reserved.money + estimate.money > limits.money_per_day)
      return "money of " + name;
    if (limits.tokens_per_day > 0 && of.used.tokens + of.reserved.tokens + estimate.tokens > limits.tokens_per_day)
      return "tokens of " + name;
  }
  for (const std::string& name : accounts) {
    Account& of = current(name);
    of.reserved.money += estimate.money;
    of.reserved.tokens += estimate.tokens;
    if (of.limits.requests_per_minute > 0) of.starts.push_back(now_());
  }
  return "";
}

std::string Ledger::again(const std::vector<std::string>& accounts) {
  const std::lock_guard lock(mutex_);
  for (const std::string& name : accounts)
    if (is_too_fast(current(name))) return "rate of " + name;
  for (const std::string& name : accounts)
    if (Account& of = current(name); of.limits.requests_per_minute > 0) of.starts.push_back(now_());
  return "";
}

std::string Ledger::passed(const std::vector<std::string>& accounts, const Amount& estimate, const Amount& so_far) {
  const std::lock_guard lock(mutex_);
  for (const std::string& name : accounts) {
    const Account& of = current(name);
    const Limits& limits = of.limits;
    const double money = of.used.money + std::max(0.0, of.reserved.money - estimate.money) + so_far.money;
    if (limits.money_per_day > 0 && so_far.money > estimate.money && money > limits.money_per_day)
      return "money of " + name;
    const uint64_t others = of.reserved.tokens - std::min(of.reserved.tokens, estimate.tokens);
    if (limits.tokens_per_day > 0 && so_far.tokens > estimate.tokens &&
        of.used.tokens + others + so_far.tokens > limits.tokens_per_day)
      return "tokens of " + name;
  }
  return "";
}

void Ledger::settle(const std::vector<std::string>& accounts, const Amount& estimate, const Amount& actual) {
  const std::lock_guard lock(mutex_);
  for (const std::string& name : accounts) {
    Account& of = current(name);
    of.reserved.money = std::max(0.0, of.reserved.money - estimate.money);
    of.reserved.tokens -= std::min(of.reserved.tokens, estimate.tokens);
    of.used.money += actual.money;
    of.used.tokens += actual.tokens;
  }
}

void Ledger::restore(int64_t time, const std::vector<std::string>& accounts, const Amount& amount) {
  const std::lock_guard lock(mutex_);
  for (const std::string& name : accounts) {
    Account& of = current(name);
    if (time / kDay < of.day) continue;
    of.used.money += amount.money;
    of.used.tokens += amount.tokens;
  }
}

std::vector<std::pair<std::string, Limits>> Ledger::limits() {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, Limits>> all;
  for (const auto& [name, account] : accounts_)
    if (account.limited) all.emplace_back(name, account.limits);
  return all;
}

Amount Ledger::today(const std::string& account) {
  const std::lock_guard lock(mutex_);
  return current(account).used;
}

}  // namespace hearth::route
