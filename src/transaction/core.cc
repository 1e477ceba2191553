// The door: core.h's names for what ProxyCore does.
#include "src/transaction/core.h"

#include "src/transaction/proxy_core.h"

namespace sipwsd::transaction {

bool RequestContext::is_merged() const { return core_.is_merged(*this); }
std::string RequestContext::local_tag() const { return core_.local_tag(*this); }
void RequestContext::reply(std::uint16_t status, std::string_view reason, std::span<const HeaderLine> headers,
                           std::string_view body) {
  core_.reply(*this, {status, reason, headers, body});
}
void RequestContext::forward(std::span<const Target> targets, const ForwardOptions& options) {
  core_.forward(*this, targets, options);
}
Result<void> RequestContext::forward_stateless(const Target& target, const ForwardOptions& options) {
  return core_.forward_stateless(*this, target, options);
}

std::uint64_t RequestContext::defer(base::Milliseconds limit) { return core_.defer(*this, limit); }

Core::Core(net::Transport& transport, os::TimerWheel& wheel, const base::Clock& clock, base::Random& random,
           CoreSettings settings, Counters& counters, User& user)
    : core_(std::make_unique<ProxyCore>(transport, wheel, clock, random, std::move(settings), counters, user)) {}
Core::~Core() = default;

void Core::on_request(const sip::MessageView& request, const Arrival& arrival) { core_->on_request(request, arrival); }
void Core::on_response(const sip::MessageView& response, const Arrival& arrival) {
  core_->on_response(response, arrival);
}
void Core::on_send_failed(std::uint64_t ticket) { core_->on_send_failed(ticket); }
void Core::on_located(std::uint64_t ticket, std::span<const Place> places) { core_->on_located(ticket, places); }
void Core::on_client_left(ClientId client, ConnectionId connection) { core_->on_client_left(client, connection); }
void Core::on_client_moved(ClientId client, const Destination& to) { core_->on_client_moved(client, to); }
void Core::answer(std::uint64_t ticket, std::uint16_t status, std::string_view reason, std::span<const HeaderLine> headers,
                  std::string_view body) {
  core_->answer(ticket, {status, reason, headers, body});
}
void Core::reconfigure(CoreSettings settings) { core_->reconfigure(std::move(settings)); }

void Core::on_connection_closed(ConnectionId connection) { core_->on_connection_closed(connection); }
void Core::reply_stateless(const sip::MessageView& request, const Arrival& arrival, std::uint16_t status,
                           std::string_view reason, std::span<const HeaderLine> headers) {
  core_->reply_stateless(request, arrival, {status, reason, headers, {}});
}

const BranchKey& Core::branch_key() const noexcept { return core_->branch_key(); }
std::size_t Core::size() const noexcept { return core_->table().size(); }
std::size_t Core::kept_bytes() const noexcept { return core_->kept_bytes(); }
std::size_t Core::capacity() const noexcept { return core_->table().capacity(); }

}  // namespace sipwsd::transaction
