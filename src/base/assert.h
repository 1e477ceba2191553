#pragma once
// Our own bug: say what the reader should have guaranteed, end this process; the supervisor replaces it.
// Never for anything that came from the wire.

namespace sipwsd::base {
[[noreturn]] void assertion_failed(const char* condition, const char* what, const char* file, int line) noexcept;
}

#define SIPWSD_ASSERT(condition, what) \
  ((condition) ? static_cast<void>(0)  \
               : ::sipwsd::base::assertion_failed(#condition, what, __FILE__, __LINE__))
