// Reasoning, then a call or text, each on a way of its own.
#include "engine/decode/guide.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace hearth {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

}  // namespace

Guide::Guide(const GuideTools& tools, const Request& request, const Prompt& prompt)
    : tools_(tools),
      constraint_(tools.cache.find(request.constraint)),
      split_(prompt.split),
      required_(request.tool_use == ToolUse::required && prompt.split),
      begins_text_(prompt.begins_text) {
  if (split_ && split_->calls && split_->format->has_calls()) {
    calls_ = CallGrammars(tools, *split_, request.tool, constraint_ || required_);
    if (!calls_.empty()) tools.trie();  // here, for the engine's thread must not wait for it
  }
  if (!constraint_ && !required_) return;
  thinks_ = split_ && !split_->thinking.empty();
  if (thinks_)
    pending_ = true;
  else
    begin_text(false);
}

std::vector<int32_t> Guide::tokens_of(const std::string& text) const { return tools_.tokenizer.encode(text, true); }

// What models like to write behind their reasoning, and what is no part of the answer.
AutomatonPointer Guide::line_ends() const {
  return tools_.cache.find("line ends", [] {
    GrammarBuilder builder;
    return build_automaton(builder, builder.repeat(builder.literal("\n"), 0, 2));
  });
}

std::vector<GuideStep> Guide::call_steps(const CallFormat& format, bool behind_reasoning) const {
  std::string open = format.written.open;
  if (split_->format->channels) open = (behind_reasoning ? "<|start|>assistant " : " ") + open;
  std::vector<GuideStep> steps = {tokens_of(open)};
  AutomatonPointer head = calls_.head(format);
  if (!head) return steps;
  steps.emplace_back(std::move(head));
  switch (format.body) {
    case CallFormat::Body::object:
      steps.emplace_back(GuideArguments{&format});
      break;
    case CallFormat::Body::python:
      steps.emplace_back(tokens_of("("));
      break;
    default:
      steps.emplace_back(tokens_of(format.written.name_end));
      steps.emplace_back(GuideArguments{&format});
  }
  return steps;
}

void Guide::begin_text(bool behind_reasoning) {
  paths_.clear();
  pending_ = false;
  const AnswerFormat* format = split_ ? split_->format : nullptr;
  const bool channels = format != nullptr && format->channels;
  const auto add = [&](GuidePath::Kind kind, std::vector<GuideStep> steps) {
    if (behind_reasoning && !channels) steps.insert(steps.begin(), line_ends());
    paths_.emplace_back(kind, std::move(steps), tools_.trie(), begins_text_ && !behind_reasoning);
  };
  if (format != nullptr && !behind_reasoning && split_->may_think && format->tells_reasoning())
    add(GuidePath::Kind::reasoning,
        {tokens_of(channels ? "<|channel|>analysis<|message|>" : format->reasoning.front().open)});
  if (format != nullptr && split_->calls)
    for (const CallFormat& call : format->calls) {
      add(GuidePath::Kind::call, call_steps(call, behind_reasoning));
      if (required_) break;
    }
  if (required_) return;
  std::vector<GuideStep> steps;
  if (channels)
    steps.emplace_back(
        tokens_of(std::string(behind_reasoning ? "<|start|>assistant" : "") + "<|channel|>final<|message|>"));
  steps.emplace_back(constraint_);
  add(GuidePath::Kind::text, std::move(steps));
}

void Guide::resolve_arguments() {
  for (GuidePath& path : paths_)
    if (const CallFormat* format = path.wants_arguments())
      path.give_arguments(call_name_.empty() ? nullptr : calls_.arguments(*format, call_name_));
  std::erase_if(paths_, [](const GuidePath& path) { return path.finished(); });
}

bool Guide::mask(std::span<float> logits, bool may_stop) {
  resolve_arguments();
  if (rest_) {
    // What the model says of its own will must never cost the answer.
    if (!rest_->mask(logits, false)) rest_.reset();
    return true;
  }
  if (pending_) {
    // What is thought is free, but the answer must not end with it.
    const Vocabulary& vocabulary = tools_.tokenizer.vocabulary();
    for (const int32_t id : vocabulary.end_of_generation())
      if (!split_->format->channels || vocabulary.text(id) != "<|end|>") logits[static_cast<size_t>(id)] = kNever;
    return true;
  }
  if (paths_.empty()) return true;
  if (paths_.size() == 1) return paths_.front().mask(logits, may_stop);
  std::vector<float> allowed(logits.size(), kNever);
  for (GuidePath& path : paths_) path.allow(logits, allowed, may_stop);
  std::ranges::copy(allowed, logits.begin());
  return std::ranges::any_of(allowed, [](float logit) { return std::isfinite(logit); });
}

bool Guide::accept(int32_t token) {
  if (rest_ && (!rest_->accept(token) || rest_->may_end())) rest_.reset();
  if (paths_.empty()) return true;
  std::erase_if(paths_, [&](GuidePath& path) { return !path.accept(token); });
  if (paths_.empty()) return false;
  const auto whole = std::ranges::find_if(paths_, [](const GuidePath& path) { return path.finished(); });
  if (whole == paths_.end()) return true;
  finished_ = whole->kind() == GuidePath::Kind::text;
  thinks_ = pending_ = whole->kind() == GuidePath::Kind::reasoning;
  paths_.clear();
  return true;
}

void Guide::follow(const Answer& answer) {
  follow_call(answer);
  if (!thinks_ || answer.thinks()) return;
  thinks_ = false;
  begin_text(true);
}

// From the name on, for a token may hold the beginning of the arguments together with what stands before them.
void Guide::follow_call(const Answer& answer) {
  const auto call = answer.call_under_way();
  call_name_ = call ? call->name : "";
  if (!call) rest_.reset();
  if (!call || call->index < seen_calls_ || !paths_.empty()) return;
  seen_calls_ = call->index + 1;
  const AutomatonPointer automaton = call->behind_name ? calls_.rest(call->format, call->name) : nullptr;
  if (!automaton) return;
  Matcher matcher(automaton, tools_.trie());
  if (matcher.accept_bytes(*call->behind_name) && !matcher.may_end()) rest_.emplace(std::move(matcher));
}

std::vector<int32_t> Guide::forced() {
  resolve_arguments();
  if (rest_) return rest_->forced();
  return paths_.size() == 1 && !pending_ ? paths_.front().forced() : std::vector<int32_t>();
}

}  // namespace hearth
