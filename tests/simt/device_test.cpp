// What the CUDA backend does with a driver: choosing devices, memory, failures.
#include "backends/gpu/device.h"

#include "kernels/gpu/row_parameters.h"
#include "tests/backends/random_program.h"
#include "tests/simt/fake_driver.h"

namespace hearth {
namespace {

TEST(CudaDevices, AreChosenByNumberByNameAndByWhatTheyLack) {
  const cuda::Driver driver = simt::fake_driver(0, 2);
  EXPECT_EQ(cuda::choose(driver, "").name, "Interpreter");
  EXPECT_EQ(cuda::choose(driver, "0").name, "Interpreter");
  EXPECT_EQ(cuda::choose(driver, "interp").major, 9);
  EXPECT_TRUE(cuda::candidates(simt::fake_driver(0, 0)).empty());
  simt::fake_driver(0, 2);
  cuda::Driver old = driver;
  old.cuDriverGetVersion = [](int* version) { return *version = 12040, 0; };
  try {
    cuda::candidates(old);
    ADD_FAILURE() << "no error";
  } catch (const DeviceError& error) {
    EXPECT_STREQ(error.what(), "cuda: the installed driver is for CUDA 12.4; one for 13.0 (580 or later) is needed");
  }
  const auto message = [&](const char* which) {
    try {
      cuda::choose(driver, which);
    } catch (const DeviceError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(message("older"), "cuda: Older Interpreter cannot run programs, for it lacks compute capability 8.0");
  EXPECT_EQ(message("2"), "cuda: there is no device \"2\"; there are 0 (Interpreter), 1 (Older Interpreter)");
  simt::fake_driver(0, 0);
  EXPECT_EQ(message(""), "cuda: there is no NVIDIA GPU on this machine");
}

TEST(CudaDevices, GiveBackWhatTheyTookAndSayWhatIsShort) {
  const RandomProgram random = random_program({}, 7);
  const Limits limits{.rows = 8, .pages = 4, .page_size = 8};
  auto fresh = simt::make_interpreted_machine();
  const size_t before = simt::fake_driver_holds();
  gpu::make_device(fresh, true)->compile(random.program, limits);
  EXPECT_EQ(simt::fake_driver_holds(), before);
  simt::let_fake_driver_have(before + 1000);
  try {
    gpu::make_device(fresh, true)->compile(random.program, limits);
    ADD_FAILURE() << "no error";
  } catch (const DeviceError& error) {
    EXPECT_NE(std::string(error.what()).find("of memory free, but the weights need"), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(simt::fake_driver_holds(), before);
  fresh.reset();
  EXPECT_EQ(simt::fake_driver_holds(), 0u);
}

TEST(CudaDevices, AreLostByWhatADriverAnswersForGood) {
  cuda::Driver driver = simt::fake_driver();
  for (const int loss : {46, 214, 700, 702, 715, 719, 999})
    EXPECT_THROW(cuda::check(driver, loss, "a test"), DeviceLost) << loss;
  try {
    cuda::check(driver, 2, "a test");  // too little memory
    ADD_FAILURE() << "no error";
  } catch (const DeviceError& error) {
    EXPECT_EQ(dynamic_cast<const DeviceLost*>(&error), nullptr) << error.what();
  }
  static const auto synchronize = driver.cuEventSynchronize;
  static int answer = 0;
  driver.cuEventSynchronize = [](cuda::CUevent event) { return synchronize(event), answer; };
  auto machine = std::make_shared<cuda::CudaMachine>(driver, cuda::choose(driver, ""), simt::any_image);
  const RandomProgram random = random_program({}, 7);
  const Limits limits{.rows = 8, .pages = 4, .page_size = 8};
  const Text text = random_text({4}, 100, limits, 3);
  auto plan = gpu::make_device(machine, true)->compile(random.program, limits);
  plan->submit(batch_of(text, 0, 4));
  answer = 719;
  EXPECT_THROW(plan->wait(), DeviceLost);
  plan.reset();
  machine.reset();
  EXPECT_EQ(simt::fake_driver_holds(), 0u);
}

TEST(CudaDevices, BeginAKernelBesideTheOneBeforeWhereItsCodeWaits) {
  const gpu::CopyHeadsParameters args{};
  for (const auto [code, captured] : {std::pair(90, "tBK.kKTB"), std::pair(80, "kkk.kkkk")}) {
    cuda::Driver driver = simt::fake_driver();
    simt::let_fake_driver_have_code(code);
    cuda::CudaMachine machine(driver, cuda::choose(driver, ""), simt::any_image);
    const gpu::Buffer buffer = machine.take(256, gpu::Place::device, "a test");
    const std::unique_ptr<gpu::Work> work = machine.record();
    const auto launch = [&] { work->launch({"copy_heads", {}, std::as_bytes(std::span(&args, 1)), {1}}); };
    for (int i = 0; i < 2; ++i) launch();
    work->barrier();
    launch();
    work->zero(buffer);
    for (int i = 0; i < 3; ++i) {
      work->barrier();
      launch();
    }
    launch();
    work->end();
    EXPECT_EQ(simt::fake_driver_captured(), captured);
  }
}

TEST(CudaDevices, NameWhatAKernelDidWrong) {
  const auto fresh = simt::make_interpreted_machine();
  const gpu::GateParameters args{.gate = 64, .in = 64, .out = 64, .batch = 64, .width = 1, .rows_at = 0, .act = 0};
  try {
    fresh->run_once([&](gpu::Work& work) { work.launch({"gate", {}, std::as_bytes(std::span(&args, 1)), {1}}); });
    ADD_FAILURE() << "no error";
  } catch (const DeviceError& error) {
    EXPECT_NE(std::string(error.what()).find("gate"), std::string::npos) << error.what();
  }
  EXPECT_THROW(fresh->prepare("none", {}), DeviceError);
}

}  // namespace
}  // namespace hearth
