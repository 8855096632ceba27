// Renders conversations of known words through a chat template, to see what it puts around them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/text/template/template.h"

namespace hearth {

// The words, unlikely in a template, that stand for what users and models write.
namespace probe {
inline constexpr std::string_view kSystem = "qzsystem", kUser = "qzuser", kAnswer = "qzanswer", kThought = "qzthought";
inline constexpr std::string_view kFirstTool = "qzfirst", kSecondTool = "qzsecond", kResult = "qzresult";
inline constexpr std::string_view kTextKey = "qzkeya", kText = "qzvala", kNumberKey = "qzkeyb", kNumber = "7261";
inline constexpr std::string_view kArguments = R"({"qzkeya": "qzvala", "qzkeyb": 7261})";
}  // namespace probe

class Prober {
 public:
  // The template must outlive it.
  Prober(const Template& chat_template, std::string bos, std::string eos);

  // The messages are JSON objects, separated by commas. nullopt where the template refuses them.
  std::optional<std::string> render(const std::string& messages, bool with_tools, bool generation_prompt = false,
                                    const std::string& more = "") const;

  static std::string user(std::string_view text = probe::kUser);
  static std::string message(std::string_view role, std::string_view text);
  static std::string answer(std::string_view text = probe::kAnswer);
  // An assistant's message with calls of the first tool, or of both.
  struct CallStyle {
    bool arguments_as_text = false;
    int calls = 1;
    bool function_ids = false;
    std::string id;    // of the first call; empty: nine letters and digits
    std::string more;  // further members of the message, with a comma in front
    std::string content;
  };
  static std::string calling(const CallStyle& style);
  static std::string result(std::string_view id, std::string_view text = probe::kResult);
  static constexpr std::string_view kFirstId = "qzcall001", kSecondId = "qzcall002";

 private:
  const Template& template_;
  std::string tokens_;
};

}  // namespace hearth
