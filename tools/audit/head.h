// The file beside the log that holds its last row's number and hash: a log that is shorter was cut.
#pragma once

#include <filesystem>
#include <optional>

#include "tools/audit/chain.h"

namespace hearth::audit {

// "hearth.db" -> "hearth.db.head". All of it throws AuditError.
class Head {
 public:
  enum class Access { write, read };
  // `write` creates the file where it is absent.
  Head(const std::filesystem::path& log, Access access);
  ~Head();
  Head(const Head&) = delete;
  Head& operator=(const Head&) = delete;

  // While one of these lives no other process writes, neither head nor log.
  class Lock {
   public:
    // Throws where another process holds it for longer than five seconds.
    explicit Lock(const Head& head);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    int file_;
  };

  // Nothing where the file is absent or empty: it was never written.
  std::optional<Link> read() const;
  // On the disk when it returns.
  void write(const Link& link);
  // Throws where the file that is open is no longer the one at its path.
  void require_in_place() const;

 private:
  [[noreturn]] void fail(const char* doing) const;

  std::filesystem::path path_;
  int file_ = -1;
};

// "17:9f86d0..." as verify prints it; nullopt for anything else.
std::optional<Link> read_link(const std::string& text);
std::string link_text(const Link& link);

}  // namespace hearth::audit
