// Line editing by libedit on a terminal, plain lines elsewhere.
#include "tools/run/chat.h"

#include <histedit.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include "tools/run/print_answer.h"

namespace hearth {

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

void install_interrupt_handler() {
  struct sigaction action = {};
  // A step of a large model takes long; who asks twice need not wait for its end.
  action.sa_handler = [](int) {
    if (interrupted.exchange(true)) _exit(128 + SIGINT);
  };
  sigaction(SIGINT, &action, nullptr);
}

void print_summary(const Result& result) {
  char rate[32] = "";  // of a few tokens it would mean nothing
  if (result.generate_seconds > 0 && result.generated_tokens >= 8)
    std::snprintf(rate, sizeof rate, ", %.1f tokens/s", (result.generated_tokens - 1) / result.generate_seconds);
  std::fprintf(stderr, "\n[prompt %u tokens, %u of them cached; first token after %.3f s; %u tokens%s%s]\n",
               result.prompt_tokens, result.cached_tokens, result.prompt_seconds, result.generated_tokens, rate,
               result.reason == FinishReason::context_full ? "; the context is full"
               : result.reason == FinishReason::cancelled  ? "; cancelled"
                                                           : "");
}

namespace {

constexpr const char* kHelp =
    "/help     this text\n"
    "/clear    begin a new conversation\n"
    "/exit     leave (also Ctrl-D)\n"
    "Ctrl-C    stop an answer\n";

char* prompt(EditLine*) {
  static char text[] = "> ";
  return text;
}

// Lines from a terminal, with history and editing, or from a pipe.
class Lines {
 public:
  Lines() {
    if (isatty(STDIN_FILENO) == 0) return;
    // The editor drops what the locale cannot say.
    if (std::setlocale(LC_CTYPE, "") == nullptr || MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
    history_ = history_init();
    editor_ = el_init("hearth", stdin, stdout, stderr);
    HistEvent event;
    history(history_, &event, H_SETSIZE, 1000);
    el_set(editor_, EL_PROMPT, prompt);
    el_set(editor_, EL_EDITOR, "emacs");
    el_set(editor_, EL_HIST, history, history_);
  }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;
  ~Lines() {
    if (editor_ != nullptr) el_end(editor_);
    if (history_ != nullptr) history_end(history_);
  }

  bool on_terminal() const { return editor_ != nullptr; }

  // Without its end of line; nullopt at the end of input.
  std::optional<std::string> next() {
    if (editor_ == nullptr) {
      std::string line;
      return std::getline(std::cin, line) ? std::optional(line) : std::nullopt;
    }
    int count = 0;
    const char* text = el_gets(editor_, &count);
    if (interrupted.exchange(false)) {
      std::cout << '\n';
      return "";
    }
    if (text == nullptr || count <= 0) return std::nullopt;
    std::string line(text, static_cast<size_t>(count));
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    HistEvent event;
    if (!line.empty()) history(history_, &event, H_ENTER, line.c_str());
    return line;
  }

 private:
  EditLine* editor_ = nullptr;
  History* history_ = nullptr;
};

}  // namespace

bool chat(Engine& engine, const Request& options) {
  Lines lines;
  if (lines.on_terminal())
    std::cout << "A conversation with " << engine.info().name << "; /help shows the commands.\n"
              << (engine.info().has_chat_template ? ""
                                                  : "The model has no chat template: each line is completed alone.\n");
  bool all_answered = true;
  std::vector<Message> messages;
  while (const auto line = lines.next()) {
    if (line->empty()) continue;
    const std::string command = line->substr(0, line->find_last_not_of(' ') + 1);
    if (command == "/exit") break;
    if (command == "/help") {
      std::cout << kHelp;
    } else if (command == "/clear") {
      messages.clear();
    } else if (line->front() == '/') {
      std::cerr << "hearth: there is no command " << command << "; /help shows them\n";
    } else {
      messages.push_back({"user", *line});
      Request request = options;
      if (engine.info().has_chat_template)
        request.prompt = messages;
      else
        request.prompt = *line;
      try {
        interrupted = false;
        const Result result = print_answer(engine, request);
        std::cout << '\n';
        print_summary(result);
        messages.push_back({"assistant", result.text});
      } catch (const Error& error) {  // the conversation goes on without the line that failed
        std::cerr << "hearth: " << error.what() << '\n';
        messages.pop_back();
        all_answered = false;
      }
      interrupted = false;
    }
  }
  return all_answered || lines.on_terminal();
}

}  // namespace hearth
