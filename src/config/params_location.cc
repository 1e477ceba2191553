// The parameters of modules `usrloc` and `registrar` (reference/modules.md 4 and 5).

#include "src/config/param.h"

#include <algorithm>
#include <array>

namespace sipwsd::config {
namespace {

// It goes into a header line as it is.
Result<void> read_service_route(Settings& settings, std::string_view text) {
  const bool is_one_line = std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
  if (text.size() > 1024 || !is_one_line || (!text.empty() && (text.front() != '<' || text.find('>') == text.npos)))
    return Error{Errc::out_of_range, "service_route is no route; write it as <sip:proxy.example.org;lr>"};
  settings.service_route = text;
  return {};
}

using enum OutOfRange;
constexpr auto usrloc_rows = std::to_array<Param>({
    {"max_bindings", &Settings::max_bindings, {1, 4'194'304}, refuse_start, "N",
     "contact bindings at the same time; more are answered 503"},
    {"db_mode", &Settings::db_mode, {0, 3}, refuse_start, "0-3",
     "whether bindings outlive a restart: 0 no, 1 each is stored in db_url before its 200; Kamailio's 2 and 3 do the same "
     "here"},
    {"db_url", &Settings::db_url, {0, 4096}, refuse_start, "sqlite:///PATH",
     "database that keeps bindings with db_mode 1; made when there is none", "location_db_url"},
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
    {"gruu_enabled", &Settings::gruu_enabled, {}, refuse_start, "",
     "give clients that support it names for their instance which others can call", {}, {}, Reload::running},
    {"path_mode", &Settings::path_mode, {0, 2}, refuse_start, "0-2",
     "what becomes of Path: 0 it is stored, 1 and told to clients that support it, 2 and others are answered 420", {}, {},
     Reload::running},
    {"service_route", TextForm{read_service_route, [](const Settings& s) { return s.service_route; }, nullptr}, {}, refuse_start,
     "ROUTE", "what clients are told to put into Route, like <sip:proxy.example.org;lr>; empty is nothing", {}, {},
     Reload::running},
});

}  // namespace

ParamGroup usrloc_params() noexcept { return {"usrloc", "Location", usrloc_rows}; }
ParamGroup registrar_params() noexcept { return {"registrar", "Registrar", registrar_rows}; }

}  // namespace sipwsd::config
