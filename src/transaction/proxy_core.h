#pragma once
// The proxy core (RFC 3261 16) and the transactions it stands on, for one worker: what core.h promises is done here.
// One file for each chapter:
//   proxy_core.cc          requests arrive: which transaction, ACK (17.2.1), what is left for the User
//   server_transaction.cc  responses leave: 17.2, our own responses (8.2.6), local To tags
//   proxy_forwarding.cc    16.3, 16.6: checks, targets, groups of equal q
//   response_processing.cc responses arrive: 17.1, 16.7
//   places.cc              where a branch goes: RFC 3263 4.3, 18.1.1, clients that are away
//   callers.cc             callers that are away
//   ack_forwarding.cc      16.11: the ACK to a 2xx
//   cancel.cc              CANCEL: 9, 16.10
//   proxy_timers.cc        16.8, 17: what fires, when to wake up next, when state ends
//
// Order of one step, everywhere: change the state, then send, then look whether it is over (settle). Memory is given
// back only when the outermost call is through, so references stay good across whatever a callee causes.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/os/timer_wheel.h"
#include "src/sip/output_buffer.h"
#include "src/transaction/core.h"
#include "src/transaction/held_acks.h"
#include "src/transaction/key.h"
#include "src/transaction/request_forwarding.h"
#include "src/transaction/response_route.h"
#include "src/transaction/transaction_table.h"

namespace sipwsd::transaction {

// What a response of our own says (8.2.6).
struct LocalReply {
  std::uint16_t status = 500;
  std::string_view reason = {};  // empty: the standard phrase
  std::span<const HeaderLine> headers = {};
  std::string_view body = {};
};

class ProxyCore final : public os::TimerHandler {
 public:
  ProxyCore(net::Transport& transport, os::TimerWheel& wheel, const base::Clock& clock, base::Random& random,
            CoreSettings settings, Counters& counters, User& user);
  ~ProxyCore();

  void on_request(const sip::MessageView& request, const Arrival& arrival);
  void on_response(const sip::MessageView& response, const Arrival& arrival);
  void on_send_failed(std::uint64_t ticket);
  void on_connection_closed(ConnectionId connection);
  void on_located(std::uint64_t ticket, std::span<const Place> places);
  void on_client_left(ClientId client, ConnectionId connection);
  void on_client_moved(ClientId client, const Destination& to);
  void answer(std::uint64_t ticket, const LocalReply& reply);
  void on_timer(os::TimerId id, std::uint64_t key) override;
  void reconfigure(CoreSettings settings);
  void reply_stateless(const sip::MessageView& request, const Arrival& arrival, const LocalReply& reply);

  // The acts of a RequestContext.
  void reply(RequestContext& request, const LocalReply& reply);
  void forward(RequestContext& request, std::span<const Target> targets, const ForwardOptions& options);
  Result<void> forward_stateless(RequestContext& request, const Target& target, const ForwardOptions& options);
  [[nodiscard]] std::uint64_t defer(RequestContext& request, base::Milliseconds limit);
  [[nodiscard]] bool is_merged(const RequestContext& request);
  [[nodiscard]] std::string local_tag(const RequestContext& request) const;

  [[nodiscard]] const BranchKey& branch_key() const noexcept { return branch_key_; }
  [[nodiscard]] const TransactionTable& table() const noexcept { return table_; }
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return table_.kept_bytes() + held_acks_.bytes(); }

 private:
  // The outermost call of this object on the stack, or one within.
  class Turn {
   public:
    explicit Turn(ProxyCore& core);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    ProxyCore& core_;
  };
  // What happened while a turn was on: state is not pulled away under it.
  struct Loss {
    ConnectionId connection = ConnectionId::none;
    Token token = Token::none;
    std::uint8_t moves = 0;
  };
  using Tag = std::array<char, 16>;

  // --- proxy_core.cc
  void on_ack(RequestContext& context);
  void show(RequestContext& context);
  void absorb(ProxyContext& context);
  void lose(const Loss& loss);
  void lose_connection(ConnectionId connection);

  // --- server_transaction.cc
  // Out to where the request came from, if the server transaction lets it.
  bool deliver(ProxyContext& context, std::uint16_t status, std::string_view response);
  [[nodiscard]] bool step_server(ProxyContext& context, std::uint16_t status);
  void reply_locally(ProxyContext& context, const LocalReply& reply);
  // `via`: the topmost of the request; null: it has none that can be read.
  [[nodiscard]] std::string_view make_reply(const sip::MessageView& request, const sip::Via* via, const Endpoint& source,
                                            std::uint64_t hash, const LocalReply& reply);
  Result<void> send_reply(const Destination& to, std::uint16_t status, std::string_view response);
  // The server transaction of a request that is kept: its one final response comes later.
  [[nodiscard]] ProxyContext& add_context(RequestContext& request);
  // 503 with Retry-After.
  void refuse(RequestContext& request, Count why);
  [[nodiscard]] Tag tag_of(std::uint64_t hash) const noexcept;

  // --- proxy_forwarding.cc
  // What forbids to forward; status 0: nothing does.
  struct Objection {
    std::uint16_t status = 0;
    std::string unsupported;  // 420
  };
  [[nodiscard]] Objection objection_to(const RequestContext& request, std::uint32_t loop_hash) const;
  [[nodiscard]] std::optional<Count> shortage(const RequestContext& request) const;
  [[nodiscard]] std::uint8_t next_max_forwards(const sip::MessageView& request) const;
  [[nodiscard]] bool is_loop(const sip::MessageView& request, std::uint32_t loop_hash) const;
  // Into order_: best first, as many as may be tried.
  void put_in_order(std::span<const Target> targets);
  [[nodiscard]] std::size_t widest_group() const noexcept;
  void add_targets(ProxyContext& context, const sip::MessageView& request, const ForwardOptions& options);
  void launch_group(ProxyContext& context, const sip::MessageView& request, const sip::Via& topmost_via);
  // Our Via and what else the copy gets: when it is known where it goes.
  void put_on(ProxyContext& context, ClientBranch& branch, const sip::MessageView& request);
  void launch(ProxyContext& context, ClientBranch& branch, const sip::MessageView& request, const sip::Via& topmost_via);
  // To `branch.to`, which is known by now.
  void send_copy(ProxyContext& context, ClientBranch& branch, const sip::MessageView& request, const sip::Via& topmost_via,
                 std::string_view server_name);
  void start_timers(const ProxyContext& context, ClientBranch& branch) noexcept;
  // The copy of the request that went, or goes, out on this branch.
  void write_copy(const ProxyContext& context, const ClientBranch& branch, const sip::MessageView& request,
                  const sip::Via& topmost_via, sip::OutputBuffer& out);
  void write_copy_again(const ProxyContext& context, const ClientBranch& branch, sip::OutputBuffer& out);
  void drop_waiting(ProxyContext& context) noexcept;

  // --- places.cc
  void find_place(ProxyContext& context, ClientBranch& branch, const sip::MessageView& request, const sip::Via& topmost_via);
  void take_places(ProxyContext& context, ClientBranch& branch, std::span<const Place> places,
                   const sip::MessageView& request, const sip::Via& topmost_via);
  [[nodiscard]] bool is_too_long(const ClientBranch& branch) const noexcept;
  void prefer_stream(ProxyContext& context, ClientBranch& branch, std::string_view server_name);
  // False: there is none, or it is too late for it.
  [[nodiscard]] bool try_next_place(ProxyContext& context, ClientBranch& branch);
  void report_place(const ClientBranch& branch);
  // False: nobody expects the client of a connection that is gone.
  [[nodiscard]] bool follow_client(ProxyContext& context, ClientBranch& branch);
  [[nodiscard]] bool hold(ProxyContext& context, ClientBranch& branch, Hold why, const Located& found);
  void end_hold(ProxyContext& context, ClientBranch& branch) noexcept;
  void give_up_place(ProxyContext& context, ClientBranch& branch);
  void resume(ProxyContext& context, ClientBranch& branch, const Destination& to);

  // --- callers.cc
  // False: he is lost.
  [[nodiscard]] bool await_caller(ProxyContext& context);
  void move_caller(ProxyContext& context, const Destination& to);
  void hold_response(ProxyContext& context, std::uint16_t status, std::string_view response);
  void lose_caller(ProxyContext& context);

  // --- ack_forwarding.cc
  struct PassingAck {
    const sip::MessageView& request;
    const sip::Via& topmost_via;
    const Arrival& arrival;
    std::uint64_t hash;
    std::uint32_t loop_hash;
    TargetTexts texts;
    ClientId callee;
  };
  Result<void> pass_ack_on(const PassingAck& ack, const Target& target);
  Result<void> send_ack_to(const PassingAck& ack, const Place& place);
  Result<void> send_ack_to_first(const PassingAck& ack, std::span<const Place> places);
  void send_held_ack(const HeldAck& ack, std::span<const Place> places);
  Result<void> hold_ack(const PassingAck& ack, const Located& found);
  void wake_up_for_acks();
  void release_acks(ClientId client, const Destination& to);
  void on_ack_located(std::uint64_t ticket, std::span<const Place> places);
  void drop_late_acks();

  // --- response_processing.cc
  void on_invite_response(ProxyContext& context, ClientBranch& branch, const sip::MessageView& response,
                          const Arrival& arrival);
  void on_other_response(ProxyContext& context, ClientBranch& branch, const sip::MessageView& response,
                         const Arrival& arrival);
  void process(ProxyContext& context, ClientBranch& branch, const sip::MessageView& response, const Arrival& arrival);
  void forward_response(ProxyContext& context, const sip::MessageView& response, std::string_view challenges = {});
  void gather(ProxyContext& context, const sip::MessageView& response);
  void gather_local(ProxyContext& context, std::uint16_t status, std::string_view reason);
  void send_ack(const ProxyContext& context, const ClientBranch& branch, const sip::MessageView& response);
  // A branch that will have no final response: the transport or the time said so. The caller concludes.
  void fail_branch(ProxyContext& context, ClientBranch& branch, std::uint16_t status, std::string_view reason = {});
  void on_transport_error(ProxyContext& context, ClientBranch& branch, Errc error);
  // All branches have ended: the next group, or the best response.
  void conclude(ProxyContext& context);
  void send_best(ProxyContext& context);

  // --- cancel.cc
  void on_cancel(RequestContext& context);
  void cancel_pending(ProxyContext& context, CancelCause cause);
  void cancel_branch(ProxyContext& context, ClientBranch& branch, CancelCause cause);
  void send_cancel(ProxyContext& context, ClientBranch& branch);
  void write_cancel(const ProxyContext& context, const ClientBranch& branch);
  void on_cancel_response(ClientBranch& branch, std::uint16_t status) noexcept;

  // --- proxy_timers.cc
  void fire(ProxyContext& context, ClientBranch& branch);
  void fire_server(ProxyContext& context);
  // After every change: is it over, what need not be kept any more, when to wake up.
  void settle(ProxyContext& context);
  void retire(ProxyContext& context);
  void wake_up_at(ProxyContext& context, base::TimePoint at);

  template <typename Act>
  void for_each_branch(ProxyContext& context, Act&& act) {
    for (ClientBranch* at = table_.branch(context.first_branch); at != nullptr; at = table_.branch(at->next)) act(*at);
  }
  void count(Count what) noexcept { counters_.count(what); }
  // The transport's ticket: the token, and the how manieth connection it went along, so that word of a message that was
  // lost on the way to the former one does no harm. No pool has as many branches as an index has bits.
  static constexpr unsigned moves_shift = 28;
  [[nodiscard]] static std::uint64_t ticket_of(const ClientBranch& branch) noexcept {
    return number(TransactionTable::token_of(branch)) | std::uint64_t{branch.moves} << moves_shift;
  }
  [[nodiscard]] static std::uint64_t key_of(const ProxyContext& context) noexcept {
    return std::uint64_t{context.serial} << 32 | context.index;
  }
  [[nodiscard]] ProxyContext* context_of(std::uint64_t key) noexcept {
    return table_.find(static_cast<PoolIndex>(key), static_cast<std::uint32_t>(key >> 32));
  }

  net::Transport& transport_;
  os::TimerWheel& wheel_;
  const base::Clock& clock_;
  Counters& counters_;
  User& user_;
  CoreSettings settings_;
  BranchKey branch_key_;
  base::SipHashKey table_key_, tag_key_, loop_key_;
  TransactionTable table_;
  RequestForwarding forwarding_;

  HeldAcks held_acks_;
  os::TimerId ack_timer_ = os::TimerId::none;

  base::TimePoint now_{};  // of the turn
  unsigned depth_ = 0;
  std::vector<Loss> losses_;

  // Working memory, so that nothing is allocated in steady state. `out_` is what is being sent.
  sip::OutputBuffer out_, copy_;
  std::string line_text_, again_, elsewhere_;
  std::vector<std::string_view> lines_;
  std::vector<const Target*> order_;
  std::vector<Place> places_;
};

}  // namespace sipwsd::transaction
