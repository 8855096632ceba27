// What the calls of one answer must look like, compiled for the tools that it may call.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/decode/constraint/constraint_cache.h"
#include "engine/decode/constraint/token_trie.h"
#include "engine/text/answer/splitter.h"
#include "engine/text/tokenizer/tokenizer.h"

namespace hearth {

// What guides of one engine share.
struct GuideTools {
  const Tokenizer& tokenizer;
  ConstraintCache& cache;
  std::function<std::shared_ptr<const TokenTrie>()> trie;  // made when first asked for
};

// Everything is compiled, or found in the cache, when it is made: in the thread of the request, so that the engine's
// need not wait. Schemas of tools are written for other ends: what cannot be followed is left to the model, and so is
// what would take longer than a second in all. Immutable.
class CallGrammars {
 public:
  CallGrammars() = default;  // for answers without calls
  // For tools of `split`, whose format must outlive it, or for the one named `tool` alone. `whole`: calls may be
  // written from their beginning, else only the rest of a call that the model has begun is followed.
  CallGrammars(const GuideTools& shared, const SplitOptions& split, const std::string& tool, bool whole);

  bool empty() const { return rests_.empty(); }
  // What stands in front of the arguments of a call: its name, and the keys of an object. Null where there is none.
  AutomatonPointer head(const CallFormat& format) const;
  // The arguments, as a format writes them, and the end of its object or parameters; null: anything.
  AutomatonPointer arguments(const CallFormat& format, std::string_view tool) const;
  // What follows the name, up to the end of the arguments and what a token may add to them; null: anything. No format:
  // a message of a channel.
  AutomatonPointer rest(const CallFormat* format, std::string_view tool) const;

 private:
  using Table = std::map<std::pair<const CallFormat*, std::string>, AutomatonPointer>;

  Table rests_, arguments_;
  std::map<const CallFormat*, AutomatonPointer> heads_;
};

}  // namespace hearth
