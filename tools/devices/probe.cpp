// Starting this program again, and how that ended.
#include "tools/devices/probe.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>

#include "hearth/hearth.h"

extern char** environ;

namespace hearth {
namespace {

constexpr const char* kProbe = "probe-gpus";
constexpr std::chrono::seconds kPatience(30);  // drivers that wake a GPU take a few

// The status that waitpid() tells; nothing where it could not be started or did not end in time.
std::optional<int> run_probe(std::string backend, bool& started) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0);
  std::string program = "hearth", command = kProbe;
  char* const words[] = {program.data(), command.data(), backend.data(), nullptr};
  pid_t child = 0;
  started = posix_spawn(&child, "/proc/self/exe", &actions, nullptr, words, environ) == 0;
  posix_spawn_file_actions_destroy(&actions);
  if (!started) return std::nullopt;
  int status = 0;
  for (const auto end = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < end;) {
    if (waitpid(child, &status, WNOHANG) == child) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return std::nullopt;
}

}  // namespace

void add_probe_gpus(CLI::App& program) {
  CLI::App* command = program.add_subcommand(kProbe, "Open the drivers of GPUs, and name those")->group("");
  const auto backend = std::make_shared<std::string>();
  command->add_option("BACKEND", *backend)->required()->check(CLI::IsMember({"cuda", "vulkan"}));
  command->callback([backend] {
    for (const std::string& name : list_gpus(*backend)) std::cout << name << '\n';
  });
}

std::string gpu_trouble(const std::string& backend) {
  if (std::getenv("HEARTH_FORCE_GPUS") != nullptr) return {};
  bool started = false;
  const std::optional<int> status = run_probe(backend, started);
  if (!started) return {};  // where no process can be started nothing is known of drivers
  const std::string driver = backend + ": a driver of " + (backend == "cuda" ? "CUDA" : "Vulkan");
  if (!status) return driver + " does not come back when it is opened";
  if (WIFSIGNALED(*status)) return driver + " crashes when it is opened (" + strsignal(WTERMSIG(*status)) + ")";
  return {};
}

void require_sound_drivers(const std::string& device) {
  const std::string backend = device.substr(0, device.find(':'));
  if (backend != "vulkan" && backend != "cuda") return;
  std::string trouble = gpu_trouble(backend);
  if (trouble.empty()) return;
  if (backend == "vulkan") trouble += "; VK_DRIVER_FILES can name another";
  throw Error(ErrorCode::device, trouble + "; HEARTH_FORCE_GPUS=1 opens it all the same");
}

}  // namespace hearth
