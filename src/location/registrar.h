#pragma once
// What a REGISTER does (RFC 3261 10.3; RFC 5626 6 for instance and reg-id). All contacts of one REGISTER are one
// change: they are all stored or none is. Decides and stores; whoever calls it sends the answer.
//
//   - Too short an expiry is raised to min_expires and too long a one lowered, as Kamailio's registrar does: no 423.
//   - A browser that reconnects has a new random URI: registration_plan.h says which binding is its old one.
//   - Outbound (RFC 5626 6) is used for a Contact with both, unless another proxy was first and keeps no flows. The 200 then
//     requires `outbound`, and may tell the Flow-Timer; that silent flows are looked after is keepalive's business.
//   - A binding leads along the flow of its REGISTER, or to the address that a datagram came from (S25).
//   - Every Contact of the 200 carries its own expires: without it SIP.js registers again without pause.

#include <string>
#include <string_view>
#include <vector>

#include "src/base/clock.h"
#include "src/config/settings.h"
#include "src/location/registration_plan.h"
#include "src/location/store.h"
#include "src/sip/name_addr.h"
#include "src/sip/message.h"

namespace sipwsd::location {

struct Registration {
  int status = 200;
  std::string_view reason;           // empty: the standard phrase
  std::vector<std::string> headers;  // "Name: value"
  std::string aor;                   // canonical; empty when the request never got that far
  bool table_is_full = false;        // 503 for want of room in the location service
  bool bound_here = false;           // at least one binding now leads over this request's flow
  ClientId client = ClientId::none;  // the first that leads to where this request came from
  // Clients that were expected back, or were on another flow before: what waits for them can be sent here now.
  std::vector<Returned> returned;
  bool told_flow_timer = false;      // the client is to be heard of so often (RFC 5626 4.4)
  // It said something about contacts: with a mirror the 200 leaves when `aor` is stored there (mirror_client.h).
  bool is_change = false;
};

class Registrar {
 public:
  Registrar(Store& store, const base::Clock& clock, const config::Settings& settings)
      : store_(store), clock_(clock), settings_(settings) {}

  // `arrival` is where the REGISTER came in: its flow is what the bindings lead over.
  Registration process(const sip::MessageView& request, const Arrival& arrival);

 private:
  enum class Outcome : std::uint8_t { done, again, refused };
  // Errc::refused: `out` says why.
  Result<void> check(const sip::MessageView& request, const Result<sip::NameAddr>& to, bool has_cseq, bool star,
                     Registration& out) const;
  Result<void> read_contacts(const sip::MessageView& request, Registration& out);
  Result<void> check_outbound(const sip::MessageView& request, Registration& out);
  Result<std::string> read_path(const sip::MessageView& request, Registration& out) const;
  Destination destination_of(const Arrival& arrival, std::string_view path) const;
  Outcome change(const RegistrationFacts& facts, bool star, Registration& out);
  void answer(const sip::MessageView& request, const RegistrationFacts& facts, const shm::BindingSnapshot& bindings,
              Registration& out) const;
  void append_contact(std::string& out, const shm::Binding& binding, std::int64_t now, bool with_gruus) const;
  std::int64_t granted(std::int64_t asked) const noexcept;

  Store& store_;
  const base::Clock& clock_;
  const config::Settings& settings_;
  // Of the present request; their memory stays.
  shm::BindingSnapshot before_;
  std::vector<WantedContact> wanted_;
  RegistrationPlan plan_;
};

}  // namespace sipwsd::location
