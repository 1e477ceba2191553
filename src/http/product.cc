#include "src/http/product.h"

#if defined(__x86_64__)
#define SIPWSD_MACHINE "x86_64"
#elif defined(__aarch64__)
#define SIPWSD_MACHINE "aarch64"
#elif defined(__i386__)
#define SIPWSD_MACHINE "i386"
#elif defined(__arm__)
#define SIPWSD_MACHINE "arm"
#elif defined(__riscv)
#define SIPWSD_MACHINE "riscv"
#elif defined(__powerpc64__)
#define SIPWSD_MACHINE "ppc64"
#elif defined(__s390x__)
#define SIPWSD_MACHINE "s390x"
#else
#define SIPWSD_MACHINE "unknown"
#endif

namespace sipwsd::http {

std::string_view product() noexcept { return "sipwsd (" SIPWSD_VERSION " (" SIPWSD_MACHINE "/linux))"; }

}  // namespace sipwsd::http
