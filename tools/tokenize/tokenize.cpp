// hearth tokenize and hearth detokenize: text to ids and back.
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/text/tokenizer/tokenizer.h"
#include "tools/command.h"
#include "tools/store/find_model.h"

namespace hearth {
namespace {

struct TokenizeOptions {
  std::string model, pre;
  bool special = false;
};

Tokenizer load(const TokenizeOptions& options) {
  if (options.model.empty()) return Tokenizer::load(Gguf::view(builtin_model(), "the built-in model"), {options.pre});
  return Tokenizer::load(Gguf::open(store::find_model(options.model)), {options.pre});
}

void tokenize(const TokenizeOptions& options) {
  const Tokenizer tokenizer = load(options);
  std::cout << nlohmann::json(tokenizer.encode(read_stdin(), options.special)).dump() << '\n';
}

void detokenize(const TokenizeOptions& options) {
  const Tokenizer tokenizer = load(options);
  std::vector<int32_t> ids;
  try {
    const auto json = nlohmann::json::parse(read_stdin());
    if (!json.is_array()) throw UsageError("standard input is no JSON array");
    for (const auto& id : json) {
      if (!id.is_number_integer() || (id.is_number_unsigned() && id.get<uint64_t>() > INT32_MAX) ||
          id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX)
        throw UsageError("an element of the array is no token id: " +
                         id.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
      ids.push_back(id.get<int32_t>());
    }
  } catch (const nlohmann::json::exception&) {
    throw UsageError("standard input is no JSON array of token ids");
  }
  std::cout << tokenizer.decode(ids, options.special);
}

void add(CLI::App& program, const char* name, const char* what, const char* special,
         void (*run)(const TokenizeOptions&)) {
  const auto options = std::make_shared<TokenizeOptions>();
  CLI::App* command = program.add_subcommand(name, what);
  command->add_option("MODEL", options->model, "A GGUF file; a vocabulary is enough")->required();
  command->add_option("--pre", options->pre, "Pre-tokenizer, instead of the one that the file names");
  command->add_flag("--special", options->special, special);
  command->callback([=] { run(*options); });
}

}  // namespace

void add_tokenize(CLI::App& program) {
  add(program, "tokenize", "Text on stdin to a JSON array of token ids on stdout; neither BOS nor EOS is added",
      "Recognise special tokens in the text", tokenize);
}

void add_detokenize(CLI::App& program) {
  add(program, "detokenize", "A JSON array of token ids on stdin to text on stdout", "Show special tokens", detokenize);
}

}  // namespace hearth
