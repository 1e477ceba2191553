#pragma once
// How the programs that run for minutes start and end: options from words, a folder of their own for the daemon's log,
// FIFO and keys, which stays when something failed, and the exit status: 0 all held, 1 something did not, 2 it could
// not run.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sipwsd::bench {

// A command line, read from the left. Throws what is wrong with it.
class WordReader {
 public:
  explicit WordReader(std::vector<std::string> words) : words_(std::move(words)) {}

  std::optional<std::string> next();  // the next option; nothing before `--` and at the end
  std::string value();                // the word that belongs to the option before
  std::size_t number();               // the same, and it must be a number above 0
  std::vector<std::string> rest() const;  // what stands behind `--`, once next() gave nothing

 private:
  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

struct LongRun {
  std::string_view name;
  std::string_view options;  // what --help prints: a line for each
};

// `body` reads its options first and says whether all held. It gets as many descriptors as the system allows.
// The result is main()'s.
int run_in_folder(const LongRun& run, std::vector<std::string> words, const std::function<bool(WordReader& words, const std::string& folder)>& body);

}  // namespace sipwsd::bench
