// What was spent today and asked this minute, by whom and where.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tools/route/policy.h"

namespace hearth::route {

struct Amount {
  double money = 0;
  uint64_t tokens = 0;
};

// Days are UTC's. Thread-safe. A clock that goes back brings no day back.
class Ledger {
 public:
  // Seconds since 1970.
  using Clock = std::function<int64_t()>;
  explicit Ledger(Clock now);

  // Accounts: "all", "client NAME", "remote NAME". One without limits only counts.
  void limit(const std::string& account, const Limits& limits);
  // Sets an amount aside while a request is under way. The limit that it would pass, "money of remote cloud", and then
  // nothing is set aside; empty: none.
  std::string reserve(const std::vector<std::string>& accounts, const Amount& estimate);
  // Counts a further attempt of a request under way. The limit that it would pass, "rate of all", and then it is not to
  // be made; empty: none.
  std::string again(const std::vector<std::string>& accounts);
  // The limit that a request under way passes by what it took so far, beyond what was set aside; empty: none.
  std::string passed(const std::vector<std::string>& accounts, const Amount& estimate, const Amount& so_far);
  // Once what it took is known.
  void settle(const std::vector<std::string>& accounts, const Amount& estimate, const Amount& actual);
  // What an earlier run of the program spent, at this time.
  void restore(int64_t time, const std::vector<std::string>& accounts, const Amount& amount);
  Amount today(const std::string& account);
  // Of all accounts that were named to limit().
  std::vector<std::pair<std::string, Limits>> limits();

 private:
  struct Account {
    Limits limits;
    bool limited = false;  // limit() was told of it
    int64_t day = 0;
    Amount used, reserved;
    std::deque<int64_t> starts;  // of the last minute
  };

  Account& current(const std::string& account);
  bool is_too_fast(const Account& of) const;

  Clock now_;
  std::mutex mutex_;
  std::map<std::string, Account> accounts_;
};

}  // namespace hearth::route
