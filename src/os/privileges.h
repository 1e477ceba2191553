#pragma once
// From root to the daemon's own user, for good: supplementary groups, group, user, in this order, then no way back.

#include <sys/types.h>

#include <string>
#include <vector>

#include "sipwsd/result.h"

namespace sipwsd::os {

struct Identity {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;  // supplementary, from the group database
  std::string name;
};

// Names or numbers. An empty user is the present one; an empty group is the user's own.
Result<Identity> resolve_identity(const std::string& user, const std::string& group);
// Does nothing when the process is that user already. Clears the parent death signal and the dumpable flag.
Result<void> become(const Identity& identity);
void forbid_new_privileges() noexcept;  // PR_SET_NO_NEW_PRIVS

}  // namespace sipwsd::os
