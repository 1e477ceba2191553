// Globals about connections: how many, how large, how slow, how long.

#include "src/config/param.h"

#include <array>

namespace sipwsd::config {
namespace {

using enum OutOfRange;
constexpr auto rows = std::to_array<Param>({
    {"max_connections", &Settings::max_connections, {1, 4'194'304}, refuse_start, "N",
     "connections at the same time, over all workers; more are answered 503"},
    {"retry_after", &Settings::retry_after, {1, 3600}, refuse_start, "SECONDS",
     "what Retry-After in such a 503 says", {}, {}, Reload::running},
    {"max_message_size", &Settings::max_message_size, {1024, 16'777'216}, refuse_start, "BYTES",
     "largest message a client may send; a larger one is closed with 1009"},
    {"outbox_bytes", &Settings::outbox_bytes, {4096, 1'073'741'824}, refuse_start, "BYTES",
     "unsent bytes kept for one connection; a connection that needs more is dropped", {}, {}, Reload::running},
    {"slow_reader_timeout", &Settings::slow_reader_timeout, {1, 3600}, refuse_start, "SECONDS",
     "a connection that takes none of its unsent bytes for so long is dropped", {}, {}, Reload::running},
    {"tcp_connection_lifetime", &Settings::tcp_connection_lifetime, {0, 31'536'000}, refuse_start, "SECONDS",
     "a connection with no traffic for so long is closed; 0 never; keep it above keepalive_timeout",
     {}, {}, Reload::running},
    {"tcp_connect_timeout", &Settings::tcp_connect_timeout, {1, 120}, refuse_start, "SECONDS",
     "a connection to a SIP server or phone, with its TLS handshake, must be made within so long",
     {}, {}, Reload::running},
    {"tcp_max_dialled", &Settings::tcp_max_dialled, {1, 1'048'576}, refuse_start, "N",
     "connections one worker makes itself; what is for another one fails", {}, {}, Reload::running},
    {"tcp_keepalive", &Settings::tcp_keepalive, {}, refuse_start, "",
     "let the kernel find out whether the other end of a connection we made still lives", {}, {}, Reload::running},
    {"tcp_keepidle", &Settings::tcp_keepidle, {1, 32'767}, refuse_start, "SECONDS",
     "after so long without a word from it", {}, {}, Reload::running},
    {"tcp_crlf_keepalive", &Settings::tcp_crlf_keepalive, {0, 3600}, refuse_start, "SECONDS",
     "a connection we made that is silent for so long gets an empty line, which its other end answers or it is closed; 0 never",
     {}, {}, Reload::running},
    {"letter_ring_bytes", &Settings::letter_ring_bytes, {65'536, 67'108'864}, refuse_start, "BYTES",
     "shared memory between each two processes for what they tell each other; a power of two"},
});

}  // namespace

ParamGroup tcp_params() noexcept { return {"core", "Connections", rows}; }

}  // namespace sipwsd::config
