// The parameters of modules `usrloc` and `registrar` (reference/modules.md 4 and 5).

#include "src/config/param.h"

#include <array>

namespace sipwsd::config {
namespace {

using enum OutOfRange;
constexpr auto usrloc_rows = std::to_array<Param>({
    {"max_bindings", &Settings::max_bindings, {1, 4'194'304}, refuse_start, "N",
     "contact bindings at the same time; more are answered 503"},
});

constexpr auto registrar_rows = std::to_array<Param>({
    {"default_expires", &Settings::default_expires, {1, 31'536'000}, refuse_start, "SECONDS",
     "lifetime of a binding when the client names none", {}, {}, Reload::running},
    {"min_expires", &Settings::min_expires, {0, 31'536'000}, refuse_start, "SECONDS",
     "shortest lifetime, shorter ones are raised to it; 0 is no limit", {}, {}, Reload::running},
    {"max_expires", &Settings::max_expires, {0, 31'536'000}, refuse_start, "SECONDS",
     "longest lifetime, longer ones are lowered to it; 0 is no limit", {}, {}, Reload::running},
    {"max_contacts", &Settings::max_contacts, {0, 1000}, refuse_start, "N",
     "bindings of one address of record; 0 is no limit", {}, {}, Reload::running},
    {"retry_after", &Settings::registrar_retry_after, {0, 3600}, refuse_start, "SECONDS",
     "what Retry-After says when there are too many; 0 leaves it out", "registrar_retry_after", {}, Reload::running},
    {"flow_timer", &Settings::flow_timer, {0, 3600}, refuse_start, "SECONDS",
     "what a client with Outbound is told it may be silent at most; a flow silent for longer is sent a Ping; 0 tells "
     "nothing", {}, {}, Reload::running},
});

}  // namespace

ParamGroup usrloc_params() noexcept { return {"usrloc", "Location", usrloc_rows}; }
ParamGroup registrar_params() noexcept { return {"registrar", "Registrar", registrar_rows}; }

}  // namespace sipwsd::config
