#pragma once
// A keepalive process (reference/websocket.md 9): every keepalive_interval it looks at the connections that are its
// share, and tells the owners of the idle ones to send a Ping or a Pong, or to drop those that did not answer. It never
// touches a socket: an outside observer, so it finds the connections of a worker that is stuck as well.

namespace sipwsd::process {

struct Inherited;
int run_keepalive(Inherited& inherited);

}  // namespace sipwsd::process
