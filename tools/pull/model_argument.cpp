// Names in place of files.
#include "tools/pull/model_argument.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <optional>

#include "tools/fetch/patience.h"
#include "tools/fetch/progress.h"
#include "tools/store/find_model.h"

namespace hearth {
namespace {

std::atomic<bool> pull_interrupted = false;

size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10 ? size.ws_col - 1u : 79u;
}

}  // namespace

struct PullDisplay::State {
  bool terminal = isatty(STDERR_FILENO) != 0;
  bool line_shown = false;
  fetch::RateMeter meter;
  std::optional<fetch::Step::Kind> kind;
  struct sigaction before {};

  void say(const std::string& line) {
    clear();
    std::cerr << "hearth: " + line + "\n";
  }

  void show(const fetch::Step& step) {
    if (step.kind != kind) {
      meter = {};
      // Without a terminal only what takes long without a word is told.
      if (step.kind == fetch::Step::waiting) say("another process is fetching it; waiting");
      kind = step.kind;
    }
    if (!terminal || step.kind == fetch::Step::waiting) return;
    meter.add(std::chrono::steady_clock::now(), step.done);
    const std::string word = step.kind == fetch::Step::checking ? "checking " : "";
    std::cerr << "\r" + word +
                     fetch::progress_line(step.done, step.total, meter.rate(), terminal_width() - word.size()) +
                     "\033[K"
              << std::flush;
    line_shown = true;
  }

  void clear() {
    if (std::exchange(line_shown, false)) std::cerr << "\r\033[K" << std::flush;
  }
};

PullDisplay::PullDisplay() : state_(std::make_unique<State>()) {
  pull_interrupted = false;
  struct sigaction action {};
  // Who asks twice need not wait.
  action.sa_handler = [](int) {
    if (pull_interrupted.exchange(true)) _exit(128 + SIGINT);
  };
  sigaction(SIGINT, &action, &state_->before);
}

PullDisplay::~PullDisplay() {
  sigaction(SIGINT, &state_->before, nullptr);
  state_->clear();
}

void PullDisplay::attach(fetch::PullOptions& options) {
  options.say = [this](const std::string& line) { state_->say(line); };
  options.on_step = [this](const fetch::Step& step) { state_->show(step); };
  options.interrupted = [] { return pull_interrupted.load(); };
}

void ending_on_interrupt(const std::function<void()>& action) {
  try {
    action();
  } catch (const fetch::Interrupted& stopped) {
    std::cerr << std::string("hearth: ") + stopped.what() + "\n";
    throw CLI::RuntimeError(128 + SIGINT);
  }
}

void add_offline_option(CLI::App& command, bool& offline) {
  command.add_flag("--offline", offline, "Fetch nothing: a MODEL that is neither a file nor in the store is refused");
}

std::filesystem::path pulled_model(const std::string& text, const EngineOptions& options, bool offline,
                                   uint64_t memory) {
  if (text.empty() || store::exists(text)) return text;
  fetch::PullOptions pull;
  pull.settings = fetch::settings_of_environment();
  pull.settings.offline = pull.settings.offline || offline;
  pull.engine = options;
  pull.memory = memory;
  PullDisplay display;
  display.attach(pull);
  std::filesystem::path path;
  ending_on_interrupt([&] { path = fetch::find_or_pull(text, pull); });
  return path;
}

}  // namespace hearth
