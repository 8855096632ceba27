// Hearth as a library: load a GGUF model, complete text with it.
//
//   auto engine = hearth::Engine::load("model.gguf");
//   hearth::Request request;
//   request.prompt = "Once upon a time";
//   engine.generate(request, [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); return true;
//   });
//
// Nothing here prints, exits, aborts or reads the environment. Every failure is a hearth::Error, whose message is one
// line. Several engines may live in one process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hearth {

enum class ErrorCode {
  invalid_argument = 1,  // an option or request that cannot be
  bad_model,             // a file that cannot be read, is damaged, or holds what Hearth does not run
  prompt_too_long,       // more tokens than the context holds
  bad_template,          // the chat template is outside the supported subset, or refuses the conversation
  out_of_memory,
  device,       // the device is absent, has no such kernels or not as many threads, or failed
  busy = 8,     // too many requests wait, or this one has waited too long; 7 is the C interface's "internal"
  bad_cache,    // a file of a cache that is damaged, or cannot be read or written
  other_cache,  // a file that another model or other options made, or another program
  device_lost,  // the device was lost while it computed this; the engine recovers, so that it may be asked again
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

// How the cache keeps keys and values: exact, halved, or in blocks of 32 bytes with one scale.
enum class CacheType { f32, f16, q8_0 };

// A LoRA adapter for a model: a GGUF file of the type "adapter".
struct AdapterFile {
  std::string name;  // empty: the file's, without its ending
  std::filesystem::path path;
  float scale = 1;  // in requests that do not say which adapters they use; 0: it is not used
};

// EngineOptions::gpu_layers: as many as fit into the memory that is free.
inline constexpr uint32_t kLayersThatFit = UINT32_MAX;

struct EngineOptions {
  // "cpu"; "cuda", "vulkan", or one of several: "cuda:1", "vulkan:PART-OF-ITS-NAME"; "reference": slow and exact
  std::string device = "cpu";
  // Of a GPU: how many layers of the model it computes, the last ones, with the output; the CPU computes those before
  // and looks tokens up. 0: none, more than there are: all of the model. Nothing: kLayersThatFit. Refused for other
  // devices.
  std::optional<uint32_t> gpu_layers;
  std::string kernels;  // instruction set of the CPU device; empty: the best of this machine
  // How vulkan multiplies: "scalar", "integer", or prompts by "matrices"; empty or "auto": what is fastest.
  std::string vulkan_products;
  uint32_t threads = 0;  // at most, as other programs may hold some up; 0: one for each core that the process may use
  uint32_t context = 0;  // tokens of prompt and answer; 0: the model's own, but at most 4096
  CacheType cache_type = CacheType::f16;
  uint32_t parallel = 1;         // most requests that are decoded together
  uint32_t cache_tokens = 0;     // tokens of all requests together that the cache holds; 0: the context times parallel
  uint32_t most_tokens = 0;      // of an answer, whatever its request says; 0: no limit
  uint32_t most_waiting = 1024;  // requests beyond it are refused as busy
  double longest_wait = 0;       // seconds until a request that has not begun is ended as busy; 0: no limit
  // Logits of a request are the same bits whatever it is decoded with; on a GPU prompts take longer.
  bool deterministic = false;
  // Speculation: tokens that are guessed to follow are computed with the one that is due, where that gives more tokens
  // a second, as measured while it runs. Tokens are drawn from the model's own logits as without; with `deterministic`
  // they are the same bits.
  bool lookup = false;          // guess that texts go on as they did before, which is frequent in edits of code
  std::filesystem::path draft;  // a small model with the same vocabulary, which guesses; empty: none
  bool embeddings = false;      // embed() is wanted: takes memory for a second cache of one context; encoders need none
  std::vector<AdapterFile> adapters;  // names are unique; requests may each use others, and are decoded together
  std::string pre_tokenizer;          // instead of the file's tokenizer.ggml.pre
  bool chat_template = true;          // false: the file's chat template is not looked at
  // Called with the share of the file that is in memory, 0 to 1, in the thread that loads. Without it the file is read
  // when first used.
  std::function<void(double)> on_load;
  // Told, in the thread that loads and before that takes long, which layers a GPU computes and what they take of its
  // memory: one line. Not called for other devices.
  std::function<void(const std::string&)> on_placement;
  // A device that is lost (its driver gives it up, or it is reset or removed) ends the requests that run with an error
  // (device_lost). Those that wait go on once the engine has made the device anew, with the weights, and an empty
  // cache; where that fails, or the device is lost again before it has ended a request, on the CPU, until the engine is
  // loaded again. Told, from the engine's thread, what was lost and what computes from then on, a line each.
  std::function<void(const std::string&)> on_recovery;
  // Called in the engine's thread before a lost device is opened again, as a bad driver may end the process; what it
  // throws says why it must not be, and the CPU computes.
  std::function<void()> before_reopening;
  // Told lines for a log, from the engine's thread: why a prompt was not found in the cache, for one.
  std::function<void(std::string_view)> on_log;
};

struct Sampling {
  float temperature = 0.8f;      // 0: always the likeliest token
  uint32_t top_k = 40;           // 0: all
  float top_p = 0.95f;           // 1: all
  float min_p = 0.05f;           // tokens below this share of the likeliest one's probability are out; 0: none
  float repeat_penalty = 1;      // divides positive and multiplies negative logits of recent tokens; 1: off
  float presence_penalty = 0;    // taken from the logit of every recent token
  float frequency_penalty = 0;   // taken once for each time it occurred
  uint32_t penalty_window = 64;  // recent tokens that penalties look at, of prompt and answer
  std::optional<uint64_t> seed;  // the same seed gives the same text; without one a random seed
  std::vector<std::pair<int32_t, float>> logit_bias;  // added to the logits of tokens; -infinity forbids one
};

struct Message {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

// A conversation as the model's chat template wants it: one JSON object with messages, and tools, documents,
// add_generation_prompt (true where absent) and extra where there are any. A text `prefill` is how the answer begins:
// it is made part of the prompt, and the answer goes on behind it.
struct Conversation {
  std::string json;
};

// A gap to fill between two texts, for models with fill-in-the-middle tokens.
struct Infill {
  std::string prefix, suffix;
  // Other files of the repository, and the name of this one, for models of families that know how to say so; others
  // see none.
  std::vector<std::pair<std::string, std::string>> files;  // name, text
  std::string name;
};

// What an answer's text must be, from its first byte to its last; reasoning before it is free. The answer ends where
// the constraint does, and where max_tokens or the context end first it is cut.
struct JsonSchema {
  std::string json;  // JSON Schema 2020-12; {"type": "object"} for any object. Keywords that cannot be kept are refused
};
struct Grammar {
  std::string gbnf;  // in the notation of GBNF, beginning at the rule "root"
};
using Constraint = std::variant<std::monostate, JsonSchema, Grammar>;

// Whether an answer in a conversation with tools may, must not, or must call one.
enum class ToolUse { automatic, none, required };

// An adapter that a request uses: which one of EngineOptions::adapters, counted from 0.
struct AdapterUse {
  uint32_t adapter = 0;
  float scale = 1;
};

struct Request {
  // Plain text to go on with, a conversation for the model's chat template, token ids taken as they are, or a gap.
  // Special tokens in plain text and in messages are text.
  std::variant<std::string, std::vector<Message>, std::vector<int32_t>, Conversation, Infill> prompt;
  uint32_t max_tokens = UINT32_MAX;
  uint32_t context = 0;  // tokens of prompt and answer together; 0, or more than the engine's: the engine's
  std::optional<std::vector<AdapterUse>> adapters;  // those not listed are not used; nothing: as Engine::adapter_scales
  Sampling sampling;
  std::vector<std::string> stop;  // texts that end the answer; they are not part of it
  Constraint constraint;          // of the answer's text; tools and calls are not bound by it
  // For a Conversation with tools whose template can say calls.
  ToolUse tool_use = ToolUse::automatic;
  std::string tool;                  // with ToolUse::required: the one that must be called; empty: any
  bool parallel_calls = true;        // false: the answer ends after its first call
  bool ignore_end = false;           // go on where the model would end
  std::optional<uint32_t> logprobs;  // wanted of each token of the answer, and of this many likeliest ones
  bool prompt_logprobs = false;      // also of the prompt's tokens but the first; needs logprobs
  std::function<bool()> cancelled;   // asked before every step, in the engine's thread; true ends the answer
};

enum class FinishReason { end, stop, max_tokens, context_full, cancelled, tool_calls };

// A call of a tool. Calls of one answer are counted from 0; an id is unique within a conversation.
struct ToolCall {
  std::string id, name;
  std::string arguments;  // one JSON object
};

// A part of a call under way. The first piece of a call has its id and name, and arguments are pieces of one JSON
// object.
struct ToolCallPiece {
  uint32_t index = 0;
  std::string id, name, arguments;
};

// A token, what it means in bytes (not always whole UTF-8 characters), and the natural logarithm of its probability
// before penalties, filters and temperature.
struct TokenLogprob {
  int32_t id = 0;
  std::string bytes;
  float logprob = 0;
  std::vector<TokenLogprob> top;  // the likeliest, falling; theirs are empty
};

struct Result {
  std::string text;
  std::string reasoning;        // what the model thought before, in a format that its chat template knows
  std::vector<ToolCall> calls;  // likewise; a call that cannot be read stays in the text
  bool malformed_call = false;  // the text holds such a call
  FinishReason reason = FinishReason::end;
  std::string stop;  // with FinishReason::stop: which one of the request's
  uint32_t prompt_tokens = 0;
  uint32_t cached_tokens = 0;                 // of the prompt, found in the cache
  uint32_t generated_tokens = 0;              // without the one that ended the answer
  uint32_t reasoning_tokens = 0;              // of these
  uint64_t seed = 0;                          // the one that was used
  std::vector<TokenLogprob> logprobs;         // of the answer's tokens, where wanted
  std::vector<TokenLogprob> prompt_logprobs;  // of the prompt's tokens from the second on, where wanted
  double prompt_seconds = 0;                  // until the first token was known
  double generate_seconds = 0;                // from then on
};

struct ModelInfo {
  std::string name, architecture, format;  // format: of most weights
  uint64_t parameters = 0;
  uint64_t weight_bytes = 0, cache_bytes = 0;
  uint32_t context = 0, trained_context = 0, vocabulary = 0;
  uint32_t parallel = 1, cache_tokens = 0, embedding_width = 0;
  uint32_t most_tokens = 0;  // of an answer; 0: no limit
  bool has_chat_template = false, has_infill = false, has_embeddings = false;
  bool makes_text = true;                         // false: an encoder, which makes embeddings alone
  std::vector<std::string> adapters;              // names
  bool has_tools = false, has_reasoning = false;  // the chat template says calls, or what the model thinks
  std::string device;                             // as loaded; of a model that is split between two: "cpu+vulkan"
  std::string placement;                          // what EngineOptions::on_placement was told, if anything
};

// What a file of the cache holds, or what of it came into the cache.
struct CacheContent {
  uint64_t tokens = 0;    // whose keys and values there are; beginnings that texts share count once
  uint64_t bytes = 0;     // of the file
  uint64_t left_out = 0;  // tokens of the file for which the cache had no room, or the engine not their adapters
};

// What an engine does and has done, for a monitor.
struct Statistics {
  uint32_t running = 0, waiting = 0;                          // requests
  uint64_t cache_tokens = 0, cache_used = 0, cache_held = 0;  // places; used by requests; holding anything
  uint64_t steps = 0, rows = 0;                               // rows: tokens computed by all steps
  uint64_t prompt_tokens = 0, cached_tokens = 0, generated_tokens = 0;
  uint64_t set_back = 0;  // times a request gave up its place in the cache to older ones, and was computed again
  uint64_t guessed = 0, came_true = 0;  // tokens that were computed because they might follow
  uint64_t devices_lost = 0;            // times that the device was lost
  std::string device;                   // what computes now: ModelInfo::device, or "cpu" where that is lost for good
};

// A piece of an answer under way. The last one has a result or an error.
struct Event {
  std::string text;       // whole UTF-8 characters
  std::string reasoning;  // likewise
  std::vector<ToolCallPiece> calls;
  std::vector<TokenLogprob> logprobs;  // where wanted, of the tokens drawn since the last event
  std::optional<Result> result;
  std::optional<Error> error;
};

// How the hidden states of a text's tokens become one vector: their mean, that of the first or of the last token, or as
// the model's file states (which is their mean where it does not).
enum class Pooling { stated, mean, first, last };

// A vector [ModelInfo::embedding_width] of length 1, or why there is none.
struct Embedding {
  std::vector<float> values;
  std::optional<Error> error;
};

// A request that was started. Letting go of it does not end it.
class Running {
 public:
  void cancel();  // from any thread; the answer ends within one step, with an event

 private:
  friend class Engine;
  struct State;
  std::shared_ptr<State> state_;
};

// A loaded model on a device, with a thread of its own that decodes the requests of all callers together. All functions
// may be called from several threads. Callbacks that run in the engine's thread (cancelled, on_log, on_recovery,
// before_reopening, on_event, on_done) may start requests, but not wait for them, nor destroy the engine. What
// `cancelled` throws ends its request alone; what those throw of which nothing else is said is dropped. on_text and
// on_load run in the caller's thread, and what they throw reaches the caller. After being moved from, an engine may
// only be assigned to or destroyed.
class Engine {
 public:
  static Engine load(const std::filesystem::path& path, const EngineOptions& options = {});
  // A model in memory, which must outlive the engine. `name` appears in errors.
  static Engine view(std::span<const std::byte> bytes, const std::string& name, const EngineOptions& options = {});
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;
  ~Engine();

  const ModelInfo& info() const;

  // Answers a request. on_text gets the text as it comes, whole UTF-8 characters, in this thread; false from it
  // cancels: that piece is the last of the text, though the engine may have drawn more tokens by then.
  Result generate(const Request& request, const std::function<bool(std::string_view)>& on_text = {});
  // Begins to answer and returns. on_event is called in the engine's thread, one event after the other, the last before
  // the engine is gone; it must be quick and must not throw. The prompt is rendered and tokenized in this thread, and
  // what is wrong with the request is thrown here.
  Running start(const Request& request, std::function<void(Event)> on_event);

  // The meaning of a sequence of tokens as a vector: its normed hidden states, pooled. Needs EngineOptions::embeddings.
  // on_done is called as on_event is.
  // adapters: as in a request.
  void start_embedding(std::span<const int32_t> tokens, Pooling pooling, std::function<void(Embedding)> on_done,
                       const std::optional<std::vector<AdapterUse>>& adapters = {});
  std::vector<float> embed(std::span<const int32_t> tokens, Pooling pooling = Pooling::stated);

  // The scales of adapters in requests that do not say which they use, and in logits and embeddings: first those of
  // EngineOptions. What has begun keeps those that it has.
  std::vector<float> adapter_scales() const;
  void set_adapter_scales(std::span<const float> scales);

  Statistics statistics() const;

  // Saves the keys and values that the cache holds of all texts, or of the longest cached beginning of `tokens` under
  // these adapters, as in a request, so that an engine that loads the file need not compute them again. Requests go on
  // meanwhile; what of the cache they take before it was copied is left out. Throws Error (invalid_argument) where the
  // cache holds nothing of it. The file, which holds the tokens too, is for its owner alone (0600); it takes its name
  // once it is whole and on the disk, and replaces no file but one that begins as these do (other_cache).
  CacheContent save_cache(const std::filesystem::path& path);
  CacheContent save_cache(std::span<const int32_t> tokens, const std::filesystem::path& path,
                          const std::optional<std::vector<AdapterUse>>& adapters = {});
  // Brings what was saved into the cache, where requests find it as if they had come after those that made it. It takes
  // the place of what no request uses, the longest unused first; where that is not enough, the beginnings that were
  // used last come first, and the rest is left out, as is what was computed with adapters that the engine has not.
  // Throws Error, with nothing changed, where the file is cut, damaged or cannot be read (bad_cache), or is another one
  // (other_cache): no such file, or made by another model or with other options, which are the cache_type, a context
  // that scales positions otherwise, and for a deterministic engine another device, other kernels, or an engine that
  // was not. Models are told apart by their metadata, the names, shapes and formats of all tensors, and samples of each
  // tensor's bytes: a file of which only other bytes were changed passes for the same. Device and kernels do not matter
  // otherwise.
  CacheContent load_cache(const std::filesystem::path& path);
  // Forgets what no request uses; how many tokens that were.
  uint64_t clear_cache();

  // Neither bos nor eos is added; special tokens are recognised only with `special`.
  std::vector<int32_t> tokenize(std::string_view text, bool special = false) const;
  std::string detokenize(std::span<const int32_t> ids, bool special = false) const;
  // The ids of a request's prompt, as generate() would use them.
  std::vector<int32_t> prompt_tokens(const Request& request) const;
  // The same with what ends a text behind it, where the model was trained so: what embed() should get.
  std::vector<int32_t> embedding_tokens(const Request& request) const;
  // The prompt that the chat template makes of one JSON object: messages, tools, documents, add_generation_prompt,
  // extra.
  std::string render(std::string_view request_json) const;
  // The logits [vocabulary] after each of the wanted positions (rising) of a sequence of tokens.
  std::vector<std::vector<float>> logits(std::span<const int32_t> tokens, std::span<const uint32_t> positions);

 private:
  void require_other_thread() const;

  struct State;
  explicit Engine(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A device of this machine.
struct DeviceDescription {
  std::string name;      // as EngineOptions::device takes it
  std::string about;     // what it is: "avx2, 8 threads"; of a GPU its name, kind and driver
  std::string missing;   // what it lacks, so that it cannot be used; empty: nothing
  uint64_t memory = 0;   // bytes of its own; 0 where it uses the machine's
  double read_gb_s = 0;  // measured: 1e9 bytes a second that it reads; with Vulkan that a copy reads and writes
  double int8_gops = 0;  // measured: 1e9 operations a second on bytes; 0 where that is not measured
};

// The cpu and the GPUs of those backends, no others' drivers being opened. Measuring takes about half a second for
// each. Throws Error where one fails.
std::vector<DeviceDescription> list_devices(const std::vector<std::string>& gpus = {"cuda", "vulkan"});
// The names of the GPUs of "cuda" or "vulkan", not measured. This opens their drivers, of which a bad one may end the
// process.
std::vector<std::string> list_gpus(const std::string& backend);
// What EngineOptions::vulkan_products may be; the first is the default.
std::vector<std::string> list_vulkan_products();

}  // namespace hearth
