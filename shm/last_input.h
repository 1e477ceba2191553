#pragma once
// What each worker is at work on, so that a death can be laid at somebody's door (S51): the hash of the message and who
// sent it, noted before the message is handed up and taken back after. The reaper of a dead worker asks. An input that
// killed twice is a poison, whatever it was that it hit.
//
// Writers: a note, its worker, and the reaper once that worker is dead; the list of the accused, the reaper.
// Locks:   none: there is one reaper at a time.
// After a death: of a worker, that is what this is for; of a reaper, an accusation may be lost, never counted twice.

#include "sipwsd/connection_id.h"
#include "sipwsd/endpoint.h"

#include "shm/limits.h"
#include "shm/segment.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sipwsd::shm {

class LastInputs {
  struct Note;

 public:
  static std::size_t bytes_needed(const Limits& limits);
  static LastInputs construct(Segment& segment, const Limits& limits);

  // As long as it lives, `worker` is at work on this message. Not nested.
  class Work {
   public:
    Work(const LastInputs& inputs, WorkerSlot worker, const Endpoint& source, std::string_view message) noexcept;
    ~Work();
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

   private:
    Note* note_;
  };

  struct Accused {
    std::uint64_t hash = 0;
    Endpoint source;
    std::uint32_t deaths = 0;  // this input was at work in, as far back as is remembered
  };
  // The reaper, once for a death. Empty: it was at work on nothing.
  std::optional<Accused> accuse(WorkerSlot dead) noexcept;

 private:
  struct Crime {
    std::uint64_t hash;
    std::uint32_t deaths;
    std::uint32_t unused;
  };
  struct Record {
    static constexpr std::size_t remembered = 64;  // inputs; the oldest makes room
    Crime crimes[remembered];
    std::uint64_t next;
  };
  std::span<Note> notes_;
  Record* record_ = nullptr;
};

}  // namespace sipwsd::shm
