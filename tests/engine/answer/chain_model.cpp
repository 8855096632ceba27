// One-hot embeddings, and an output matrix that is the table of followers; attention and the rest are nothing.
#include "tests/engine/answer/chain_model.h"

#include <map>

#include "tests/engine/one_layer_model.h"

namespace hearth {
namespace {

constexpr float kCertain = 4;  // logit of a follower, times the square root of the width; others have 0
constexpr uint64_t kHead = 32, kInner = 32;

size_t add_piece(OneLayerModel& model, const ChainPiece& piece) {
  return piece.control ? model.add_control(piece.text) : model.add_text(piece.text);
}

}  // namespace

void write_chain_model(const std::filesystem::path& path, const std::string& chat_template,
                       const std::vector<ChainPiece>& pieces, const ChainPiece& closing) {
  OneLayerModel model;
  model.name = "chain";
  model.chat_template = chat_template;
  model.context = 4096;
  model.head_width = kHead;
  model.hidden = kInner;
  model.add_bytes();
  const size_t end = model.end = model.add_control("<|end|>");
  for (const char* role : {"system", "user", "tool"}) model.add_control("<|" + std::string(role) + "|>");
  size_t last = model.add_control("<|assistant|>");
  std::map<size_t, size_t> followers;
  for (const ChainPiece& piece : pieces) {
    const bool ends = piece.control && piece.text == "<|end|>";
    const size_t next = ends ? end : add_piece(model, piece);
    followers[last] = next;
    last = next;
  }
  if (last != end) followers.emplace(last, end);
  const size_t close = add_piece(model, closing);
  followers['}'] = close;
  followers[close] = end;

  const uint64_t count = model.tokens.size(), width = (count + kHead - 1) / kHead * kHead;
  model.width = width;
  model.heads = width / kHead;
  model.embedding.resize(width * count);
  model.output.resize(width * count);
  for (size_t token = 0; token < count; ++token) {
    model.embedding[token * width + token] = 1;
    const auto follower = followers.find(token);
    model.output[(follower == followers.end() ? size_t{'.'} : follower->second) * width + token] = kCertain;
  }
  write_one_layer_model(path, model);
}

}  // namespace hearth
