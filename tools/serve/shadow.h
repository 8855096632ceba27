// Shadows: requests that were answered on one side are answered on the other too, and both answers compared.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "tools/audit/comparisons.h"
#include "tools/serve/job.h"
#include "tools/serve/leaving.h"
#include "tools/serve/models.h"
#include "tools/serve/routing.h"
#include "tools/serve/workers.h"

namespace hearth::serve {

struct Service;

class Shadows {
 public:
  // Throws AuditError where comparisons cannot be kept. The service must outlive this.
  Shadows(Service& service, const RoutingOptions& options);
  ~Shadows();
  // Ends what is under way, once; from any thread.
  void end() { ending_ = true; }

  // Whether this request, where it is answered elsewhere, is to be answered here too; in the network thread.
  bool draws_local() const;
  // Answers it here, once nothing else is: what was answered there came after these seconds. `read` makes the local
  // request. From any thread.
  void answer_here(const Plan& plan, std::function<Job()> read, std::string text, const audit::Outcome& outcome);

  // Whether this request, which was answered here, is to be answered elsewhere too. It costs money: only where the
  // configuration says so, and both gates and the limits are open.
  bool draws_remote(const Plan& plan) const;
  // In the network thread.
  void ask_elsewhere(Plan plan, Leaving leaving, std::string text, double seconds);

  // Null where there is no log.
  audit::Comparisons* store() { return store_ ? &*store_ : nullptr; }

 private:
  struct Task;

  void begin(std::unique_ptr<Task> task);
  void run(Task& task);
  audit::Comparison first_words(const Plan& plan) const;

  Service& service_;
  double escalated_, local_;
  bool keeps_prompts_;
  std::optional<audit::Comparisons> store_;
  std::atomic<bool> ending_ = false;
  std::list<std::unique_ptr<Task>> tasks_;  // they hold their models; for the network thread
  Workers worker_{1};                       // last: it uses the rest
};

// The text of a provider's answer with secrets put back; empty where there is none.
std::string text_of_answer(const std::string& bytes, bool streams, Leaving::Words words,
                           const redact::Secrets& secrets);

}  // namespace hearth::serve
