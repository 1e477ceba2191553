#include "tests/bench/long_run.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "src/base/text.h"

namespace sipwsd::bench {
namespace {

bool wants_help(const std::vector<std::string>& words) {
  // What follows `--` is sipwsd's.
  const auto own = std::find(words.begin(), words.end(), "--");
  return std::find(words.begin(), own, "--help") != own;
}

// A connection is a descriptor here, and one in the daemon, which inherits the limit.
void raise_descriptor_limit() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

std::string make_folder(std::string_view name) {
  auto folder = fmt::format("/tmp/sipwsd-{}-XXXXXX", name);
  if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  return folder;
}

// " (logs: ...)", or nothing when it ended before there was a log.
std::string logs_in(const std::string& folder) {
  std::error_code not_empty;
  if (folder.empty() || std::filesystem::remove(folder, not_empty)) return {};
  return fmt::format(" (logs: {})", folder);
}

}  // namespace

std::optional<std::string> WordReader::next() {
  if (at_ == words_.size() || words_[at_] == "--") return std::nullopt;
  return words_[at_++];
}

std::string WordReader::value() {
  if (at_ == words_.size()) throw std::runtime_error(words_[at_ - 1] + " wants a value");
  return words_[at_++];
}

std::size_t WordReader::number() {
  const auto text = value();
  const auto parsed = base::parse_decimal<std::size_t>(text);
  if (!parsed || *parsed == 0) throw std::runtime_error(fmt::format("'{}' is not a number", text));
  return *parsed;
}

std::vector<std::string> WordReader::rest() const {
  if (at_ == words_.size()) return {};
  return {words_.begin() + static_cast<std::ptrdiff_t>(at_) + 1, words_.end()};
}

int run_in_folder(const LongRun& run, std::vector<std::string> words, const std::function<bool(WordReader&, const std::string&)>& body) {
  if (wants_help(words)) {
    fmt::print("{} [OPTIONS] [-- MORE WORDS FOR SIPWSD]\n{}", run.name, run.options);
    return 0;
  }
  raise_descriptor_limit();
  std::string folder;
  try {
    folder = make_folder(run.name);
    WordReader reader(std::move(words));
    const bool good = body(reader, folder);
    if (good)
      std::filesystem::remove_all(folder);
    else
      fmt::print("the daemon's log is in {}\n", folder);
    return good ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}{}\n", run.name, error.what(), logs_in(folder));
    return 2;
  }
}

}  // namespace sipwsd::bench
