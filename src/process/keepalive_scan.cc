#include "src/process/keepalive_scan.h"

#include "src/net/keepalive_policy.h"

namespace sipwsd::process {
namespace {

bus::Letter letter_for(net::KeepaliveAct act, const shm::ConnectionRecord& record, const config::Settings& settings) {
  switch (act) {
    case net::KeepaliveAct::ping: return bus::Ping{.connection = record.id(), .payload = settings.ping_application_data};
    case net::KeepaliveAct::pong: return bus::Pong{.connection = record.id(), .payload = settings.ping_application_data};
    case net::KeepaliveAct::drop_no_pong: return bus::Drop{.connection = record.id(), .reason = bus::DropReason::no_pong};
    case net::KeepaliveAct::drop_close_unanswered:
    case net::KeepaliveAct::nothing: break;
  }
  return bus::Drop{.connection = record.id(), .reason = bus::DropReason::close_unanswered};
}

}  // namespace

KeepaliveScan::KeepaliveScan(const shm::ConnectionTable& connections, const config::Settings& settings,
                             KeepaliveShare share, Post post)
    : connections_(connections), settings_(settings), share_(share), post_(std::move(post)) {}

KeepaliveScan::Report KeepaliveScan::run(base::TimePoint now, base::Seconds timeout) {
  Report report;
  const net::KeepaliveRules rules{.mechanism = settings_.keepalive_mechanism,
                                  .timeout = net::silence_allowed(timeout, settings_.flow_timer)};
  for (std::uint32_t stripe = 0; stripe < shm::ConnectionTable::stripes(); ++stripe) {
    copies_.clear();
    connections_.copy_stripe(stripe, copies_);
    for (const shm::ConnectionRecord& record : copies_) {
      if (number(record.id()) % share_.processes != share_.index) continue;
      const net::KeepaliveAct act = net::keepalive_act(record, base::whole_seconds(now), rules);
      if (act == net::KeepaliveAct::nothing) continue;
      if (!post_(record.owner(), letter_for(act, record, settings_)))
        ++report.refused;
      else if (act == net::KeepaliveAct::ping || act == net::KeepaliveAct::pong)
        ++report.keepalives;
      else
        ++report.drops;
    }
  }
  return report;
}

}  // namespace sipwsd::process
