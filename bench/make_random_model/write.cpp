// Metadata, then the tensors in pieces: threads make one batch of pieces while the one before is written.
#include "bench/make_random_model/write.h"

#include <algorithm>
#include <thread>

#include "bench/make_random_model/random_blocks.h"
#include "bench/make_random_model/vocabulary.h"
#include "formats/gguf_writer.h"

namespace hearth {
namespace {

constexpr uint64_t kPieceBytes = uint64_t{4} << 20;

void add_metadata(GgufWriter& writer, const Preset& preset, const Storage& storage) {
  const std::string at = std::string(preset.architecture) + ".";
  const uint32_t head = preset.head();
  writer.add("general.architecture", std::string_view(preset.architecture));
  writer.add("general.type", std::string_view("model"));
  writer.add("general.name", std::string("Random weights in the shape of ") + preset.name);
  writer.add("general.license", std::string_view("CC0-1.0"));
  writer.add("general.file_type", storage.file_type);
  writer.add("general.quantization_version", uint32_t{2});
  writer.add(at + "vocab_size", preset.vocabulary);
  writer.add(at + "context_length", preset.context);
  writer.add(at + "embedding_length", preset.width);
  writer.add(at + "block_count", preset.layers);
  writer.add(at + "feed_forward_length", preset.ffn);
  writer.add(at + "attention.head_count", preset.heads);
  writer.add(at + "attention.head_count_kv", preset.kv_heads);
  writer.add(at + "attention.key_length", head);
  writer.add(at + "attention.value_length", head);
  writer.add(at + "attention.layer_norm_rms_epsilon", preset.norm_epsilon);
  writer.add(at + "rope.freq_base", preset.rope_base);
  writer.add(at + "rope.dimension_count", preset.delta_heads != 0 ? head / 4 : head);
  if (preset.delta_heads == 0) return;
  const uint32_t turning = head / 8;  // pairs; those of time, height and width, which are one in texts
  const int32_t sections[] = {static_cast<int32_t>(turning - 2 * (turning / 3)), static_cast<int32_t>(turning / 3),
                              static_cast<int32_t>(turning / 3), 0};
  writer.add_array(at + "rope.dimension_sections", std::span<const int32_t>(sections));
  writer.add(at + "full_attention_interval", uint32_t{4});
  writer.add(at + "ssm.conv_kernel", uint32_t{4});
  writer.add(at + "ssm.state_size", preset.delta_size);
  writer.add(at + "ssm.group_count", preset.delta_heads);
  writer.add(at + "ssm.time_step_rank", preset.delta_heads);
  writer.add(at + "ssm.inner_size", preset.delta_heads * preset.delta_size);
}

void add_tokenizer(GgufWriter& writer, const Preset& preset) {
  const Vocabulary vocabulary = make_vocabulary(preset);
  const std::vector<std::string_view> tokens(vocabulary.tokens.begin(), vocabulary.tokens.end());
  const std::vector<std::string_view> merges(vocabulary.merges.begin(), vocabulary.merges.end());
  writer.add("tokenizer.ggml.model", std::string_view("gpt2"));
  writer.add("tokenizer.ggml.pre", std::string_view(preset.pre));
  writer.add_strings("tokenizer.ggml.tokens", tokens);
  writer.add_array("tokenizer.ggml.token_type", std::span<const int32_t>(vocabulary.types));
  writer.add_strings("tokenizer.ggml.merges", merges);
  writer.add("tokenizer.ggml.bos_token_id", preset.bos_id);
  writer.add("tokenizer.ggml.eos_token_id", preset.eos_id);
  writer.add("tokenizer.ggml.add_bos_token", preset.add_bos);
}

// A run of whole blocks of one matrix, or a vector's values.
struct Piece {
  const PlannedTensor* tensor;
  size_t source;  // of the matrix, in the list of RandomBlocks
  uint64_t first_block, bytes;
};

std::vector<Piece> cut(const PlannedModel& model, uint64_t seed, std::vector<RandomBlocks>& sources) {
  std::vector<Piece> pieces;
  for (const PlannedTensor& tensor : model.tensors) {
    if (!tensor.values.empty()) {
      pieces.push_back({&tensor, 0, 0, tensor.values.size() * sizeof(float)});
      continue;
    }
    const uint64_t key = RandomWords(seed, sources.size() + 1).next();
    sources.emplace_back(tensor.format, tensor.deviation, key);
    const FormatInfo& info = format_info(tensor.format);
    const uint64_t blocks = tensor.dims[0] / info.block_size * tensor.dims[1], most = kPieceBytes / info.block_bytes;
    for (uint64_t first = 0; first < blocks; first += most) {
      pieces.push_back({&tensor, sources.size() - 1, first, std::min(most, blocks - first) * info.block_bytes});
    }
  }
  return pieces;
}

using Buffers = std::vector<std::vector<std::byte>>;

void make(const Piece& piece, const std::vector<RandomBlocks>& sources, std::vector<std::byte>& buffer) {
  if (piece.tensor->values.empty()) {
    sources[piece.source].fill(piece.first_block, buffer);
  } else {
    std::ranges::copy(std::as_bytes(std::span(piece.tensor->values)), buffer.begin());
  }
}

}  // namespace

std::vector<std::string> write_random_model(const std::filesystem::path& path, const Preset& preset,
                                            const Storage& storage, uint64_t seed, unsigned threads) {
  const PlannedModel model = plan_model(preset, storage, seed);
  GgufWriter writer(path);
  add_metadata(writer, preset, storage);
  add_tokenizer(writer, preset);
  for (const PlannedTensor& tensor : model.tensors) writer.add_tensor(tensor.name, tensor.format, tensor.dims);

  std::vector<RandomBlocks> sources;
  const std::vector<Piece> pieces = cut(model, seed, sources);
  Buffers made(threads), written(threads);
  for (size_t first = 0; first < pieces.size() + threads; first += threads) {
    // In this turn the pieces from `first` on are made, and those of the turn before are written.
    std::vector<std::jthread> workers;
    for (size_t i = 0; i < threads && first + i < pieces.size(); ++i) {
      made[i].resize(pieces[first + i].bytes);
      workers.emplace_back([&, i] { make(pieces[first + i], sources, made[i]); });
    }
    for (size_t i = 0; first > 0 && i < threads && first - threads + i < pieces.size(); ++i) writer.write(written[i]);
    workers.clear();
    std::swap(made, written);
  }
  writer.finish();
  return model.notes;
}

}  // namespace hearth
