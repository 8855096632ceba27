// What may come next in an answer: what the request's constraint and its tools ask for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/decode/answer.h"
#include "engine/decode/call_grammars.h"
#include "engine/decode/guide_path.h"
#include "engine/include/hearth/hearth.h"
#include "engine/text/prompt.h"

namespace hearth {

// The text of an answer obeys the constraint, from its first byte behind the reasoning; a call, where one must be made,
// comes there instead, and where one may, it may. The arguments of a call obey the schema of its tool as far as that
// can be followed. Made in any thread, then used by the engine's.
class Guide {
 public:
  // `tools` must outlive it. Throws Error (invalid_argument) for a constraint that cannot be followed.
  Guide(const GuideTools& tools, const Request& request, const Prompt& prompt);

  // Whether something limits the next token.
  bool binds() const { return !paths_.empty() || rest_ || pending_; }
  // Whether something may limit a later one, depending on what comes before it.
  bool may_bind() const { return binds() || constraint_ || required_ || !calls_.empty(); }
  // Sets the logits of tokens that may not come next to -infinity; nothing where nothing binds. False where that leaves
  // none.
  bool mask(std::span<float> logits, bool may_stop);
  // The token was drawn; false where it may not come.
  bool accept(int32_t token);
  // The answer has read the token.
  void follow(const Answer& answer);
  // Tokens that have to come next, as far as they are certain.
  std::vector<int32_t> forced();
  // The text is whole, and nothing may follow.
  bool finished() const { return finished_; }

 private:
  void begin_text(bool behind_reasoning);
  std::vector<GuideStep> call_steps(const CallFormat& format, bool behind_reasoning) const;
  std::vector<int32_t> tokens_of(const std::string& text) const;
  AutomatonPointer line_ends() const;
  void resolve_arguments();
  void follow_call(const Answer& answer);

  const GuideTools& tools_;
  AutomatonPointer constraint_;
  std::optional<SplitOptions> split_;  // null: the answer is text
  bool required_ = false;
  CallGrammars calls_;
  bool begins_text_ = false;
  bool thinks_ = false;           // the answer is in its reasoning
  bool pending_ = false;          // the text is still to come, and something binds it
  std::vector<GuidePath> paths_;  // those that the answer may still take
  std::optional<Matcher> rest_;   // of the call under way, outside of paths
  std::string call_name_;         // of the call under way; empty: none, or not known yet
  uint32_t seen_calls_ = 0;
  bool finished_ = false;
};

}  // namespace hearth
