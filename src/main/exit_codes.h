#pragma once
// The exit codes live on the configuration's floor, because roles and the loader end processes too.

#include "src/config/exit_codes.h"

namespace sipwsd {
using config::ExitCode;
using config::number;
}  // namespace sipwsd
