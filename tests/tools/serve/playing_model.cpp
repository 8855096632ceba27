// Heads that look 1, 2, ... places back show the last bytes side by side, and one that looks for it shows which turn it
// is; one neuron for each place of the script knows them, and says the next byte.
#include "tests/tools/serve/playing_model.h"

#include <cmath>
#include <map>
#include <optional>
#include <stdexcept>

#include "engine/text/template/json.h"
#include "tests/engine/one_layer_model.h"

namespace hearth {
namespace {

constexpr size_t kMostTurns = 11;
constexpr size_t kMostShown = 64;  // tokens
constexpr uint64_t kRotated = 24;  // of a head's places; the others know no distance
// A byte is shown in a slot of the stream by its two halves, each as one of 16. A turn's token is shown as a byte that
// no text has.
constexpr uint64_t kHalf = 16, kSlot = 2 * kHalf;
constexpr unsigned char kFirstTurnByte = 0xF5;

constexpr float kNarrowness = 40;    // of attention: its weights are those of 40 times the sum of cosines
constexpr float kGate = 20;          // of a neuron, for each half byte: far above 0 or far below
constexpr float kSays = 0.25f;       // what a neuron adds
constexpr float kEndUnlessSaid = 5;  // where no neuron speaks, the answer ends
constexpr float kEmbedded = 4;       // the square of an embedding's length

// The turn of a place of the script and what stands in front of it, the nearest last; and the byte there, or the end.
using Places = std::map<std::string, std::optional<unsigned char>>;

std::string text_of(const Value& turn, const char* name) {
  const Value* text = turn.find(name);
  return text == nullptr ? "" : text->string();
}

std::string turn_text(const Value& turn) {
  std::string text;
  if (const std::string thought = text_of(turn, "thinks"); !thought.empty())
    text = "<think>" + thought + "</think>\n\n";
  text += text_of(turn, "says");
  if (const Value* call = turn.find("calls")) text += "<tool_call>" + dump_json(*call, {}, 1 << 20) + "</tool_call>";
  return text;
}

std::vector<std::string> all_turns(const PlayScript& script) {
  std::vector<std::string> turns = script.turns;
  turns.push_back(script.without_tools);
  return turns;
}

// nullopt where `window` tokens do not tell two places apart.
std::optional<Places> places_of(const std::vector<std::string>& turns, size_t window) {
  Places places;
  for (size_t turn = 0; turn < turns.size(); ++turn) {
    const auto mark = static_cast<char>(kFirstTurnByte + turn);
    const std::string text = mark + turns[turn];
    for (size_t at = 1; at <= text.size(); ++at) {
      const size_t begin = at < window ? 0 : at - window;
      std::optional<unsigned char> next;
      if (at < text.size()) next = static_cast<unsigned char>(text[at]);
      const auto [place, is_new] = places.emplace(mark + text.substr(begin, at - begin), next);
      if (!is_new && place->second != next) return std::nullopt;
    }
  }
  return places;
}

std::string chat_template_of(size_t turns) {
  const std::string last = std::to_string(turns - 1), without_tools = std::to_string(turns);
  return "{% set done = namespace(results=0) %}"
         "{% if tools %}<|system|>{% for t in tools %}{{ t.function.name }} {% endfor %}{% endif %}"
         "{% for m in messages %}<|{{ m.role }}|>"
         "{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}"
         "{% for c in m.tool_calls or [] %}<tool_call>{\"name\": \"{{ c.function.name }}\", \"arguments\": "
         "{{ c.function.arguments | tojson }}}</tool_call>{% endfor %}"
         "{% if m.role == 'tool' %}{% set done.results = done.results + 1 %}{% endif %}{% endfor %}"
         "{% if add_generation_prompt %}<|assistant|><|turn"
         "{% if not tools %}" +
         without_tools + "{% elif done.results > " + last + " %}" + last +
         "{% else %}{{ done.results }}{% endif %}|>{% endif %}";
}

class PlayingModel {
 public:
  explicit PlayingModel(const PlayScript& script) : turns_(all_turns(script)) {
    if (script.turns.empty() || turns_.size() > kMostTurns)
      throw std::runtime_error("a script has 1 to " + std::to_string(kMostTurns - 1) + " turns");
    std::optional<Places> places;
    for (window_ = 8; !(places = places_of(turns_, window_)); window_ += 8)
      if (window_ >= kMostShown)
        throw std::runtime_error("two places of the script have the same " + std::to_string(window_) +
                                 " bytes in front of them");
    model_.name = "playing";
    model_.context = 65536;
    model_.chat_template = chat_template_of(script.turns.size());
    model_.heads = window_;
    model_.head_width = kSlot;
    model_.rotated = kRotated;
    add_tokens();
    next_at_ = (window_ + 1) * kSlot;
    always_at_ = next_at_ + model_.tokens.size();
    turn_at_ = always_at_ + 1;
    other_at_ = turn_at_ + 1;
    model_.width = (other_at_ + 1 + 31) / 32 * 32;
    model_.hidden = (places->size() + 31) / 32 * 32;
    embed();
    look_back();
    tell(*places);
  }

  const OneLayerModel& model() const { return model_; }

 private:
  void add_tokens() {
    model_.add_bytes();
    model_.end = model_.add_control("<|end|>");
    for (const char* role : {"system", "user", "assistant", "tool"})
      model_.add_control("<|" + std::string(role) + "|>");
    first_turn_ = model_.tokens.size();
    for (size_t turn = 0; turn < turns_.size(); ++turn) model_.add_control("<|turn" + std::to_string(turn) + "|>");
  }

  // Calls `set` with the places of the two halves in a slot.
  template <class Set>
  static void each_half(uint64_t slot, unsigned char byte, Set set) {
    set(slot * kSlot + byte / kHalf);
    set(slot * kSlot + kHalf + byte % kHalf);
  }

  // All embeddings are of one length, so that attention sees all alike.
  void embed() {
    model_.embedding.resize(model_.tokens.size() * model_.width);
    for (size_t token = 0; token < model_.tokens.size(); ++token) {
      float* row = &model_.embedding[token * model_.width];
      const auto show = [&](size_t byte) {
        each_half(0, static_cast<unsigned char>(byte), [&](uint64_t at) { row[at] = 1; });
      };
      const bool is_turn = token >= first_turn_, is_shown = token < 256 || is_turn;
      if (is_shown) show(is_turn ? kFirstTurnByte + token - first_turn_ : token);
      row[always_at_] = 1;
      row[is_turn ? turn_at_ : other_at_] = is_shown ? 1 : std::sqrt(kEmbedded - 1);
    }
  }

  // Head h copies the first slot of the token h + 1 places back to slot h + 1. Keys are 1, 0 in every pair that is
  // rotated, and queries one direction each: rotation turns pair i by 10000^(-i / pairs) a place, so that the two agree
  // best so far apart. The last head's query is for the turn's token, wherever it is.
  void look_back() {
    const uint64_t width = model_.width, queries = model_.heads * kSlot;
    const float one = std::sqrt(kEmbedded / static_cast<float>(width));  // makes 1 of what is 1 in an embedding
    const float size = kNarrowness * std::sqrt(static_cast<float>(kSlot)) * one;
    model_.query.resize(queries * width);
    model_.key.resize(kSlot * width);
    model_.value.resize(kSlot * width);
    model_.attention.resize(width * queries);
    for (uint64_t row = 0; row < kRotated; row += 2) model_.key[row * width + always_at_] = one;
    model_.key[kRotated * width + turn_at_] = one;
    for (uint64_t row = 0; row < kSlot; ++row) model_.value[row * width + row] = one;
    for (uint64_t head = 0; head < model_.heads; ++head) {
      for (uint64_t row = 0; row < kSlot; ++row)
        model_.attention[((head + 1) * kSlot + row) * queries + head * kSlot + row] = 1;
      float* const query = &model_.query[head * kSlot * width + always_at_];  // one a row
      if (head + 1 == model_.heads) {
        query[kRotated * width] = size;
        continue;
      }
      for (uint64_t row = 0; row < kRotated; row += 2) {
        const double angle = static_cast<double>(head + 1) * std::pow(10000.0, -static_cast<double>(row) / kRotated);
        query[row * width] = size * static_cast<float>(std::cos(angle));
        query[(row + 1) * width] = -size * static_cast<float>(std::sin(angle));
      }
    }
  }

  // A neuron's gate is above 0 where all half bytes are those in front of its place, and below where one is another.
  void tell(const Places& places) {
    const uint64_t width = model_.width, hidden = model_.hidden;
    model_.gate.resize(hidden * width);
    model_.up.resize(hidden * width);
    model_.down.resize(width * hidden);
    uint64_t neuron = 0;
    for (const auto& [known, next] : places) {
      float* gate = &model_.gate[neuron * width];
      const auto want = [&](uint64_t slot, char byte) {
        each_half(slot, static_cast<unsigned char>(byte), [&](uint64_t at) { gate[at] = kGate; });
      };
      want(window_, known.front());
      for (size_t back = 0; back + 1 < known.size(); ++back) want(back, known[known.size() - 1 - back]);
      gate[always_at_] = -kGate * (2 * static_cast<float>(known.size()) - 0.5f);
      model_.up[neuron * width + always_at_] = 1;
      model_.down[(next_at_ + (next ? *next : model_.end)) * hidden + neuron] = kSays;
      ++neuron;
    }
    model_.output.resize(model_.tokens.size() * width);
    for (size_t token = 0; token < model_.tokens.size(); ++token) model_.output[token * width + next_at_ + token] = 1;
    model_.output[model_.end * width + always_at_] = kEndUnlessSaid;
  }

  std::vector<std::string> turns_;
  size_t window_ = 0;  // how many of the last tokens are shown
  size_t first_turn_ = 0;
  // Places in the stream, behind the slots: one for each token that may come next, and what embeddings have.
  uint64_t next_at_ = 0, always_at_ = 0, turn_at_ = 0, other_at_ = 0;
  OneLayerModel model_;
};

}  // namespace

PlayScript read_script(std::string_view json) {
  const Value value = parse_json(json);
  const Value* turns = value.find("turns");
  if (turns == nullptr || !turns->is_list()) throw std::runtime_error("the script has no list of turns");
  PlayScript script;
  for (const Value& turn : turns->list().items) script.turns.push_back(turn_text(turn));
  script.without_tools = text_of(value, "without_tools");
  return script;
}

void write_playing_model(const std::filesystem::path& path, const PlayScript& script) {
  write_one_layer_model(path, PlayingModel(script).model());
}

}  // namespace hearth
