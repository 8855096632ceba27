// Writes the scripted model to the path that it is given, for tests that are no C++.
#include <iostream>

#include "tests/tools/serve/scripted_model.h"

int main(int count, char** words) {
  if (count != 2) {
    std::cerr << "usage: make_scripted_model PATH\n";
    return 2;
  }
  hearth::write_scripted_model(words[1]);
}
