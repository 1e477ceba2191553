#pragma once
// One client, as the server sees it. A browser: a WebSocket connection, an address of record, an `.invalid` Contact with
// instance and reg-id, and messages of the shape and size JsSIP sends (RFC 7118; INVITE about 2.2 KB). Or a desk phone on
// UDP: its socket's address in Via and Contact, and a short offer. A Phone writes messages and reads them; what they mean
// for the run is its owner's business.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/bench/datagram_client.h"
#include "tests/bench/sip_message.h"
#include "tests/bench/websocket_client.h"

namespace sipwsd::bench {

inline constexpr std::string_view served_domain = "example.com";

// RFC 3261 12: one side's view of a call. Route set and remote target come from the messages, never from knowledge of
// the server.
struct Dialog {
  std::string call_id;
  std::string local;   // value of From in requests sent here, with tag
  std::string remote;  // value of To, with tag
  std::string target;  // Request-URI: the peer's Contact
  std::string routes;  // value of Route; empty when nobody recorded
  std::uint32_t cseq = 1;
};

Dialog caller_dialog(const SipMessage& ok);                                  // 12.1.2
Dialog callee_dialog(const SipMessage& invite, std::string_view local_tag);  // 12.1.1

class Phone final : private WebSocketClient::Events, private DatagramClient::Events {
 public:
  enum class Via { ws, udp };

  class Owner {
   public:
    virtual void on_open(Phone&) {}
    virtual void on_message(Phone&, const SipMessage&) {}
    virtual void on_pong(Phone&, std::string_view) {}
    virtual void on_ended(Phone&, const Ending&) {}
    // Something came that is not SIP, or not what a strict client accepts.
    virtual void on_garbage(Phone&, std::string_view bytes) = 0;

   protected:
    ~Owner() = default;
  };

  // `name` and the number are its user name.
  Phone(Loop& loop, Owner& owner, std::size_t number, std::string_view name = "user", Via via = Via::ws);

  void set_owner(Owner& owner) { owner_ = &owner; }

  // on_open() follows, from the loop.
  void open(const Target& target);

  // Each sends one message. `branch` is the part after z9hG4bK; `id` becomes the Call-ID.
  void send_register(std::uint32_t cseq, std::string_view branch, std::uint32_t expires, std::string_view authorization = {});
  void send_options(std::string_view id, std::string_view branch);
  void send_text_message(const Phone& to, std::string_view id, std::string_view branch, std::string_view body);
  void send_invite(const Phone& to, std::string_view id, std::string_view branch);
  void send_in_dialog(const Dialog& dialog, std::string_view method, std::uint32_t cseq, std::string_view branch);
  // RFC 3261 9.1 and 17.1.1.3: both belong to the INVITE's transaction, so `branch` is the INVITE's.
  void send_cancel(const Phone& to, std::string_view id, std::string_view branch);
  void send_ack_of_refusal(const Phone& to, const SipMessage& refusal, std::string_view branch);
  // RFC 3261 8.2.6: Via, Record-Route, From, Call-ID, CSeq from the request; `to_tag` when To has none.
  enum class Body { none, sdp };
  void send_response(const SipMessage& request, int status, std::string_view reason, std::string_view to_tag,
                     Body body);

  WebSocketClient& connection() noexcept { return connection_; }
  bool is_udp() const noexcept { return datagrams_.has_value(); }
  std::size_t number() const noexcept { return number_; }
  const std::string& user() const noexcept { return user_; }
  const std::string& contact_uri() const noexcept { return contact_uri_; }
  const std::string& register_call_id() const noexcept { return register_call_id_; }
  // Whether this is the Via this phone sent with that branch. Servers may have added parameters anywhere in it.
  bool is_via(std::string_view value, std::string_view branch) const;
  std::string from() const;

 private:
  void on_open() override { owner_->on_open(*this); }
  void on_text(std::string_view bytes) override;
  void on_datagram(std::string_view bytes) override { on_text(bytes); }
  void on_pong(std::string_view payload) override { owner_->on_pong(*this, payload); }
  void on_ended(const Ending& ending) override { owner_->on_ended(*this, ending); }

  std::string_view protocol() const noexcept { return is_udp() ? "UDP" : "WS"; }
  void send(std::string_view message);

  Loop& loop_;
  Owner* owner_;
  std::size_t number_;
  std::string user_, host_, tag_, instance_, contact_uri_, register_call_id_;
  WebSocketClient connection_;
  std::optional<DatagramClient> datagrams_;  // instead of the connection
};

}  // namespace sipwsd::bench
