#pragma once
// Sealing and opening of session tickets (RFC 5077 4, RFC 8446 4.6.1) with the keys in shared memory. A ticket of the
// previous key is still opened and replaced by one of the current key. For the .cc files of this folder only.

#include "src/tls/openssl_handles.h"

namespace sipwsd::tls {

void use_shared_tickets(SSL_CTX* context);

}  // namespace sipwsd::tls
