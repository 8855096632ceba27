// Runs build/PRESET/hearth as a user does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth {

struct Outcome {
  int exit_code = -1;  // -1: ended by `signal`
  int signal = 0;      // SIGKILL also where it ran longer than a minute
  std::string out, err;
  long peak_rss_kib = 0;
};

// Runs the program with `arguments` and `input` on stdin, to its end. Throws std::runtime_error where it cannot start.
Outcome run_program(const std::vector<std::string>& arguments, std::string_view input = {});

// Expects what every refusal is: the exit code, nothing on stdout, and one line on stderr, which is returned.
std::string expect_refusal(const Outcome& outcome, int exit_code);

}  // namespace hearth
