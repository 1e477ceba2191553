#pragma once
// How the host stays on the way of what follows a request: not at all, by Record-Route (RFC 3261 16.6 step 4), or by Path
// (RFC 3327 5.2). The lines differ from copy to copy: they say where each one went.

#include <cstdint>

namespace sipwsd::transaction {

enum class Stay : std::uint8_t { none, record_route, path };

}  // namespace sipwsd::transaction
