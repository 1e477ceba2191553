#include "src/dns/cache.h"

#include <utility>

namespace sipwsd::dns {
namespace {

// What an answer takes, near enough: the nodes of list and map with their allocations' heads, the name twice, the records.
std::size_t bytes_of(const Question& question, const Records& records) noexcept {
  std::size_t bytes = 320 + 2 * question.name.capacity() + records.addresses.capacity() * sizeof(Endpoint) +
                      records.srv.capacity() * sizeof(Srv) + records.naptr.capacity() * sizeof(Naptr);
  for (const Srv& srv : records.srv) bytes += srv.target.capacity();
  for (const Naptr& naptr : records.naptr)
    bytes += naptr.flags.capacity() + naptr.services.capacity() + naptr.replacement.capacity();
  return bytes;
}

}  // namespace

SharedRecords Cache::find(const Question& question, base::TimePoint now) {
  const auto found = by_question_.find(question);
  if (found == by_question_.end()) return nullptr;
  const auto entry = found->second;
  if (entry->until <= now) {
    erase(entry);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  return entry->records;
}

std::size_t Cache::put(const Question& question, SharedRecords records, base::TimePoint until) {
  if (const auto old = by_question_.find(question); old != by_question_.end()) erase(old->second);
  const std::size_t bytes = bytes_of(question, *records);
  entries_.push_front({question, std::move(records), until, bytes});
  by_question_.emplace(question, entries_.begin());
  bytes_ += bytes;
  return make_room();
}

std::size_t Cache::set_most_bytes(std::size_t bytes) {
  most_bytes_ = bytes;
  return make_room();
}

void Cache::clear() noexcept {
  by_question_.clear();
  entries_.clear();
  bytes_ = 0;
}

void Cache::erase(Entries::iterator entry) noexcept {
  bytes_ -= entry->bytes;
  by_question_.erase(entry->question);
  entries_.erase(entry);
}

std::size_t Cache::make_room() noexcept {
  std::size_t evicted = 0;
  for (; bytes_ > most_bytes_; ++evicted) erase(std::prev(entries_.end()));
  return evicted;
}

}  // namespace sipwsd::dns
