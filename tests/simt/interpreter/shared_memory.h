// A block's shared memory, with a record of who touched each byte since when: it finds races, reads of what was never
// written, and touches of what an asynchronous copy has not brought yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/simt/interpreter/report.h"

namespace hearth::simt {

enum class Touch { read, write, atomic };

// Of each thread: up to which time what it did is known to be done.
using Known = std::vector<uint32_t>;

// Times are counted by a clock that each barrier advances. An access is ordered before another thread's where a
// sync_block completed between, or for threads of one warp a sync_warp; or where the other thread knows of it through
// barriers of some threads.
class SharedMemory {
 public:
  struct Array {
    const void* key;  // of its declaration
    std::string name;
    uint32_t begin, bytes, element;
  };

  // Begins a block, of which no byte is written. The array of the launch comes first.
  void begin(uint32_t dynamic_bytes);
  // The array that was declared at `key`, the same for all threads.
  uint32_t array(const void* key, const char* name, uint32_t bytes, uint32_t element);
  uint32_t dynamic(const char* name, uint32_t element);
  const Array& operator[](uint32_t array) const { return arrays_[array]; }
  uint32_t static_bytes() const { return used_ - arrays_[0].bytes; }

  std::byte* bytes(uint32_t offset) { return bytes_.data() + offset; }

  // Checks and records. False: there is a fault, which conflict() has; one may go on.
  bool touch(Touch kind, uint32_t offset, uint32_t bytes, uint32_t thread);
  struct Conflict {
    Fault fault;
    uint32_t offset, other_thread;
    bool other_wrote;
  };
  const Conflict& conflict() const { return conflict_; }

  // A copy begins: what touches these bytes before it ends is at fault.
  void begin_copy(uint32_t offset, uint32_t bytes);
  // It ends, as a write by `thread`.
  void end_copy(uint32_t offset, const std::byte* from, uint32_t valid, uint32_t bytes, uint32_t thread);

  void block_synced() { block_time_ = ++clock_; }
  void warp_synced(uint32_t warp);
  // To be called before the first of the next two in a block.
  void keep_known(uint32_t threads);
  // Adds to `into` all that the thread knows and has done; adds `from` to what it knows.
  void release(uint32_t thread, Known& into);
  void acquire(uint32_t thread, const Known& from);

 private:
  struct Record {
    uint32_t written = 0;  // when last
    uint32_t read = 0;     // when first by the lanes below of the warp that read last, since its last barrier
    uint32_t lanes = 0;
    uint32_t other_read = 0, other_lanes = 0;  // the same of another warp
    uint16_t writer = 0;                       // thread
    uint8_t reader = 0;                        // warp
    uint8_t other_reader = 0;                  // warp
    uint32_t copied = 0;                       // since when an asynchronous copy is under way
    bool atomically = false;                   // the last write
    uint32_t split = 0;                        // the block's time where the bytes of a word have records of their own
  };
  bool conflicts(Fault fault, uint32_t offset, uint32_t other_thread, bool other_wrote) {
    conflict_ = {fault, offset, other_thread, other_wrote};
    return false;
  }
  void grow();
  // Calls `each` for the records of all bytes there, and the offset of each.
  template <class Each>
  void each_record(uint32_t offset, uint32_t bytes, Each each);
  bool read(Record& record, uint32_t offset, uint32_t thread);
  bool write(Record& record, uint32_t offset, uint32_t thread, bool atomically);
  bool knows(uint32_t thread, uint32_t other, uint32_t time) const {
    return keeps_known_ && known_[thread][other] >= time;
  }
  // Whether the last write may not be ordered before what the thread does now.
  bool races_with_write(const Record& record, uint32_t thread) const {
    return record.written >= block_time_ && record.writer != thread &&
           (record.writer / 32 != thread / 32 || record.written >= warp_time_[thread / 32]) &&
           !knows(thread, record.writer, record.written);
  }
  // The first of the lanes of a warp whose read may not be; nobody's number if there is none.
  uint32_t racing_reader(uint32_t time, uint32_t warp, uint32_t lanes, uint32_t thread) const;

  std::vector<std::byte> bytes_;
  std::vector<Record> of_words_, of_bytes_;
  std::vector<Array> arrays_;
  uint32_t used_ = 0, clock_ = 0, begin_time_ = 0, block_time_ = 0;
  uint32_t warp_time_[32] = {};
  std::vector<Known> known_;  // of each thread
  bool keeps_known_ = false;
  Conflict conflict_ = {};
};

}  // namespace hearth::simt
