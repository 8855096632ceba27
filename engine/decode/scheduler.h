// Which tokens of which requests go into the next step of a plan.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "engine/decode/prefix_cache.h"
#include "engine/decode/speculation/speculation.h"
#include "engine/decode/state_cache.h"
#include "engine/decode/step_budget.h"
#include "engine/decode/step_clock.h"

namespace hearth {

// One request as the scheduler sees it: a sequence of tokens to compute, which may grow as logits come. All functions
// are called by the scheduler's thread.
class Task {
 public:
  virtual ~Task() = default;
  virtual bool cancelled() const = 0;
  // The sequence has its place; `cached` tokens of it need no computing. Called again after the task was set back.
  virtual void on_start(uint32_t cached) = 0;
  // The logits [vocabulary] after a position: those of `wanted`, then of the last token, each once. May change them,
  // and may append tokens to go on, more than one where it knows what follows; a task ends when all its tokens are
  // computed, so one that ends early takes back what it appended.
  virtual void on_logits(uint32_t position, std::span<float> logits) = 0;
  // How many of the largest logits after the last token will do, where nothing is listed in `wanted`; 0: all are
  // wanted. `ahead`: so many guessed tokens will be appended before it. What is said here of the last token and of
  // guesses behind it decides which of the two calls follows.
  virtual uint32_t candidates(uint32_t /*ahead*/) const { return 0; }
  // The same as on_logits with the largest logits [what candidates() said].
  virtual void on_candidates(uint32_t /*position*/, std::span<const Candidate> /*largest*/) {}
  // The last call: nothing follows. `error` says why a task could not be ended; null where it is done or was cancelled.
  virtual void on_end(std::exception_ptr error) = 0;

  std::vector<int32_t> tokens;   // the prompt, at least one; then what on_logits appended
  std::vector<uint32_t> wanted;  // positions, rising, whose logits are wanted besides those of the last token
  std::vector<float> adapters;   // the scale of each adapter of the program; empty: none is used
  bool from_cache = true;        // false: all tokens are computed, whatever the cache holds
  uint32_t guesses = 0;          // of tokens that may follow, how many are worth guessing; 0: none are needed
};

struct SchedulerOptions {
  uint32_t parallel = 1;       // most tasks in one step
  bool whole_prompts = false;  // a prompt goes into one step; none may have more tokens than a step has rows
  // Guesses what follows, where there is one; must outlive the scheduler. None where limits.states is not 0: a state
  // cannot take back a guess.
  Speculation* speculation = nullptr;
  StepClock clock = steady_seconds;
  // Told what a reader of a log may want to know, in a line.
  std::function<void(PrefixCache::Divergence)> on_divergence;
};

struct SchedulerStatistics {
  uint32_t places = 0, running = 0, waiting = 0;       // places: most that run at once
  uint32_t pages = 0, pages_used = 0, pages_held = 0;  // of the cache; used by tasks; holding anything
  uint64_t steps = 0, rows = 0;                        // rows: of all steps together
  uint64_t prompt_tokens = 0, cached_tokens = 0;       // of tasks that started
  uint64_t set_back = 0;                               // tasks that gave up their pages for older ones
  uint64_t done = 0;                                   // tasks whose tokens were all computed
  uint64_t guessed = 0, came_true = 0;                 // tokens that were tried because they might follow
};

// Iteration-level batching: between any two steps tasks join and leave. A step has one token of each task that
// generates, and as many tokens of prompts as the budget allows, so that a long prompt does not stall the others. When
// pages run out the newest task gives up its place and is computed again later. A prompt that begins as one that is
// being computed waits for it, to use its pages. Where the program keeps states (limits.states is not 0), a prompt goes
// on from a copy of one, which is made where prompts leave each other, near their ends, and where tasks end. Where no
// prompt is computed, a step may also have tokens that are only guessed to follow. One thread at a time; the plan must
// outlive it, unless it is lost.
class Scheduler {
 public:
  Scheduler(Plan& plan, const Limits& limits, uint32_t vocabulary, SchedulerOptions options);
  ~Scheduler();  // ends all tasks as if cancelled

  // Throws nothing but std::bad_alloc. The sequence must never be longer than the cache.
  void add(std::shared_ptr<Task> task);
  bool idle() const { return waiting_.empty() && running_.empty(); }
  // Runs one step, or ends tasks that were cancelled. A failure of the device ends all running tasks with it. Not where
  // the plan is lost. Throws nothing.
  void step();
  // The plan's device is lost: all running tasks end with the error, and nothing is cached any more. A step that finds
  // that out does so itself. Throws nothing.
  void lose(const std::exception_ptr& error);
  const std::exception_ptr& loss() const { return loss_; }  // that error; null where the plan is not lost
  uint64_t plans_lost() const { return plans_lost_; }       // how often another plan took over
  // Another plan of the same program and limits computes from now on.
  void go_on(Plan& plan);
  // There is none: the tasks that wait end with the error, too. Throws nothing.
  void give_up(const std::exception_ptr& error);
  SchedulerStatistics statistics() const;
  // For who copies pages and states between two steps.
  PrefixCache& cache() { return cache_; }
  StateCache& states() { return states_; }
  Plan& plan();  // throws loss(), where it is lost

 private:
  struct Active {
    std::shared_ptr<Task> task;
    PrefixCache::Chain chain;
    uint32_t next_wanted = 0;          // into task->wanted
    uint32_t rows = 0;                 // of the step, which follow `before`; the last ones may be guessed
    uint32_t before = 0;               // tokens computed before the step
    bool answering = false;            // its prompt is done
    uint32_t place = 0;                // of its state
    std::vector<uint32_t> stops = {};  // sizes, rising, at which a step ends for a copy of its state
    Guess guess;                       // of what follows its tokens; more than is tried
    bool generating() const { return chain.size + 1 == task->tokens.size(); }
    int32_t token(uint32_t position) const {
      const std::vector<int32_t>& tokens = task->tokens;
      return position < tokens.size() ? tokens[position] : guess.tokens[position - tokens.size()];
    }
  };

  void run_step();
  void end_cancelled();
  void admit();
  bool waits_for_another(const Task& task);
  uint32_t reusable(const Task& task) const;
  uint32_t whole_pages(size_t tokens) const {
    return static_cast<uint32_t>(tokens / limits_.page_size * limits_.page_size);
  }
  void begin(Active& one);
  void leave(Active& one);
  bool reserve(Active& one, uint32_t rows);
  void set_back_newest();
  uint32_t plan_rows();  // gives each running task its rows of the step; how many are of prompts
  void add_guesses(uint32_t generating);
  Batch make_batch();
  void deliver(const Batch& batch, const StepResult& result);
  void copy_state(Active& one);
  void compare(Active& one, uint32_t size, const Batch& batch, uint32_t row);
  void fail(const std::exception_ptr& error);

  Plan* plan_;
  std::exception_ptr loss_;
  uint64_t plans_lost_ = 0;
  Limits limits_;
  uint32_t vocabulary_;
  SchedulerOptions options_;
  PrefixCache cache_;
  StateCache states_;
  StepBudget budget_;
  std::deque<std::shared_ptr<Task>> waiting_;
  std::vector<Active> running_;  // by time of arrival
  std::vector<float> row_;       // [vocabulary], what a task may change
  SchedulerStatistics counted_;
};

}  // namespace hearth
