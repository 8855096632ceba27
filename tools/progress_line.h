// A line on a terminal that says what is done and how much of all.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>

namespace hearth {

// Shown on stderr where that is a terminal, at most ten times a second, and gone with this.
class ProgressLine {
 public:
  void show(double share, const std::string& what) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || (share < 1 && now - shown_ < std::chrono::milliseconds(100))) return;
    shown_ = now;
    std::fprintf(stderr, "\r%3d %%  %s\033[K", static_cast<int>(share * 100), what.c_str());
  }
  ~ProgressLine() {
    if (terminal_) std::fputs("\r\033[K", stderr);
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace hearth
