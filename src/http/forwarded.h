#pragma once
// Whom the proxies in front of us serve: `Forwarded` (RFC 7239) and `X-Forwarded-For` with `X-Forwarded-Proto`, what
// nginx and HAProxy write. Each proxy adds at the right end the address its own peer had; so from the right on, the
// first address that is no trusted proxy's is the client's, and what stands to the left of it is the client's own
// writing and is not looked at (S08).
//
// To be asked only about a request whose peer is a trusted proxy. Neither header has precedence: a proxy that writes one
// of them usually passes the other on as the client sent it, so a rule of precedence would let the client choose. When
// both are there they must name the same client, otherwise the request is refused; a client can only refuse itself.
// The proxy must set X-Forwarded-Proto (or remove it) for the same reason: nothing but the proxy can vouch for it.

#include "sipwsd/endpoint.h"
#include "sipwsd/result.h"
#include "src/http/header_list.h"

#include <functional>
#include <optional>

namespace sipwsd::http {

struct ForwardedClient {
  // Its protocol is none, and its port 0 unless the proxy told it. Empty when no header is there, or a proxy hides its
  // peer (`unknown`, or a name of its own: RFC 7239 6.2, 6.3): then the nearest address known is the socket's.
  // With trusted proxies only, it is the farthest of them: a client inside the trusted network.
  std::optional<Endpoint> address;
  // Whether the client came to the first trusted proxy over TLS; empty when nobody said.
  std::optional<bool> tls;
};

using IsTrustedProxy = std::function<bool(const Endpoint&)>;

// Errc::malformed: answer 400. An IPv4 address in an IPv6 one (::ffff:192.0.2.7) is given as IPv4.
Result<ForwardedClient> forwarded_client(const HeaderList& headers, const IsTrustedProxy& is_trusted_proxy);

}  // namespace sipwsd::http
