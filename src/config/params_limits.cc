// Globals about how much of everything one address, one connection, or everybody together may have (S40-S44).

#include "src/config/param.h"

#include <array>

namespace sipwsd::config {
namespace {

template <base::Networks Settings::* field>
constexpr TextForm networks{[](Settings& settings, std::string_view text) { return (settings.*field).add(text); },
                            [](const Settings& settings) { return (settings.*field).to_string(); },
                            [](Settings& settings) { settings.*field = {}; }};

using enum OutOfRange;
constexpr auto rows = std::to_array<Param>({
    {"trusted_proxies", networks<&Settings::trusted_proxies>, {}, refuse_start, "NETWORKS",
     "proxies whose PROXY header, Forwarded or X-Forwarded-For says where a client is, like 10.0.0.0/8; never banned", {},
     {}, Reload::running},
    {"limits_exempt", networks<&Settings::limits_exempt>, {}, refuse_start, "NETWORKS",
     "networks without limits and rates by address, and without bans", {}, {}, Reload::running},
    {"max_connections_per_address", &Settings::max_connections_per_address, {0, 4'194'304}, refuse_start, "N",
     "connections of one address (IPv6: of one /64); more are answered 429; 0 is any number", {}, {}, Reload::running},
    {"handshake_rate", &Settings::handshake_rate, {0, 1'000'000}, refuse_start, "N",
     "new connections of one address a second; more are answered 429, or closed before TLS; 0 is any number", {}, {},
     Reload::running},
    {"handshake_burst", &Settings::handshake_burst, {1, 1'000'000}, refuse_start, "N",
     "new connections of one address at once, after a pause", {}, {}, Reload::running},
    {"max_pending_handshakes", &Settings::max_pending_handshakes, {16, 1'048'576}, refuse_start, "N",
     "connections of one worker that are not through their handshake; for one more the oldest is dropped", {}, {},
     Reload::running},
    {"max_unregistered", &Settings::max_unregistered, {0, 4'194'304}, refuse_start, "N",
     "connections over which nobody has registered; more are answered 503; 0 is any number", {}, {}, Reload::running},
    {"message_rate", &Settings::message_rate, {0, 1'000'000}, refuse_start, "N",
     "messages of one connection a second, two seconds' worth at once; above it, it is read more slowly, and of an address "
     "that sends datagrams what is above it is dropped; 0 is any number",
     {}, {}, Reload::running},
    {"byte_rate", &Settings::byte_rate, {0, 1'073'741'824}, refuse_start, "BYTES",
     "bytes of one connection a second, two seconds' worth at once; above it, it is read more slowly; 0 is any number", {},
     {}, Reload::running},
    {"rate_patience", &Settings::rate_patience, {0, 3600}, refuse_start, "SECONDS",
     "a connection above message_rate or byte_rate for so long is closed with 1008; 0 never", {}, {}, Reload::running},
    {"max_fragments", &Settings::max_fragments, {1, 16'777'216}, refuse_start, "N",
     "fragments of one message, or one for each 64 bytes of max_message_size if that is more; more are closed with 1008",
     {}, {}, Reload::running},
    {"max_empty_fragments", &Settings::max_empty_fragments, {0, 1'048'576}, refuse_start, "N",
     "fragments of one message without a byte in them; more are closed with 1008", {}, {}, Reload::running},
    {"idle_timeout", &Settings::idle_timeout, {0, 31'536'000}, refuse_start, "SECONDS",
     "a connection over which nobody has registered and no message came for so long is closed; 0 never", {}, {},
     Reload::running},
    {"memory_limit", &Settings::memory_limit, {0, 16'777'216}, refuse_start, "MIB",
     "memory of all processes; at 90 % of it nothing new is taken; 0 is 90 % of what the machine or control group has", {},
     {}, Reload::running},
    {"ban_strikes", &Settings::ban_strikes, {1, 1'000'000}, refuse_start, "N",
     "offences of one address within ban_window that get it banned", {}, {}, Reload::running},
    {"ban_window", &Settings::ban_window, {1, 86'400}, refuse_start, "SECONDS", "time in which offences add up", {}, {},
     Reload::running},
    {"ban_time", &Settings::ban_time, {0, 31'536'000}, refuse_start, "SECONDS",
     "how long a ban lasts; 0 bans nobody but whom an operator bans", {}, {}, Reload::running},
    {"ban_file", &Settings::ban_file, {0, 4096}, refuse_start, "FILE",
     "where bans are kept from one run to the next; empty forgets them", {}, {}, Reload::running},
});

}  // namespace

ParamGroup limits_params() noexcept { return {"core", "Limits", rows}; }

}  // namespace sipwsd::config
