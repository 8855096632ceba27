// Writes the scripted model, or the one that calls a tool, to the path that it is given, for tests that are no C++.
#include <iostream>
#include <string_view>

#include "tests/tools/serve/calling_model.h"
#include "tests/tools/serve/scripted_model.h"

int main(int count, char** words) {
  const bool calling = count == 3 && std::string_view(words[1]) == "--calling";
  if (count != 2 && !calling) {
    std::cerr << "usage: make_scripted_model [--calling] PATH\n";
    return 2;
  }
  if (calling)
    hearth::write_calling_model(words[2]);
  else
    hearth::write_scripted_model(words[1]);
}
