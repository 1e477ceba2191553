#include "src/base/assert.h"

#include <cstdlib>

#include "src/base/log.h"

namespace sipwsd::base {

void assertion_failed(const char* condition, const char* what, const char* file, int line) noexcept {
  log::fatal("assertion failed: {} ({}) at {}:{}", condition, what, file, line);
  std::abort();
}

}  // namespace sipwsd::base
