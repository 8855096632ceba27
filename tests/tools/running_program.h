// `hearth serve` as a process of its own, which a test may kill.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace hearth {

class RunningProgram {
 public:
  // Starts the program with `arguments`, behind the words of `under` ("strace", ...), and waits for its address.
  // Throws std::runtime_error where it says none within a minute.
  RunningProgram(const std::vector<std::string>& arguments, std::vector<std::string> under = {});
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  uint16_t port() const { return port_; }
  // Sends a signal and waits for the end; the exit code, or minus the signal that ended it.
  int end_by(int signal);

 private:
  pid_t child_ = -1;
  uint16_t port_ = 0;
};

}  // namespace hearth
