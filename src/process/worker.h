#pragma once
// A TCP reader: accepts on its slot's listeners, owns its connections for life, routes what they bring.

#include "sipwsd/result.h"
#include "src/config/settings.h"

namespace sipwsd::process {

struct Inherited;

// Once, in the supervisor, before the first fork: draws the secrets all workers share and opens the routing stage, so
// that an unknown stage or a bad plug-in stops the start. The error says what to write instead.
Result<void> prepare_workers(const config::Settings& settings);

int run_worker(Inherited& inherited);

}  // namespace sipwsd::process
