// The pieces of a file that several connections fetch side by side.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "tools/fetch/download.h"
#include "tools/fetch/transfer.h"
#include "tools/store/partial_file.h"

namespace hearth::fetch {

// Fetches what is missing before byte `end`. The first connection asks alone: whether others help depends on its
// answer.
class Pieces {
 public:
  Pieces(const RemoteFile& file, uint64_t end, store::PartialFile& to, const Settings& settings);

  // Returns when all is there; throws what fetch::download does. Once.
  void fetch(const Watcher& watcher);

 private:
  enum class Served { unknown, in_ranges, only_whole };

  void work();
  void fetch_piece(Getter& getter, store::Range piece);
  bool take_head(const Head& head, store::Range& piece, uint64_t& at);
  bool take_bytes(std::string_view bytes, store::Range piece, uint64_t& at);
  std::optional<store::Range> next_piece();
  void end_worker(std::exception_ptr error);
  bool stopped() const;

  const RemoteFile& file_;
  uint64_t end_;
  store::PartialFile& to_;
  const Settings& settings_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<store::Range> pieces_;  // that nobody has taken, the first at the end
  Served served_ = Served::unknown;
  bool asked_ = false;  // somebody has asked
  size_t working_ = 0;
  bool stopped_ = false;
  std::exception_ptr error_;
};

}  // namespace hearth::fetch
