// A user's program: two engines in one process give the same text, and a wrong path is an exception.
#include <hearth/hearth.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    auto first = hearth::Engine::load(argv[1]);
    hearth::EngineOptions exact;
    exact.device = "reference";
    auto second = hearth::Engine::load(argv[1], exact);
    hearth::Request request;
    request.prompt = "def add(a, b):";
    request.max_tokens = 8;
    request.sampling.temperature = 0;
    const auto text = first.generate(request).text;
    std::printf("%s\n", text.c_str());
    if (text.empty() || text != second.generate(request).text) return 1;
  } catch (const hearth::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  try {
    hearth::Engine::load("no such file");
  } catch (const hearth::Error& error) {
    return error.code() == hearth::ErrorCode::bad_model ? 0 : 1;
  }
  return 1;
}
