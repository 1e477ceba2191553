#pragma once
// Bindings that outlive a restart (usrloc.db_url), brought back into a fresh segment before there are any workers. Done
// by a process of its own, which has the rights of those who will write the database and ends when it is through.

#include <optional>
#include <span>

#include "shm/layout.h"
#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"
#include "src/base/clock.h"
#include "src/config/settings.h"
#include "src/os/privileges.h"

namespace sipwsd::process {

// Does nothing with db_mode 0. `ours`: the addresses that are listened on. The Error names the file.
Result<void> restore_bindings(const shm::SharedState& shared, const config::Settings& settings, const base::Clock& clock,
                              const std::optional<os::Identity>& identity, std::span<const Endpoint> ours);

}  // namespace sipwsd::process
