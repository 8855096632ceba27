// Barriers of some threads, and the bulk copies that end at them.
#include "tests/simt/bulk_pipeline.cu"
#include "tests/simt/device.h"

namespace hearth::simt {
namespace {

using cuda::BulkPipelineParameters;

struct Outcome {
  std::vector<Report> reports;
  uint32_t sum;
};
std::vector<uint32_t> row() {
  std::vector<uint32_t> made(5 * 96);
  for (uint32_t i = 0; i < made.size(); ++i) made[i] = i * 2654435761u;
  return made;
}
Outcome run(cuda::BulkPipelineFault fault, uint32_t seed = 0, uint32_t stages = 5) {
  Device device(seed);
  const Address out = device.put(std::vector<uint32_t>(1));
  const auto reports =
      device.launch("bulk_pipeline", {2}, BulkPipelineParameters{device.put(row(), "the row"), out, stages, fault});
  return {reports, device.get<uint32_t>(out, 1)[0]};
}

TEST(Barriers, OrderWhatTheirThreadsDoAndBringCopies) {
  uint32_t sum = 0;
  for (const uint32_t word : row()) sum += word;
  for (uint32_t seed = 0; seed < 8; ++seed) {
    const Outcome sound = run(cuda::none, seed);
    expect_none(sound.reports);
    EXPECT_EQ(sound.sum, sum);
  }
}

TEST(Barriers, WhatIsNotWaitedForIsFound) {
  bool copy_found = false, reader_found = false;
  for (uint32_t seed = 0; seed < 4; ++seed) {
    for (const Report& report : run(cuda::no_wait_for_copies, seed).reports)
      copy_found |= report.fault == Fault::copy_not_waited_for && report.text.find("staged[") != std::string::npos;
    for (const Report& report : run(cuda::no_wait_for_readers, seed).reports)
      reader_found |= report.text.find("staged[") != std::string::npos;
  }
  EXPECT_TRUE(copy_found);
  EXPECT_TRUE(reader_found);
  expect_found(run(cuda::no_sync_of_readers).reports, Fault::uninitialised, {"thread 0 reads sums["});
  expect_found(run(cuda::no_sync_of_readers).reports, Fault::race, {"sums["});
}

TEST(Barriers, AnArrivalOfOneLaneSpeaksForItselfAlone) {
  expect_found(run(cuda::no_sync_of_warp).reports, Fault::race, {"thread 96 writes staged["});
}

TEST(Barriers, MiscountsAreFound) {
  expect_one(run(cuda::too_many_bytes_expected).reports, Fault::divergent_barrier,
             {"thread 0 to 96 waits at wait_phase"});
  expect_found(run(cuda::one_arrival_too_many).reports, Fault::divergent_barrier,
               {"thread 96: arrives at full[0] once more than 1 times in a phase"});
  expect_found(run(cuda::no_barrier_made).reports, Fault::uninitialised, {"which is no barrier yet"});
  expect_found(run(cuda::copy_left_behind, 0, 0).reports, Fault::copy_not_waited_for, {"begun by thread 96"});
}

TEST(Barriers, BulkCopiesStayInTheirAllocation) {
  expect_one(run(cuda::none, 0, 6).reports, Fault::out_of_bounds,
             {"copies 384 bytes 0 bytes behind the end of the row of 1920 bytes"});
}

}  // namespace
}  // namespace hearth::simt

namespace hearth::cuda {
namespace {

struct SomeParameters {
  Address out;
};
// Two groups of two warps, each of which exchanges values.
void groups(const SomeParameters& p, const Constants& c) {
  HEARTH_SHARED(uint32_t, 128, values);
  const uint32_t t = thread_index(), group = t / 64;
  values[t] = t;
  sync_some(c.at[0] == 0 ? 1 + group : 1, t / 64 == 1 && c.at[1] != 0 ? c.at[1] : 64);
  const uint32_t other = values[t ^ (c.at[2] == 0 ? 32 : 64)];
  global<uint32_t>(p.out)[t] = other;
}
HEARTH_KERNEL(groups, 128, SomeParameters, groups)

}  // namespace
}  // namespace hearth::cuda

namespace hearth::simt {
namespace {

TEST(Barriers, OfSomeOrderTheirThreadsAlone) {
  Device device;
  const Address out = device.put(std::vector<uint32_t>(128));
  expect_none(device.launch("groups", {1}, cuda::SomeParameters{out}));
  const std::vector<uint32_t> found = device.get<uint32_t>(out, 128);
  for (uint32_t t = 0; t < 128; ++t) EXPECT_EQ(found[t], t ^ 32);
  expect_found(device.launch("groups", {1}, cuda::SomeParameters{out}, {{0, 0, 1}}), Fault::race, {"values["});
  expect_found(device.launch("groups", {1}, cuda::SomeParameters{out}, {{0, 96}}), Fault::divergent_barrier,
               {"thread 64 to 127 waits at sync_some"});
  expect_found(device.launch("groups", {1}, cuda::SomeParameters{out}, {{0, 65}}), Fault::bad_launch,
               {"sync_some(2, 65)"});
}

}  // namespace
}  // namespace hearth::simt
