#pragma once
// What the supervisor hands to processes that were forked long ago and may open no file any more: bytes in a memory file
// (memfd_create(2)) that all of them inherit. It has two halves, one holds the current version, the next one is written
// into the other; a reader says which version it wants and finds out when it is not (or no longer) there whole.
//
// Writers: the supervisor only, through a mapping that no child inherits; the file is sealed against everybody else.
// Locks:   none. After a death of a reader: nothing to do.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sipwsd/result.h"
#include "src/os/fd.h"

namespace sipwsd::process {

class Bundle {
 public:
  Bundle() = default;
  // `most`: bytes of one version; address space, not memory. `name` is what /proc/PID/fd shows.
  static Result<Bundle> create(const char* name, std::size_t most);
  Bundle(Bundle&& other) noexcept;
  Bundle& operator=(Bundle&& other) noexcept;
  ~Bundle();

  // The supervisor. too_large; system: no memory for it. Versions follow each other; what was there two before is wiped.
  Result<void> publish(std::uint32_t version, std::string_view bytes);
  // Anybody. gone: that version is not there, or was overwritten while it was read.
  Result<std::string> read(std::uint32_t version) const;

  // To be kept open in children that read it.
  [[nodiscard]] int raw() const noexcept { return file_.raw(); }

 private:
  struct Head;
  [[nodiscard]] std::size_t place_of(std::uint32_t version) const noexcept { return version % 2 * half_; }

  os::Fd file_;
  std::size_t half_ = 0;
  std::byte* memory_ = nullptr;  // both halves; MADV_DONTFORK, so a child must not touch it
};

}  // namespace sipwsd::process
