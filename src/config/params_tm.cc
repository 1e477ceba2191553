// The parameters of modules `tm` (reference/modules.md 2) and `maxfwd`.

#include "src/config/param.h"

#include <array>

namespace sipwsd::config {
namespace {

using enum OutOfRange;
constexpr auto tm_rows = std::to_array<Param>({
    {"fr_timer", &Settings::fr_timer, {100, 600'000}, refuse_start, "MILLISECONDS",
     "a request without any reply for so long is answered 408", {}, {}, Reload::running},
    {"fr_inv_timer", &Settings::timer_c, {1000, 3'600'000}, refuse_start, "MILLISECONDS",
     "an INVITE without a final reply for so long after a provisional one is cancelled (Timer C)",
     {}, {}, Reload::running},
    {"max_noninv_lifetime", &Settings::max_noninv_lifetime, {1000, 600'000}, refuse_start, "MILLISECONDS",
     "longest life of any other request", {}, {}, Reload::running},
    {"retr_timer1", &Settings::timer_t1, {50, 60'000}, refuse_start, "MILLISECONDS",
     "first retransmission over UDP (T1)", {}, {}, Reload::running},
    {"retr_timer2", &Settings::timer_t2, {50, 60'000}, refuse_start, "MILLISECONDS",
     "longest pause between retransmissions over UDP (T2)", {}, {}, Reload::running},
    {"max_transactions", &Settings::max_transactions, {16, 4'194'304}, refuse_start, "N",
     "transactions of one worker; more are answered 503"},
    {"max_transactions_per_connection", &Settings::max_transactions_per_connection, {0, 4'194'304}, refuse_start, "N",
     "transactions that requests of one connection may have pending; more are answered 503; 0 is any number",
     {}, {}, Reload::running},
});

constexpr auto maxfwd_rows = std::to_array<Param>({
    {"max_limit", &Settings::max_forwards, {1, 255}, refuse_start, "N",
     "largest Max-Forwards, larger ones are lowered to it", "max_forwards", {}, Reload::running},
});

}  // namespace

ParamGroup tm_params() noexcept { return {"tm", "Transactions", tm_rows}; }
ParamGroup maxfwd_params() noexcept { return {"maxfwd", "Forwarding", maxfwd_rows}; }

}  // namespace sipwsd::config
