// The program `hearth`: its subcommands, and how they end.
#include <csignal>
#include <cstdio>
#include <iostream>
#include <span>
#include <string_view>

#include "tools/command.h"
#include "tools/devices/probe.h"

namespace {

constexpr int kFailed = 1, kUsage = 2;

int fail(const char* what, int code) {
  std::cerr << "hearth: " << what << '\n';
  return code;
}

// What is parsed would take the next word for the value of "--name=".
void require_values(std::span<char*> words) {
  for (const std::string_view word : words) {
    if (word == "--") return;
    if (word.starts_with("--") && word.find('=') == word.size() - 1)
      throw hearth::UsageError(std::string(word) + " has no value behind it");
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_DFL);
  CLI::App program("Runs language models on this machine.", "hearth");
  program.require_subcommand(1);
  program.set_version_flag("--version", HEARTH_VERSION);
  hearth::add_run(program);
  hearth::add_inspect(program);
  hearth::add_tokenize(program);
  hearth::add_detokenize(program);
  hearth::add_render(program);
  hearth::add_logits(program);
  hearth::add_bench(program);
  hearth::add_imatrix(program);
  hearth::add_perplexity(program);
  hearth::add_quantize(program);
  hearth::add_convert(program);
  hearth::add_serve(program);
  hearth::add_audit(program);
  hearth::add_pull(program);
  hearth::add_list(program);
  hearth::add_show(program);
  hearth::add_rm(program);
  hearth::add_compare(program);
  hearth::add_devices(program);
  hearth::add_conform(program);
  hearth::add_probe_gpus(program);
  try {
    require_values({argv, static_cast<size_t>(argc)});
    program.parse(argc, argv);
    std::cout.flush();
    if (!std::cout) return fail("cannot write to standard output", kFailed);
    return 0;
  } catch (const CLI::CallForHelp& help) {
    return program.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return program.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return program.exit(version);
  } catch (const CLI::RuntimeError& ended) {  // what there was to say has been said
    return ended.get_exit_code();
  } catch (const CLI::ParseError& error) {
    std::string line = error.what();
    line = line.substr(0, line.find('\n'));
    if (argc > 1 && argv[1][0] != '-' && program.get_subcommands().empty())
      line = "there is no subcommand '" + std::string(argv[1]) + "'";
    return fail((line + " (see --help)").c_str(), kUsage);
  } catch (const hearth::UsageError& error) {
    return fail(error.what(), kUsage);
  } catch (const hearth::Error& error) {
    return fail(error.what(), error.code() == hearth::ErrorCode::invalid_argument ? kUsage : kFailed);
  } catch (const std::bad_alloc&) {
    return fail("there is not enough memory", kFailed);
  } catch (const std::exception& error) {
    return fail(error.what(), kFailed);
  }
}
