// A block of a kernel under way: its threads as fibers, and what they wait for.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/simt/interpreter/fibers.h"
#include "tests/simt/interpreter/kernels.h"
#include "tests/simt/interpreter/memory.h"
#include "tests/simt/interpreter/shared_memory.h"

namespace hearth::simt {

// What threads wait for one another at: some or all of a block, then the lanes of a warp, which are all at the same.
enum class Together : uint8_t {
  nothing,
  sync_block,
  sync_some,
  wait_phase,
  sync_warp,
  shuffle,
  shuffle_xor,
  shuffle_down,
  shuffle_up,
  warp_sum,
  warp_max,
  ballot,
  any,
  all,
  ldmatrix_x1,
  ldmatrix_x2,
  ldmatrix_x4,
  ldmatrix_x2_transposed,
  ldmatrix_x4_transposed,
  mma_f16,
  mma_bf16,
  mma_s8,
  mma_u8s8,
  returned,  // not waiting any more
};
const char* name_of(Together what);

struct AsyncCopy {
  uint32_t to, bytes, valid, group;
  Address from;
};

// A barrier in shared memory, which threads arrive at and bulk copies end at.
struct PhaseBarrier {
  struct Copy {
    uint32_t to, bytes, thread;
    Address from;
  };
  uint32_t offset = 0;    // of its bytes in shared memory
  uint32_t arrivals = 0;  // that end a phase
  uint32_t missing = 0;   // of this phase
  int64_t bytes = 0;      // expected in this phase
  uint32_t phase = 0;
  std::vector<Copy> copies;  // begun, ending with this phase
  Known arriving, known;     // by this phase; by the last
  std::vector<Thread*> waiting;
};

class Block;
struct Thread {
  uint32_t index = 0;
  Block* block = nullptr;
  Fiber* fiber = nullptr;                 // while it waits
  Together waits_at = Together::nothing;  // when it last waited, or returned
  std::vector<AsyncCopy> copies;          // begun, not yet arrived
  uint32_t group = 0;                     // of copies begun now
  bool has_waited = false;                // for the kernel before
};

// The thread whose code runs; null outside of kernels.
constinit inline thread_local Thread* current = nullptr;

// What each lane of a warp brought to what they do together.
using LaneValues = std::array<uint64_t, 32>;

class Block {
 public:
  struct Launch {
    const Kernel* kernel;
    Index3 grid;
    uint32_t dynamic_bytes;
    const void* parameters;
    cuda::Constants constants;
  };

  // Reports are added to `reports`. With a seed, threads that can go on do so in its order, else in turn.
  Block(Memory& memory, std::vector<Report>& reports, uint32_t seed);

  // Of blocks from now on; `launch` outlives them.
  void begin(const Launch& launch);
  // Runs all threads to their end; false: a report ended the block.
  bool run(Index3 index);

  // Of the thread that runs:
  void sync_block();
  void sync_warp();
  // Gives `value` and waits for the other lanes, the last of which does `work` on all values; returns them.
  const LaneValues& together(Together what, uint64_t value, void (*work)(Block&, LaneValues&) = nullptr);
  // The place of bytes of an array in shared memory, checked and recorded as touched by `thread`.
  std::byte* touch(Touch kind, uint32_t array, int64_t offset, uint32_t bytes, uint32_t alignment, uint32_t thread);
  void copy_async(uint32_t array, int64_t offset, Address from, const Range* range, uint32_t bytes, uint32_t valid);
  void commit_copies();
  void wait_copies(uint32_t pending);
  // Of barriers and bulk copies. Arrays and offsets are places in shared memory.
  void sync_some(uint32_t barrier, uint32_t count);
  void init_barrier(uint32_t array, int64_t offset, uint32_t arrivals);
  void arrive(uint32_t array, int64_t offset, uint32_t bytes);
  void wait_phase(uint32_t array, int64_t offset, uint32_t parity);
  void copy_bulk(uint32_t array, int64_t offset, Address from, const Range* range, uint32_t bytes,
                 uint32_t barrier_array, int64_t barrier_offset);
  [[noreturn]] void out_of_bounds(const char* verb, Address at, uint32_t bytes, const Range* range) const;
  [[noreturn]] void misaligned(const std::string& what, uint64_t to) const;
  [[noreturn]] void too_early(const std::string& what) const;
  uint32_t shared_array(const void* key, const char* name, uint32_t bytes, uint32_t element);
  uint32_t dynamic_array(const char* name, uint32_t element);

  const Launch& launch() const { return *launch_; }
  Index3 index() const { return index_; }
  uint32_t threads() const { return launch_->kernel->threads; }
  Memory& memory() const { return memory_; }

 private:
  struct Warp {
    uint32_t arrived = 0, turn = 0;
    uint32_t first = 0;  // thread that arrived
    Together what = Together::nothing;
    LaneValues values[2];  // of this turn and the last, which slower lanes may still read
  };
  // Of sync_some.
  struct SomeBarrier {
    uint32_t count = 0;
    Known known;
    std::vector<Thread*> waiting;
  };
  struct Cancelled {};

  void work();  // of a fiber
  void run_thread(Thread& thread);
  Thread* next_ready();
  void go_to(Thread& thread);
  void wait(Together what);
  void pause(Together what);  // the same for other files
  PhaseBarrier& barrier_at(uint32_t array, int64_t offset);
  bool end_phase(PhaseBarrier& barrier);
  void wake(Thread& thread);
  void cancel();
  void explain_standstill();
  void explain_copies();
  std::string place() const;
  std::string place_of(uint32_t array, uint32_t offset) const;
  void report_conflict(Touch kind, uint32_t array, uint32_t thread);
  void add(Fault fault, std::string text);
  Found found(Fault fault, const std::string& text) const;

  Memory& memory_;
  std::vector<Report>& reports_;
  std::vector<std::string> told_;  // beginnings of reports that are given once
  bool shuffled_;
  std::minstd_rand random_;
  SharedMemory shared_;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  std::array<Thread*, cuda::kMostThreads> ready_;  // a ring
  size_t first_ready_ = 0, ready_count_ = 0;
  uint32_t at_barrier_ = 0, returned_ = 0;
  std::vector<PhaseBarrier> phase_barriers_;
  std::array<SomeBarrier, 16> some_barriers_;
  bool cancelled_ = false;
  const Launch* launch_ = nullptr;
  Index3 index_;
  Fibers fibers_;
};

inline void Block::wake(Thread& thread) { ready_[(first_ready_ + ready_count_++) % ready_.size()] = &thread; }

}  // namespace hearth::simt
