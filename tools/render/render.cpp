// hearth render: a conversation through a chat template.
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "engine/text/template/chat_context.h"
#include "engine/text/template/template.h"
#include "formats/gguf.h"
#include "tools/command.h"
#include "tools/store/find_model.h"

namespace hearth {
namespace {

struct RenderOptions {
  std::string model, file;
};

std::string template_source(const RenderOptions& options) {
  if (options.model.empty() == options.file.empty()) throw UsageError("render: give either MODEL or --template");
  if (!options.file.empty()) {
    std::ifstream in(options.file, std::ios::binary);
    std::string source;
    char block[64 << 10];
    while (in.read(block, sizeof block), in.gcount() > 0) source.append(block, static_cast<size_t>(in.gcount()));
    if (!in.eof()) throw Error(ErrorCode::invalid_argument, options.file + ": cannot be read");
    return source;
  }
  const Gguf file = Gguf::open(store::find_model(options.model));
  const auto source = file.find_string("tokenizer.chat_template");
  if (!source) throw Error(ErrorCode::bad_template, options.model + ": has no chat template");
  return std::string(*source);
}

void render(const RenderOptions& options) {
  const Template chat_template = Template::parse(template_source(options));
  Value request;
  try {
    request = parse_json(read_stdin());
  } catch (const TemplateError& error) {
    throw UsageError(std::string("standard input: ") + error.what());
  }
  if (!request.is_dict()) throw UsageError("standard input is no JSON object");
  RenderLimits limits;
  if (const Value* now = request.find("now"); now != nullptr && now->is_string()) limits.now = now->string();
  std::cout << chat_template.render(chat_context(request), limits);
}

}  // namespace

void add_render(CLI::App& program) {
  const auto options = std::make_shared<RenderOptions>();
  CLI::App* command = program.add_subcommand("render", "A conversation as JSON on stdin to a prompt on stdout");
  command->add_option("MODEL", options->model, "A GGUF file, whose chat template is used");
  command->add_option("--template", options->file, "A file with a chat template");
  command->footer(
      "The JSON object may hold messages, tools, documents, add_generation_prompt, bos_token, eos_token, extra\n"
      "(an object of further variables) and now (local time for strftime_now, as 2026-11-23T12:34:56).");
  command->callback([=] { render(*options); });
}

}  // namespace hearth
