// Building a step, running it, and handing out what it gave.
#include "engine/decode/scheduler.h"

#include <algorithm>
#include <utility>

namespace hearth {
namespace {

// A task whose last call throws harms nobody else.
void finish(Task& task, const std::exception_ptr& error) noexcept {
  try {
    task.on_end(error);
  } catch (...) {
  }
}

// Ends a task that is cancelled, or that fails to say whether it is.
bool ended_by_cancelling(Task& task) noexcept {
  std::exception_ptr error;
  try {
    if (!task.cancelled()) return false;
  } catch (...) {
    error = std::current_exception();
  }
  finish(task, error);
  return true;
}

// The tokens of a task that a cache may spare it: the last one is computed in any case, and so is what logits are
// wanted of.
std::span<const int32_t> spared(const Task& task) {
  const auto most = std::min<size_t>(task.tokens.size() - 1, task.wanted.empty() ? SIZE_MAX : task.wanted.front());
  return std::span(task.tokens).first(most);
}

}  // namespace

Scheduler::Scheduler(Plan& plan, const Limits& limits, uint32_t vocabulary, SchedulerOptions options)
    : plan_(&plan),
      limits_(limits),
      vocabulary_(vocabulary),
      options_(std::move(options)),
      cache_(limits.pages, limits.page_size),
      states_(limits.states),
      budget_(limits.rows),
      row_(vocabulary) {
  options_.parallel = std::clamp(options_.parallel, 1u, limits.rows);
  if (states_.places() > 0) options_.parallel = std::min(options_.parallel, states_.places());
}

Scheduler::~Scheduler() {
  for (Active& one : running_) finish(*one.task, nullptr);
  for (const auto& task : waiting_) finish(*task, nullptr);
}

void Scheduler::add(std::shared_ptr<Task> task) { waiting_.push_back(std::move(task)); }

void Scheduler::step() {
  try {
    run_step();
  } catch (const DeviceLost&) {
    lose(std::current_exception());
  } catch (...) {
    fail(std::current_exception());
  }
}

void Scheduler::run_step() {
  end_cancelled();
  admit();
  const uint32_t prompt_rows = plan_rows();
  if (running_.empty()) return;
  const Batch batch = make_batch();
  const double begin = options_.clock();
  plan_->submit(batch);
  const StepResult result = plan_->wait();
  const double seconds = options_.clock() - begin;
  const auto rows = static_cast<uint32_t>(batch.tokens.size());
  budget_.observe(rows - prompt_rows, prompt_rows, seconds);
  ++counted_.steps;
  counted_.rows += rows;
  deliver(batch, result);
}

void Scheduler::end_cancelled() {
  std::erase_if(waiting_, [](const std::shared_ptr<Task>& task) { return ended_by_cancelling(*task); });
  std::erase_if(running_, [&](Active& one) {
    if (!ended_by_cancelling(*one.task)) return false;
    leave(one);
    return true;
  });
}

// How much of a task's tokens is there to go on from.
uint32_t Scheduler::reusable(const Task& task) const {
  const std::vector<float>& adapters = task.adapters;
  if (states_.places() == 0) return cache_.cached(task.tokens, adapters);
  const std::span<const int32_t> tokens = spared(task);
  const auto usable = [&](uint32_t size) { return cache_.cached(tokens.first(size), adapters) == size; };
  return states_.longest(tokens, usable, adapters);
}

// Whether a running prompt will soon have cached more of this one than the cache has now. With states it will have
// where it is asked to stop.
bool Scheduler::waits_for_another(const Task& task) {
  const uint32_t cached = reusable(task);
  for (Active& one : running_) {
    if (one.chain.size + 1 >= one.task->tokens.size()) continue;  // its prompt is done
    if (one.task->adapters != task.adapters) continue;
    const auto& a = one.task->tokens;
    const auto& b = task.tokens;
    const auto limit = static_cast<ptrdiff_t>(std::min(a.size(), b.size()));
    const auto common = static_cast<size_t>(std::mismatch(a.begin(), a.begin() + limit, b.begin()).first - a.begin());
    if (states_.places() == 0) {
      if (common / limits_.page_size > cached / limits_.page_size) return true;
      continue;
    }
    const uint32_t stop = whole_pages(std::min(common, spared(task).size()));
    if (stop <= cached || stop <= one.chain.size) continue;
    if (!std::count(one.stops.begin(), one.stops.end(), stop))
      one.stops.insert(std::upper_bound(one.stops.begin(), one.stops.end(), stop), stop);
    return true;
  }
  return false;
}

void Scheduler::admit() {
  for (auto next = waiting_.begin(); next != waiting_.end() && running_.size() < options_.parallel;) {
    Task& task = **next;
    if (waits_for_another(task)) {
      ++next;
      continue;
    }
    // Its tokens and the next one, beside a page for each of the others to grow into.
    const uint64_t size = task.tokens.size() + 1;
    const uint64_t needed = (size + limits_.page_size - 1) / limits_.page_size;
    const uint32_t cached = reusable(task) / limits_.page_size;
    if (!running_.empty() && needed - std::min<uint64_t>(needed, cached) + running_.size() > cache_.available()) return;
    if (options_.on_divergence)
      if (const auto divergence = cache_.divergence(task.tokens, task.adapters)) options_.on_divergence(*divergence);
    running_.push_back({.task = *next, .chain = {.pages = {}, .setting = task.adapters}});
    next = waiting_.erase(next);
    Active& one = running_.back();
    begin(one);
    counted_.prompt_tokens += one.task->tokens.size();
    counted_.cached_tokens += one.chain.size;
    one.task->on_start(one.chain.size);
  }
}

// Takes what the cache has of the task, and plans where its state is worth a copy: where its prompt leaves what others
// began with, and near its end, from where the same prompt or a longer one goes on.
void Scheduler::begin(Active& one) {
  const std::span<const int32_t> tokens = spared(*one.task);
  const bool from_cache = one.task->from_cache;
  const std::vector<float>& adapters = one.task->adapters;
  if (states_.places() == 0) {
    if (from_cache) one.chain = cache_.acquire(tokens, adapters);
    return;
  }
  const uint32_t shared = from_cache ? cache_.cached(tokens, adapters) : 0;
  const auto usable = [&](uint32_t size) { return cache_.cached(tokens.first(size), adapters) == size; };
  if (from_cache) states_.touch(tokens, usable, adapters);  // lest its place be the one that is taken
  one.place = states_.take();
  if (from_cache) {
    one.chain = cache_.acquire(tokens.first(states_.restore(one.place, tokens, usable, adapters)), adapters);
  }
  for (const uint32_t stop : {whole_pages(shared), whole_pages(tokens.size())})
    if (stop > one.chain.size && (one.stops.empty() || stop > one.stops.back())) one.stops.push_back(stop);
}

// Gives back what a task has; what was computed of it stays for others.
void Scheduler::leave(Active& one) {
  if (states_.places() > 0) {
    if (one.chain.size <= one.task->tokens.size())
      states_.keep(one.place, std::span(one.task->tokens).first(one.chain.size), one.task->adapters);
    else
      states_.give_back(one.place);
  }
  cache_.release(one.chain);
}

// Makes room for the next `rows` tokens of a running task, if need be at the cost of newer ones; false where it was set
// back itself.
bool Scheduler::reserve(Active& one, uint32_t rows) {
  const Task* task = one.task.get();
  one.before = one.chain.size;
  while (!cache_.extend(one.chain, std::span(one.task->tokens).subspan(one.before, rows))) {
    const bool last = running_.back().task.get() == task;
    set_back_newest();
    if (last) return false;
  }
  one.rows = rows;
  return true;
}

void Scheduler::set_back_newest() {
  Active& newest = running_.back();
  if (newest.rows > 0) cache_.shrink(newest.chain, newest.before);  // the step does not compute them now
  leave(newest);
  // What it wanted and got is not wanted again.
  auto& wanted = newest.task->wanted;
  wanted.erase(wanted.begin(), wanted.begin() + newest.next_wanted);
  waiting_.push_front(std::move(newest.task));
  running_.pop_back();
  ++counted_.set_back;
}

uint32_t Scheduler::plan_rows() {
  uint32_t generating = 0, prompts = 0;
  for (Active& one : running_) {
    one.rows = 0;
    one.guess = {};
  }
  for (size_t i = 0; i < running_.size(); ++i)
    if (running_[i].generating() && reserve(running_[i], 1)) ++generating;
  if (options_.speculation != nullptr && generating == running_.size()) add_guesses(generating);
  const auto waiting = static_cast<uint32_t>(running_.size() + waiting_.size()) - generating;
  uint32_t left = std::min(limits_.rows - generating, budget_.prompt_tokens(generating, waiting));
  // First those that appended several tokens to their answers.
  for (const bool answering : {true, false})
    for (size_t i = 0; i < running_.size() && left > 0; ++i) {
      Active& one = running_[i];
      if (one.rows > 0 || one.answering != answering) continue;
      const auto rest = static_cast<uint32_t>(one.task->tokens.size()) - one.chain.size;
      if (options_.whole_prompts && rest > left) continue;
      uint32_t rows = std::min(rest, left);
      if (!one.stops.empty()) rows = std::min(rows, one.stops.front() - one.chain.size);
      if (!reserve(one, rows)) break;
      prompts += rows;
      left -= rows;
    }
  return prompts;
}

// Where all tasks generate, and only where there are pages for it that nobody uses.
void Scheduler::add_guesses(uint32_t generating) {
  std::vector<Speculation::Sequence> sequences;
  for (const Active& one : running_) sequences.push_back({one.task->tokens, one.task->guesses, {}});
  options_.speculation->guess(sequences, generating, budget_);
  for (size_t i = 0; i < running_.size(); ++i) {
    running_[i].guess = std::move(sequences[i].guess);
    const std::span<const int32_t> tried = std::span(running_[i].guess.tokens).first(sequences[i].tried);
    if (tried.empty() || !cache_.extend(running_[i].chain, tried)) continue;
    running_[i].rows += sequences[i].tried;
    counted_.guessed += tried.size();
  }
}

Batch Scheduler::make_batch() {
  Batch batch;
  batch.state_copies = states_.take_copies();
  batch.row_begin = {0};
  batch.page_begin = {0};
  size_t adapters = 0;
  for (const Active& one : running_)
    if (one.rows > 0) adapters = std::max(adapters, one.task->adapters.size());
  for (const Active& one : running_) {
    if (one.rows == 0) continue;
    batch.adapter_scales.insert(batch.adapter_scales.end(), one.task->adapters.begin(), one.task->adapters.end());
    batch.adapter_scales.resize(batch.row_begin.size() * adapters);
    uint32_t wanted = one.next_wanted;
    for (uint32_t position = one.before; position < one.before + one.rows; ++position) {
      const bool listed = wanted < one.task->wanted.size() && one.task->wanted[wanted] == position;
      if (listed) ++wanted;
      const auto size = static_cast<uint32_t>(one.task->tokens.size());
      if (listed || position + 1 >= size) {
        batch.outputs.push_back(static_cast<uint32_t>(batch.tokens.size()));
        batch.candidates.push_back(listed ? 0 : one.task->candidates(position + 1 - size));
      }
      batch.tokens.push_back(one.token(position));
      batch.positions.push_back(position);
    }
    if (states_.places() > 0) batch.states.push_back(one.place);
    batch.pages.insert(batch.pages.end(), one.chain.pages.begin(), one.chain.pages.end());
    batch.row_begin.push_back(static_cast<uint32_t>(batch.tokens.size()));
    batch.page_begin.push_back(static_cast<uint32_t>(batch.pages.size()));
  }
  if (std::ranges::all_of(batch.candidates, [](uint32_t count) { return count == 0; })) batch.candidates.clear();
  return batch;
}

void Scheduler::deliver(const Batch& batch, const StepResult& result) {
  std::vector<size_t> begin(batch.outputs.size());  // of what each output has in the result
  size_t logits = 0, candidates = 0;
  for (size_t i = 0; i < begin.size(); ++i) {
    const uint32_t count = batch.candidates_of(i);
    begin[i] = count == 0 ? std::exchange(logits, logits + vocabulary_) : std::exchange(candidates, candidates + count);
  }
  size_t output = 0;
  uint32_t row = 0;
  for (Active& one : running_) {
    const uint32_t end = row + one.rows;
    const auto size = static_cast<uint32_t>(one.task->tokens.size());
    bool follows = true;  // the row is what its task has there
    try {
      for (; output < batch.outputs.size() && batch.outputs[output] < end; ++output) {
        const uint32_t position = batch.positions[batch.outputs[output]];
        if (position >= size) {  // a guess
          const std::vector<int32_t>& now = one.task->tokens;
          follows = follows && position < now.size() && now[position] == batch.tokens[batch.outputs[output]];
          if (!follows || position + 1 < now.size()) continue;
        }
        if (one.next_wanted < one.task->wanted.size() && one.task->wanted[one.next_wanted] == position)
          ++one.next_wanted;
        one.answering = one.answering || position + 1 == one.task->tokens.size();
        if (const uint32_t count = batch.candidates_of(output); count > 0) {
          one.task->on_candidates(position, result.candidates.subspan(begin[output], count));
          continue;
        }
        const auto values = result.logits.subspan(begin[output], vocabulary_);
        std::copy(values.begin(), values.end(), row_.begin());
        one.task->on_logits(position, row_);
      }
    } catch (...) {  // of this task alone
      while (output < batch.outputs.size() && batch.outputs[output] < end) ++output;
      leave(one);
      finish(*one.task, std::current_exception());
      one.task = nullptr;
    }
    if (one.task && one.rows > 0 && options_.speculation != nullptr) compare(one, size, batch, row);
    if (one.task) copy_state(one);
    row = end;
  }
  std::erase_if(running_, [&](Active& one) {
    if (one.task && one.chain.size < one.task->tokens.size()) return false;
    if (one.task) {
      leave(one);
      ++counted_.done;
      finish(*one.task, nullptr);
    }
    return true;
  });
}

void Scheduler::copy_state(Active& one) {
  if (one.stops.empty() || one.stops.front() != one.chain.size) return;
  states_.copy(one.place, std::span(one.task->tokens).first(one.chain.size), one.task->adapters);
  one.stops.erase(one.stops.begin());
}

// Learns what became of guesses, and takes those back that did not come true; `size`: of the tokens before the step.
void Scheduler::compare(Active& one, uint32_t size, const Batch& batch, uint32_t row) {
  const std::vector<int32_t>& now = one.task->tokens;
  if (now.size() > size) options_.speculation->observe(one.guess, std::span(now).subspan(size));
  uint32_t computed = std::min(one.before + one.rows, size);
  while (computed < one.before + one.rows && computed < now.size() &&
         now[computed] == batch.tokens[row + computed - one.before])
    ++computed;
  if (computed > size) counted_.came_true += computed - size;
  if (computed < one.chain.size) cache_.shrink(one.chain, computed);
}

void Scheduler::fail(const std::exception_ptr& error) {
  std::vector<Active> failed = std::exchange(running_, {});
  for (Active& one : failed) {
    if (!one.task) continue;
    cache_.release(one.chain);
    if (states_.places() > 0) states_.give_back(one.place);
  }
  cache_.clear();  // what the step wrote is not known
  states_.clear();
  for (Active& one : failed)
    if (one.task) finish(*one.task, error);
}

void Scheduler::lose(const std::exception_ptr& error) {
  loss_ = error;
  fail(error);
}

void Scheduler::go_on(Plan& plan) {
  plan_ = &plan;
  loss_ = nullptr;
  ++plans_lost_;
  budget_ = StepBudget(std::min(limits_.rows, Limits{}.rows));  // another device takes other times
}

void Scheduler::give_up(const std::exception_ptr& error) {
  for (const auto& task : std::exchange(waiting_, {})) finish(*task, error);
}

Plan& Scheduler::plan() {
  if (loss_) std::rethrow_exception(loss_);
  return *plan_;
}

SchedulerStatistics Scheduler::statistics() const {
  SchedulerStatistics now = counted_;
  now.places = options_.parallel;
  now.running = static_cast<uint32_t>(running_.size());
  now.waiting = static_cast<uint32_t>(waiting_.size());
  now.pages = cache_.pages();
  now.pages_used = cache_.pages() - cache_.available();
  now.pages_held = cache_.held();
  return now;
}

}  // namespace hearth
