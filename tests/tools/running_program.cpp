// A child whose first line tells where it listens.
#include "tests/tools/running_program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

extern char** environ;

namespace hearth {

RunningProgram::RunningProgram(const std::vector<std::string>& arguments, std::vector<std::string> under) {
  std::vector<std::string> words = std::move(under);
  words.push_back(HEARTH_PROGRAM_PATH);
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  const int refused = posix_spawnp(&child_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string line;
  if (refused == 0) {
    pollfd ready{ends[0], POLLIN, 0};
    for (char c = 0; line.find('\n') == line.npos && poll(&ready, 1, 60'000) == 1 && read(ends[0], &c, 1) == 1;)
      line += c;
  }
  close(ends[0]);
  const size_t colon = line.rfind(':');
  if (colon == line.npos || !line.starts_with("Hearth answers at ")) {
    if (refused == 0) end_by(SIGKILL);
    throw std::runtime_error("the program did not start: " + line);
  }
  port_ = static_cast<uint16_t>(std::stoul(line.substr(colon + 1)));
}

RunningProgram::~RunningProgram() {
  if (child_ > 0) end_by(SIGKILL);
}

int RunningProgram::end_by(int signal) {
  int status = 0;
  kill(child_, signal);
  waitpid(child_, &status, 0);
  child_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace hearth
