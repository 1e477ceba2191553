#pragma once
// Named pipes of the management interface (reference/fifo.md, security.md S54). A path in a directory others can
// write to is hostile: links are never followed, and nothing but a FIFO is ever opened, changed or removed.

#include <sys/types.h>

#include <string>

#include "src/os/fd.h"

namespace sipwsd::os {

struct FifoOwner {
  uid_t user = static_cast<uid_t>(-1);  // -1: as created
  gid_t group = static_cast<gid_t>(-1);
  mode_t mode = 0660;
};

// Creates it (an old FIFO of that name is removed first; anything else is Errc::exists), sets owner and mode and
// opens it nonblocking for reading and writing: so it never reports end of file when the last writer leaves.
Result<Fd> create_fifo(const std::string& path, const FifoOwner& owner);
// A FIFO somebody reads from. Errc::gone: nobody has it open for reading (yet); Errc::not_found; Errc::refused: the
// name is not a FIFO. Nonblocking.
Result<Fd> open_fifo_for_writing(const std::string& path);
// Why somebody else could replace a pipe at `path`, whatever its own mode: its folder belongs to neither root, us nor
// `owner`, or all may write there and nothing is sticky. Empty: nobody can.
std::string weakness_of_folder(const std::string& path, uid_t owner);
// Only when it is a FIFO.
Result<void> remove_fifo(const std::string& path);

}  // namespace sipwsd::os
