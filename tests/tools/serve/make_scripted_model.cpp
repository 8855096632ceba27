// Writes the scripted model, or the one that calls a tool or plays a session, to the path that it is given, for tests
// that are no C++.
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "tests/tools/serve/calling_model.h"
#include "tests/tools/serve/playing_model.h"
#include "tests/tools/serve/scripted_model.h"

namespace {

std::string file_text(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int main(int count, char** words) try {
  const std::string_view kind = count > 2 ? words[1] : "";
  if (count == 2 && words[1][0] != '-')
    hearth::write_scripted_model(words[1]);
  else if (count == 3 && kind == "--calling")
    hearth::write_calling_model(words[2]);
  else if (count == 4 && kind == "--script")
    hearth::write_playing_model(words[3], hearth::read_script(file_text(words[2])));
  else
    return std::cerr << "usage: make_scripted_model [--calling | --script FILE] PATH\n", 2;
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
