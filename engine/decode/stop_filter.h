// Finds the texts that end an answer in text that comes in pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth {

// Holds back text only as long as it may be the beginning of a stop text. Work per piece is linear in the held text
// times the number of stop texts.
class StopFilter {
 public:
  explicit StopFilter(std::vector<std::string> stops);

  // The text that is certain to be before any stop text. After one was found: nothing.
  std::string push(std::string_view text);
  std::string finish();  // what was held back
  bool stopped() const { return stopped_; }
  const std::string& stop() const { return stop_; }  // the one that was found

 private:
  std::vector<std::string> stops_;
  size_t longest_ = 0;
  std::string held_;
  bool stopped_ = false;
  std::string stop_;
};

}  // namespace hearth
