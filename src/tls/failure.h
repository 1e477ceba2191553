#pragma once
// OpenSSL's reasons as the families that are counted. For the .cc files of this folder only.

#include "src/tls/session.h"

#include <string>

namespace sipwsd::tls {

struct Classified {
  Failure what;
  std::string reason;  // OpenSSL's words
};
// `code` is an entry of OpenSSL's error queue.
Classified failure_of(unsigned long code);

}  // namespace sipwsd::tls
