// A conversation in the terminal.
#pragma once

#include <atomic>

#include "hearth/hearth.h"

namespace hearth {

// Reads lines until end of input or /exit. `request` holds the options of every answer. Ctrl-C ends an answer, not the
// program; at the prompt it clears the line.
// False where the lines came from no terminal and one of them could not be answered.
bool chat(Engine& engine, const Request& request);

// True from the first Ctrl-C on, until it is set to false; the handler must be installed.
extern std::atomic<bool> interrupted;
void install_interrupt_handler();
void print_summary(const Result& result);

}  // namespace hearth
