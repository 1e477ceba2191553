#pragma once
// Keys out of `flow_token_secret`: the same on every server that has it, and after a restart. Without one each start of the
// daemon draws its own.

#include <optional>
#include <string_view>

#include "src/base/siphash.h"
#include "src/config/settings.h"

namespace sipwsd::process {

// Nothing: there is no secret. Another key for each purpose.
std::optional<base::SipHashKey> lasting_key(const config::Settings& settings, std::string_view purpose);

}  // namespace sipwsd::process
