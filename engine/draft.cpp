// Loading a draft model and checking that it fits.
#include "engine/draft.h"

#include <algorithm>
#include <string>

#include "engine/include/hearth/hearth.h"
#include "formats/byte_cursor.h"

namespace hearth {
namespace {

// Padding behind the tokens may differ, as it does between sizes of one family.
void require_same_tokens(const LoadedModel& draft, const LoadedModel& target) {
  const Vocabulary& ours = draft.tokenizer.vocabulary();
  const Vocabulary& theirs = target.tokenizer.vocabulary();
  const size_t both = std::min<size_t>(ours.size(), theirs.size());
  for (size_t i = 0; i < both; ++i) {
    const auto id = static_cast<int32_t>(i);
    if (ours.text(id) == theirs.text(id)) continue;
    throw Error(ErrorCode::invalid_argument, "a draft model needs the vocabulary of the model: token " +
                                                 std::to_string(i) + " is " + in_quotes(ours.text(id)) +
                                                 " in the draft and " + in_quotes(theirs.text(id)) + " in the model");
  }
}

}  // namespace

LoadedModel load_draft(const std::filesystem::path& path, const LoadedModel& target, uint32_t parallel) {
  LoadedModel model = load_model(Gguf::open(path), {.context = target.context,
                                                    .kv_type = target.limits.kv_type,
                                                    .pre_tokenizer = {},
                                                    .chat_template = false,
                                                    .parallel = parallel,
                                                    .cache_tokens = target.limits.pages * target.limits.page_size});
  if (!model.config.causal)
    throw Error(ErrorCode::invalid_argument,
                "a model of the architecture " + std::string(model.config.architecture->name) + " drafts no text");
  if (model.limits.states > 0)
    throw Error(ErrorCode::invalid_argument, "a model of the architecture " +
                                                 std::string(model.config.architecture->name) +
                                                 " keeps states, which take back no guesses; it cannot draft");
  require_same_tokens(model, target);
  return model;
}

}  // namespace hearth
