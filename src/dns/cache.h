#pragma once
// Answers until their time is over, in bounded memory: what was not asked for longest makes room. One worker's own: nothing
// to lock, and a worker that dies takes no truth with it.

#include "src/base/clock.h"
#include "src/base/siphash.h"
#include "src/dns/records.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>

namespace sipwsd::dns {

// Names come from the wire, so the hash is keyed.
struct QuestionHash {
  base::SipHashKey key;
  std::size_t operator()(const Question& question) const noexcept {
    return base::siphash(key, question.name) ^ static_cast<std::size_t>(question.type);
  }
};

// Owners: the cache, and each resolution that went by these records and must find them again when it goes on.
using SharedRecords = std::shared_ptr<const Records>;

class Cache {
 public:
  Cache(const base::SipHashKey& key, std::size_t most_bytes) : by_question_(0, QuestionHash{key}), most_bytes_(most_bytes) {}

  // Null: not there, or too old.
  SharedRecords find(const Question& question, base::TimePoint now);
  // Returns how many others had to go before their time.
  std::size_t put(const Question& question, SharedRecords records, base::TimePoint until);
  std::size_t set_most_bytes(std::size_t bytes);
  void clear() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return by_question_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct Entry {
    Question question;
    SharedRecords records;
    base::TimePoint until;
    std::size_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // the last asked for in front

  void erase(Entries::iterator entry) noexcept;
  std::size_t make_room() noexcept;

  Entries entries_;
  std::unordered_map<Question, Entries::iterator, QuestionHash> by_question_;
  std::size_t bytes_ = 0;
  std::size_t most_bytes_;
};

}  // namespace sipwsd::dns
