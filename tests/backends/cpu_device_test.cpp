// The CPU device around its kernels: options, threads, fusion, programs and batches that it must refuse.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "backends/cpu/device.h"
#include "backends/cpu/fuse.h"
#include "backends/cpu/pool.h"
#include "backends/cpu/roofs.h"
#include "tests/backends/random_program.h"

namespace hearth {
namespace {

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const DeviceError& error) {
    return error.what();
  }
  return "no error";
}

TEST(CpuOptions, NameKernelsAndThreads) {
  const CpuOptions best = resolve_cpu_options({});
  EXPECT_GE(best.threads, 1u);
  EXPECT_FALSE(best.kernels.empty());
  EXPECT_EQ(resolve_cpu_options({3, "scalar"}).kernels, "scalar");
  EXPECT_EQ(resolve_cpu_options({3, "scalar"}).threads, 3u);
  EXPECT_EQ(resolve_cpu_options({kMaxCpuThreads, ""}).threads, kMaxCpuThreads);
}

TEST(CpuOptions, AreRefusedWithTheNamesThatWork) {
  EXPECT_EQ(error_of([] {
              make_cpu_device({1, "sse9"});
            }).rfind("cpu: there are no kernels 'sse9'; available: ", 0),
            0u);
  EXPECT_NE(error_of([] { make_cpu_device({1, "sse9"}); }).find("scalar"), std::string::npos);
  EXPECT_NE(error_of([] { make_cpu_device({1, "Scalar"}); }).find("there are no kernels"), std::string::npos);
#if defined(__x86_64__)
  EXPECT_EQ(error_of([] {
              make_cpu_device({1, "neon"});
            }).rfind("cpu: this machine does not run the kernels 'neon'", 0),
            0u);
#endif
  EXPECT_EQ(error_of([] { make_cpu_device({10000, ""}); }), "cpu: 10000 threads are past the limit of 1024");
  EXPECT_EQ(error_of([] { measure_roofs({UINT32_MAX, ""}); }), "cpu: 4294967295 threads are past the limit of 1024");
}

TEST(Pool, RunsEveryThreadOnceAndMeetsAtBarriers) {
  for (const uint32_t threads : {1u, 2u, 5u, 16u}) {
    cpu::Pool pool(threads);
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::vector<uint32_t> seen(threads);
      std::atomic<uint32_t> before = 0;
      std::atomic<bool> together = true;
      pool.run([&](uint32_t thread) {
        ++seen[thread];
        for (uint32_t round = 1; round <= 3; ++round) {
          ++before;
          pool.barrier();
          if (before != threads * round) together = false;
          pool.barrier();
        }
      });
      EXPECT_EQ(seen, std::vector<uint32_t>(threads, 1));
      EXPECT_TRUE(together);
    }
  }
}

TEST(Pool, OneThreadAloneMeetsNobody) {
  cpu::Pool pool(3);
  std::vector<uint32_t> seen;
  pool.run_alone([&](uint32_t thread) {
    pool.barrier();
    seen.push_back(thread);
    EXPECT_EQ(pool.team(), 1u);
  });
  EXPECT_EQ(seen, std::vector<uint32_t>{0});
  std::atomic<uint32_t> all = 0;
  pool.run([&](uint32_t) { ++all; });
  EXPECT_EQ(all, 3u);
}

TEST(Pool, GoesOnWithoutAThreadThatIsHeldUp) {
  cpu::Pool pool(2);
  uint32_t team = 0;
  using std::chrono::milliseconds;
  const auto step = [&](milliseconds held) {
    pool.run_step([&](uint32_t thread) {
      if (thread == 0) team = pool.team();
      std::this_thread::sleep_for(milliseconds(2));
      if (thread == 1) std::this_thread::sleep_for(held);
      pool.barrier();
    });
    return team;
  };
  for (int i = 0; i < 12; ++i) EXPECT_EQ(step(milliseconds(10)), 2u);
  EXPECT_EQ(step(milliseconds(10)), 1u);
  uint32_t all = 0;  // work for all threads is not concerned
  pool.run([&](uint32_t thread) {
    if (thread == 1) all = pool.team();
  });
  EXPECT_EQ(all, 2u);
}

TEST(TeamSize, GivesUpAThreadThatIsHeldAndTriesAgain) {
  cpu::TeamSize size(4);
  const auto run = [&](double held, double seconds = 0.125) {
    const uint32_t team = size.of_next();
    size.learn(seconds, held * seconds);
    return team;
  };
  // A few long waits are nothing, nor are moderate ones, which unequal work makes, nor what short runs show.
  for (int i = 0; i < 100; ++i) EXPECT_EQ(run(i % 12 < 3 ? 0.9 : 0.05), 4u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(run(0.35), 4u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(run(0.9, 0.0005), 4u);
  while (size.of_next() == 4) run(0.6);
  // Half a second until the first trial, twice that until the next.
  for (int i = 0; i < 4; ++i) EXPECT_EQ(run(0.3), 3u);
  EXPECT_EQ(run(0.3), 4u) << "no trial";
  for (int i = 0; i < 8; ++i) EXPECT_EQ(run(0.3), 3u) << "the next trial came early";
  EXPECT_EQ(run(0.3), 4u) << "no trial";
  EXPECT_EQ(run(0.3, 10), 3u);
  EXPECT_EQ(run(0.3), 4u) << "one long run counts as many";
  while (size.of_next() == 3) run(0.6);
  while (size.of_next() != 2) run(0.6);  // a trial may have been due
  EXPECT_EQ(run(0, 0.5), 2u);
  EXPECT_EQ(run(0.01), 3u);
  EXPECT_EQ(run(0.01, 0.5), 3u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(run(0.01), 4u);

  cpu::TeamSize one(1);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(one.of_next(), 1u);
    one.learn(0.1, 0);
  }
}

TEST(Pool, TakesTurnsBetweenCallers) {
  cpu::Pool pool(3);
  std::atomic<uint32_t> inside = 0, calls = 0;
  std::atomic<bool> alone = true;
  const auto caller = [&] {
    for (int i = 0; i < 100; ++i)
      pool.run([&](uint32_t thread) {
        if (thread == 0 && inside.fetch_add(1) != 0) alone = false;
        pool.barrier();
        if (thread == 0) --inside;
        ++calls;
      });
  };
  std::thread other(caller);
  caller();
  other.join();
  EXPECT_TRUE(alone);
  EXPECT_EQ(calls, 600u);
}

TEST(CpuDevice, TwoDevicesAndPlansWorkSideBySide) {
  const RandomProgram random = random_program({}, 5);
  const Limits limits{.rows = 40, .pages = 8, .page_size = 8, .kv_type = KvType::f32};
  const Text text = random_text({20, 9}, 100, limits, 4);
  const auto expected = logits_of(*make_cpu_device({1, ""}), random.program, limits, text, 7);
  const auto shared = make_cpu_device({2, ""}), own = make_cpu_device({2, ""});
  std::vector<std::vector<std::vector<float>>> found(3);
  std::vector<std::thread> callers;
  for (size_t i = 0; i < 3; ++i)
    callers.emplace_back([&, i] { found[i] = logits_of(i < 2 ? *shared : *own, random.program, limits, text, 7); });
  for (std::thread& caller : callers) caller.join();
  for (const auto& one : found) EXPECT_EQ(one, expected);
}

TEST(CpuDevice, WhoTakesWhichPiecesOfAMatrixChangesNothing) {
  Shape dense{.width = 256, .heads = 8, .head_size = 32, .hidden = 608, .vocabulary = 1100, .layers = 1};
  dense.format = Format::q4_0;
  dense.other = Format::q8_0;
  dense.adapters = 1;
  Shape routed = dense;
  routed.hidden = 512;
  routed.experts = 4;
  routed.used = 2;
  for (const Shape& shape : {dense, routed}) {
    const RandomProgram random = random_program(shape, 6);
    const Limits limits{.rows = 40, .pages = 8, .page_size = 8, .kv_type = KvType::f32};
    const Text text = random_text({25, 9}, 1100, limits, 4);
    for (const uint32_t step : {30u, 2u}) {
      const auto expected = logits_of(*make_cpu_device({1, ""}), random.program, limits, text, step);
      for (const uint32_t threads : {2u, 3u, 7u})
        EXPECT_EQ(logits_of(*make_cpu_device({threads, ""}), random.program, limits, text, step), expected)
            << threads << " threads";
    }
  }
}

TEST(CpuDevice, APlanOutlivesItsDevice) {
  const RandomProgram random = random_program({}, 5);
  const Limits limits{.rows = 8, .pages = 2, .page_size = 8, .kv_type = KvType::f32};
  const auto plan = make_cpu_device({2, ""})->compile(random.program, limits);
  plan->submit(batch_of(random_text({5}, 100, limits, 4), 0, 8));
  EXPECT_EQ(plan->wait().logits.size(), 500u);
}

template <class T>
std::vector<const T*> all(const std::vector<cpu::Stage>& stages) {
  std::vector<const T*> found;
  for (const cpu::Stage& stage : stages)
    if (const auto* one = std::get_if<T>(&stage)) found.push_back(one);
  return found;
}

TEST(Fuse, JoinsProjectionsAndTakesNormsIn) {
  const auto stages = cpu::fuse(random_program({.layers = 1}, 1).program);
  EXPECT_EQ(stages.size(), 10u);  // embed, q+k+v, rope, attend, o, gate+up, down, select, head, logits
  const auto matmuls = all<cpu::MatmulStage>(stages);
  ASSERT_EQ(matmuls.size(), 5u);
  EXPECT_EQ(matmuls[0]->parts.size(), 3u);
  EXPECT_NE(matmuls[0]->norm.gain, kNoWeight);
  EXPECT_EQ(matmuls[1]->norm.gain, kNoWeight);
  EXPECT_NE(matmuls[2]->parts[0].up, kNoWeight);
  EXPECT_NE(matmuls[2]->norm.gain, kNoWeight);
  EXPECT_NE(matmuls[4]->norm.gain, kNoWeight);
  EXPECT_TRUE(all<RmsNorm>(stages).empty());
  for (size_t i = 0; i + 1 < matmuls.size(); ++i)
    EXPECT_EQ(std::get_if<cpu::MatmulStage>(&stages.at(matmuls[i]->following)), matmuls[i + 1]);
  EXPECT_EQ(matmuls.back()->following, 0u);
}

TEST(Fuse, LeavesNormsThatOthersRead) {
  EXPECT_EQ(all<RmsNorm>(cpu::fuse(random_program({.layers = 1, .fold_norms = false}, 1).program)).size(), 1u);
  EXPECT_EQ(all<RmsNorm>(cpu::fuse(random_program({.layers = 1, .experts = 4, .used = 2}, 1).program)).size(), 1u);
}

// Slots 0 to 4 of width 8, and two vectors, of 8 and of 4 values.
size_t stages_of(std::vector<Op> ops) {
  Program program;
  program.slot_width.assign(5, 8);
  program.weights = {{"whole", Format::f32, 8, 1, {}}, {"half", Format::f32, 4, 1, {}}};
  program.ops = std::move(ops);
  return cpu::fuse(program).size();
}

TEST(Fuse, KeepsApartWhatDependsOnEachOther) {
  const auto linear = [](Slot in, Slot out, Slot add = kNoSlot) { return Linear{in, out, 0, kNoWeight, add}; };
  EXPECT_EQ(stages_of({linear(0, 1), linear(0, 2)}), 1u);
  EXPECT_EQ(stages_of({linear(0, 1), linear(1, 2)}), 2u);
  EXPECT_EQ(stages_of({linear(0, 1), linear(0, 1)}), 2u);
  EXPECT_EQ(stages_of({linear(0, 1), linear(0, 2, 1)}), 2u);
  EXPECT_EQ(stages_of({linear(0, 1, 2), linear(0, 2)}), 2u);
  EXPECT_EQ(stages_of({linear(0, 1, 1), linear(0, 2)}), 2u);
  EXPECT_EQ(stages_of({linear(0, 0), linear(0, 2)}), 2u);
  EXPECT_EQ(stages_of({linear(0, 2), linear(0, 0)}), 2u);
  EXPECT_EQ(stages_of({RmsNorm{0, 1, 0, 0}, linear(1, 2)}), 1u);
  EXPECT_EQ(stages_of({RmsNorm{0, 1, 0, 0}, linear(1, 2), linear(0, 3, 1)}), 3u);
  EXPECT_EQ(stages_of({RmsNorm{0, 1, 0, 0}, linear(1, 2), RmsNorm{0, 1, 0, 0}, linear(1, 3)}), 2u);
  EXPECT_EQ(stages_of({RmsNorm{0, 1, 0, 0}, linear(1, 2, 1)}), 2u);
  EXPECT_EQ(stages_of({RmsNorm{0, 1, 0, 0}, linear(2, 3)}), 2u);
  EXPECT_EQ(stages_of({LayerNorm{0, 1, 0, kNoWeight, 0}, linear(1, 2)}), 1u);
  EXPECT_EQ(stages_of({LayerNorm{0, 1, 1, kNoWeight, 0}, linear(1, 2)}), 2u);
  EXPECT_EQ(stages_of({RmsNorm{0, 1, 1, 0}, linear(1, 2)}), 2u);
  EXPECT_EQ(stages_of({RmsNorm{0, 1, 0, 0, 2}, linear(1, 3)}), 2u);
  Linear factor = linear(0, 3);
  factor.times = 2;
  EXPECT_EQ(stages_of({linear(0, 2), factor}), 2u);
  EXPECT_EQ(stages_of({factor, linear(0, 2)}), 2u);
  EXPECT_EQ(stages_of({RmsNorm{4, 0, 0, 0}, factor}), 1u);
  factor.times = 0;
  EXPECT_EQ(stages_of({RmsNorm{4, 0, 0, 0}, factor}), 2u);
}

// A linear in place, and one that writes what its own norm read.
TEST(CpuDevice, ComputesInPlace) {
  for (const Format format : {Format::f32, Format::q8_0}) {
    RandomProgram in_place = random_program({.layers = 1}, 2), aside = random_program({.layers = 1}, 2);
    for (RandomProgram* one : {&in_place, &aside}) {
      std::mt19937 same(3);
      one->storage.push_back(random_blocks(format, 64 * 64, same, 0.1f));
      Program& p = one->program;
      p.weights.push_back({"square", format, 64, 64, one->storage.back()});
      const auto square = static_cast<WeightId>(p.weights.size() - 1);
      const Slot x = 0, other = static_cast<Slot>(p.slot_width.size());
      p.slot_width.push_back(64);
      const WeightId gain = std::get<RmsNorm>(p.ops[1]).gain;
      const Slot normed = std::get<RmsNorm>(p.ops[1]).out;
      if (one == &in_place) {
        p.ops.insert(p.ops.begin() + 1,
                     {Linear{x, x, square}, RmsNorm{x, normed, gain, 1e-5f}, Linear{normed, x, square}});
      } else {
        p.ops.insert(p.ops.begin() + 1,
                     {Linear{x, other, square}, RmsNorm{other, other, gain, 1e-5f}, Linear{other, x, square}});
      }
    }
    const Limits limits{.rows = 30, .pages = 4, .page_size = 8, .kv_type = KvType::f32};
    const Text text = random_text({25}, 100, limits, 4);
    const auto device = make_cpu_device({3, ""});
    for (const uint32_t step : {25u, 5u, 1u})
      EXPECT_EQ(logits_of(*device, in_place.program, limits, text, step),
                logits_of(*device, aside.program, limits, text, step));
  }
}

TEST(CpuDevice, RefusesProgramsThatDoNotFit) {
  const auto device = make_cpu_device({1, ""});
  const Limits limits{.rows = 4, .pages = 2, .page_size = 8, .kv_type = KvType::f32};
  const auto refused = [&](const std::function<void(Program&, Limits&)>& change, const std::string& what) {
    RandomProgram random =
        random_program({.layers = 1, .experts = 4, .used = 2, .format = Format::q4_0, .other = Format::q4_0}, 1);
    Limits changed = limits;
    change(random.program, changed);
    const std::string error = error_of([&] { device->compile(random.program, changed); });
    EXPECT_EQ(error.rfind("cpu: ", 0), 0u) << error;
    EXPECT_NE(error.find(what), std::string::npos) << error;
  };
  refused([](Program& p, Limits&) { std::get<Embed>(p.ops[0]).out = 99; }, "op 0: a slot does not exist");
  refused([](Program& p, Limits&) { std::get<Embed>(p.ops[0]).table = 99; }, "a weight does not exist");
  refused([](Program& p, Limits&) { p.vocabulary = 101; }, "vocabulary");
  refused([](Program& p, Limits&) { p.weights[0].bytes = p.weights[0].bytes.first(10); }, "fewer bytes");
  refused([](Program& p, Limits&) { p.weights[0].rows = UINT64_MAX; }, "fewer bytes");
  refused([](Program& p, Limits&) { p.weights[0].width = 33; }, "a width that its format cannot have");
  refused([](Program& p, Limits&) { p.weights[0].width = 0; }, "a width that its format cannot have");
  refused([](Program& p, Limits&) { p.weights[0].format = static_cast<Format>(77); }, "unknown format");
  refused([](Program& p, Limits&) { std::get<RopeKv>(p.ops[5]).layer = 1; }, "layer");
  refused([](Program& p, Limits&) { std::get<RopeKv>(p.ops[5]).table = 1; }, "rope table");
  refused([](Program& p, Limits&) { std::get<RopeKv>(p.ops[5]).head_size = 0; }, "head size");
  refused([](Program& p, Limits&) { std::get<RopeKv>(p.ops[5]).head_size = 8; }, "rope pairs");
  refused([](Program& p, Limits&) { std::get<Attend>(p.ops[6]).kv_heads = 3; }, "heads");
  refused([](Program& p, Limits&) { p.key_width = 16; }, "keys");
  refused(
      [](Program& p, Limits& l) {
        p.key_width = 24;
        l.kv_type = KvType::q8_0;
      },
      "multiple of 32");
  refused([](Program&, Limits& l) { l.rows = 0; }, "rows is 0");
  refused([](Program&, Limits& l) { l.page_size = 0; }, "page_size is 0");
  refused(
      [](Program&, Limits& l) {
        l.pages = UINT32_MAX;
        l.page_size = UINT32_MAX;
      },
      "not enough memory for the KV cache");
  refused([](Program& p, Limits&) { p.slot_width.push_back(0); }, "no width");
  refused(
      [&](Program& p, Limits&) {
        for (size_t i = 0; i < p.ops.size(); ++i)
          if (auto* route = std::get_if<Route>(&p.ops[i])) route->used = 5;
      },
      "too many experts");
  refused(
      [&](Program& p, Limits&) {
        for (size_t i = 0; i < p.ops.size(); ++i)
          if (auto* experts = std::get_if<Experts>(&p.ops[i])) experts->count = 3;
      },
      "op");
}

// The first op of a kind.
template <class T>
T& first(Program& program) {
  for (Op& op : program.ops)
    if (auto* one = std::get_if<T>(&op)) return *one;
  throw std::logic_error("no such op");
}

TEST(CpuDevice, RefusesFieldsThatDoNotFit) {
  const auto device = make_cpu_device({1, ""});
  const Limits limits{.rows = 4, .pages = 2, .page_size = 8, .kv_type = KvType::f32};
  const Shape everything{.layers = 1,
                         .experts = 4,
                         .used = 2,
                         .bias = true,
                         .head_norms = true,
                         .positions = true,
                         .sinks = true,
                         .temperature = 1,
                         .shared = true,
                         .choice_bias = true};
  const auto refused = [&](const Shape& shape, const std::function<void(Program&)>& change, const std::string& what) {
    RandomProgram random = random_program(shape, 1);
    EXPECT_EQ(error_of([&] { device->compile(random.program, limits); }), "no error");
    change(random.program);
    const std::string error = error_of([&] { device->compile(random.program, limits); });
    EXPECT_EQ(error.rfind("cpu: op ", 0), 0u) << error;
    EXPECT_NE(error.find(what), std::string::npos) << error;
  };
  const auto all = [&](const std::function<void(Program&)>& change, const std::string& what) {
    refused(everything, change, what);
  };
  all([](Program& p) { p.positions = 65; }, "does not fit");
  all([](Program& p) { p.positions = 0; }, "number of positions");
  all([](Program& p) { first<Embed>(p).bias = first<Route>(p).bias; }, "does not fit");
  all([](Program& p) { first<RmsNorm>(p).add = 3; }, "different widths");
  all([](Program& p) { p.weights[first<RmsNorm>(p).gain].width = 65; }, "");
  all([](Program& p) { p.weights[first<RmsNorm>(p).gain].width = 0; }, "width");
  all([](Program& p) { first<Linear>(p).times = 0; }, "factor");
  all([](Program& p) { first<Linear>(p).act = Activation::clamped; }, "activation of two values");
  all([](Program& p) { first<GateUp>(p).act = Activation::sigmoid; }, "gates nothing");
  all([](Program& p) { first<GateUp>(p).up_bias = first<Route>(p).bias; }, "does not fit");
  all([](Program& p) { first<Experts>(p).act = Activation::none; }, "gates nothing");
  all([](Program& p) { first<Experts>(p).down_bias = first<Experts>(p).up_bias; }, "does not fit");
  all([](Program& p) { first<RopeKv>(p).first = 1; }, "more rope pairs");
  all([](Program& p) { first<RopeKv>(p).temperature_span = 0; }, "without a span");
  all([](Program& p) { first<RopeKv>(p).v = kNoSlot; }, "values do not fit");
  all([](Program& p) { first<Attend>(p).sinks = first<Embed>(p).table; }, "does not fit");
  all([](Program& p) { first<Attend>(p).value_size = 8; }, "different widths");
  all(
      [](Program& p) {
        first<Attend>(p).causal = false;
        first<Attend>(p).window = 8;
      },
      "without an order");
  all([](Program& p) { first<Route>(p).groups = 3; }, "groups");
  all([](Program& p) { first<Route>(p).groups = 4; }, "groups");
  all([](Program& p) { first<Route>(p).selection_bias = first<Embed>(p).table; }, "does not fit");
  refused(
      {.layers = 1, .centered = true, .sinks = true},
      [](Program& p) { first<LayerNorm>(p).bias = first<Attend>(p).sinks; }, "does not fit");
  const Shape latent{.head_size = 40, .layers = 1, .rope_pairs = 4, .latent = 36};
  refused(
      latent, [](Program& p) { first<EachHead>(p).heads = 5; }, "heads do not fit");
  refused(
      latent, [](Program& p) { first<EachHead>(p).out_first = 9; }, "heads do not fit");
  refused(
      latent, [](Program& p) { first<EachHead>(p).out_stride = 8; }, "same values");
  refused(
      latent, [](Program& p) { first<EachHead>(p).in_count = 8; }, "does not fit");
  refused(
      latent, [](Program& p) { first<EachHead>(p).weight = kNoWeight; }, "heads do not fit");
  refused(
      latent, [](Program& p) { first<Attend>(p).kv_heads = 2; }, "heads do not fit");
}

TEST(CpuDevice, RefusesBatchesPastTheLastPosition) {
  const RandomProgram random = random_program({.positions = true}, 5);
  const Limits limits{.rows = 8, .pages = 12, .page_size = 8, .kv_type = KvType::f32};
  const auto plan = make_cpu_device({1, ""})->compile(random.program, limits);
  Batch batch = batch_of(random_text({90}, 100, limits, 4), 62, 64);
  plan->submit(batch);
  ++batch.positions[0];
  ++batch.positions[1];
  EXPECT_EQ(error_of([&] { plan->submit(batch); }), "batch: a position lies past the model's last");
}

TEST(CpuDevice, RefusesBatchesPastItsLimits) {
  const RandomProgram random = random_program({}, 5);
  const Limits limits{.rows = 8, .pages = 2, .page_size = 8, .kv_type = KvType::f32};
  const auto plan = make_cpu_device({2, ""})->compile(random.program, limits);
  Batch batch = batch_of(random_text({5}, 100, limits, 4), 0, 8);
  const Batch good = batch;
  batch.tokens[0] = 100;
  EXPECT_EQ(error_of([&] { plan->submit(batch); }), "batch: a token is out of range");
  batch = good;
  batch.pages[0] = 2;
  EXPECT_EQ(error_of([&] { plan->submit(batch); }), "batch: a page is out of range");
  plan->submit(good);  // the plan still works
  EXPECT_EQ(plan->wait().logits.size(), 500u);
}

TEST(Roofs, AreMeasured) {
  const Roofs roofs = measure_roofs({1, ""});
  EXPECT_GT(roofs.read_gb_s, 0);
  EXPECT_GT(roofs.int8_gops, 0);
}

}  // namespace
}  // namespace hearth
