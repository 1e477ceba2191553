#pragma once
// One worker's Core with everything around it fake: time stands still until a test moves it, sent messages pile up in
// `transport`, the User does what the test says.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/clock.h"
#include "src/base/random.h"
#include "src/os/timer_wheel.h"
#include "src/sip/cseq.h"
#include "src/sip/header_list.h"
#include "src/sip/message.h"
#include "src/sip/via.h"
#include "src/transaction/core.h"
#include "tests/support/fake_transport.h"

namespace sipwsd::transaction {

inline constexpr auto operator""_conn(unsigned long long id) { return static_cast<ConnectionId>(id); }

class CountingCounters final : public Counters {
 public:
  void count(Count what) noexcept override { ++values_[static_cast<std::size_t>(what)]; }
  std::uint64_t operator[](Count what) const { return values_[static_cast<std::size_t>(what)]; }

 private:
  std::array<std::uint64_t, count_kinds> values_{};
};

class ScriptedUser final : public User {
 public:
  void on_request(RequestContext& request) override {
    ++requests;
    if (request_script) request_script(request);
  }
  void on_reply(ReplyContext& reply) override {
    ++replies;
    if (reply_script) reply_script(reply);
  }
  Located locate(std::uint64_t ticket, const Wanted& wanted, std::vector<Place>& places) override {
    asked.push_back({ticket, std::string{wanted.next_hop}, wanted.client, wanted.size});
    return locate_script ? locate_script(wanted, places) : Located{};
  }
  void on_place_failed(const Destination& to) override { failed_places.push_back(to); }
  bool is_short_of_memory() const noexcept override { return memory_is_short; }
  void outfit(const Leg& leg, Outfit& out) override {
    out.transport = leg.to.is_address() ? leg.to.remote.protocol : TransportProtocol::wss;
    out.sent_by = "edge.example.org";
    if (outfit_script) outfit_script(leg, out);
  }

  std::function<void(RequestContext&)> request_script;
  std::function<void(ReplyContext&)> reply_script;
  std::function<void(const Leg&, Outfit&)> outfit_script;
  std::function<Located(const Wanted&, std::vector<Place>&)> locate_script;
  struct Asked {
    std::uint64_t ticket;
    std::string next_hop;
    ClientId client;
    std::size_t size;
  };
  std::vector<Asked> asked;
  std::vector<Destination> failed_places;
  std::map<ConnectionId, bool> datagram_clients;  // who has no connection
  bool memory_is_short = false;
  std::size_t requests = 0, replies = 0;
};

// What a client writes.
struct RequestText {
  std::string method = "MESSAGE";
  std::string uri = "sip:bob@example.org";
  std::string branch = "z9hG4bKclient1";
  std::string via;  // empty: made of `branch`
  std::string from_tag = "fromtag";
  std::string to_tag = {};
  std::string call_id = "call-1";
  unsigned cseq = 1;
  std::string headers = {};  // further lines, with CRLF
  std::string max_forwards = "70";
  std::string body = {};

  [[nodiscard]] std::string text() const {
    std::string out = method + " " + uri + " SIP/2.0\r\n";
    out += "Via: " + (via.empty() ? "SIP/2.0/WSS k3j4.invalid;branch=" + branch : via) + "\r\n";
    if (!max_forwards.empty()) out += "Max-Forwards: " + max_forwards + "\r\n";
    out += "From: <sip:alice@example.org>;tag=" + from_tag + "\r\n";
    out += "To: <sip:bob@example.org>" + (to_tag.empty() ? "" : ";tag=" + to_tag) + "\r\n";
    out += "Call-ID: " + call_id + "\r\nCSeq: " + std::to_string(cseq) + " " + method + "\r\n" + headers;
    out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    return out;
  }
};

// What the other side answers to a request as it was sent to it.
inline std::string response_to(std::string_view request_bytes, unsigned status, std::string_view to_tag = "callee",
                               std::string_view headers = {}, std::string_view body = {}) {
  const auto request = sip::parse(request_bytes);
  EXPECT_TRUE(request) << request_bytes;
  std::string out = "SIP/2.0 " + std::to_string(status) + " Whatever\r\n";
  for (const auto id : {sip::HeaderId::via, sip::HeaderId::from})
    for (const sip::Header& header : request->all(id)) out += header.line;
  std::string to{request->value(sip::HeaderId::to)};
  if (status > 100 && to.find(";tag=") == std::string::npos) to += ";tag=" + std::string{to_tag};
  out += "To: " + to + "\r\n";
  for (const auto id : {sip::HeaderId::call_id, sip::HeaderId::cseq})
    for (const sip::Header& header : request->all(id)) out += header.line;
  out += std::string{headers} + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
  return out;
}

// The ACK a client makes for a non-2xx (17.1.1.3).
inline std::string ack_to(const RequestText& invite, std::string_view response_bytes) {
  const auto response = sip::parse(response_bytes);
  RequestText ack = invite;
  ack.method = "ACK";
  ack.body.clear();
  ack.headers.clear();
  std::string text = ack.text();
  const std::string to{response->value(sip::HeaderId::to)};
  text.replace(text.find("To: "), text.find("\r\n", text.find("To: ")) - text.find("To: "), "To: " + to);
  return text;
}

inline std::string header_of(std::string_view message, sip::HeaderId id) {
  const auto parsed = sip::parse(message);
  return parsed ? std::string{parsed->value(id)} : "does not parse";
}
inline std::vector<std::string> values_of(std::string_view message, sip::HeaderId id) {
  std::vector<std::string> all;
  const auto parsed = sip::parse(message);
  if (!parsed) return all;
  for (const sip::ListValue& value : sip::values(*parsed, id)) all.emplace_back(value.text);
  return all;
}

class CoreTest : public ::testing::Test {
 protected:
  using Sent = test::FakeTransport::Sent;
  static constexpr ConnectionId alice = static_cast<ConnectionId>(7);
  static constexpr ConnectionId bob = static_cast<ConnectionId>(70);
  static constexpr ConnectionId carol = static_cast<ConnectionId>(71);
  static constexpr ConnectionId dave = static_cast<ConnectionId>(72);
  static constexpr WorkerSlot own_slot = static_cast<WorkerSlot>(2);

  CoreTest() {
    settings.slot = own_slot;
    settings.generation = 5;
    settings.secret = {1, 2};
    settings.server = "sipwsd";
    forward_to({target(bob)});
  }

  Core& core() {
    if (!core_) core_ = std::make_unique<Core>(transport, wheel, clock, random, settings, counters, user);
    return *core_;
  }

  void end_core() { core_.reset(); }

  [[nodiscard]] Destination way_to(ConnectionId client) const {
    Destination to;
    if (user.datagram_clients.contains(client))
      to.remote = test::FakeTransport::address_of(client, TransportProtocol::udp);
    else
      to.flow = {client, static_cast<WorkerSlot>(4)};
    return to;
  }
  [[nodiscard]] Target target(ConnectionId client, int q = 1000) const {
    Target one;
    one.request_uri = "sip:bob@" + std::to_string(number(client)) + ".invalid";
    one.to = way_to(client);
    one.q = q;
    return one;
  }
  void forward_to(std::vector<Target> targets, ForwardOptions options = {}) {
    user.request_script = [targets = std::move(targets), options](RequestContext& request) {
      if (request.message().method() == sip::Method::ack && !targets.empty())
        static_cast<void>(request.forward_stateless(targets.front(), options));
      else
        request.forward(targets, options);
    };
  }
  void answer_with(std::uint16_t status) {
    user.request_script = [status](RequestContext& request) { request.reply(status); };
  }

  [[nodiscard]] Arrival arrival_from(ConnectionId connection) const {
    Arrival arrival;
    if (user.datagram_clients.contains(connection)) {
      arrival.remote = test::FakeTransport::address_of(connection, TransportProtocol::udp, 40'022);
      arrival.local = test::FakeTransport::address_of(ConnectionId::none, TransportProtocol::udp);
    } else {
      arrival.flow = {connection, own_slot};
      arrival.remote.address = {192, 0, 2, 33};
      arrival.remote.port = 40'022;
      arrival.remote.family = AddressFamily::ipv4;
      arrival.remote.protocol = TransportProtocol::wss;
      arrival.local = arrival.remote;
    }
    arrival.sub_protocol = SubProtocol::sip;
    return arrival;
  }
  void feed(std::string_view bytes, ConnectionId from) {
    const auto message = sip::parse(bytes);
    ASSERT_TRUE(message) << bytes;
    if (message->is_request())
      core().on_request(*message, arrival_from(from));
    else
      core().on_response(*message, arrival_from(from));
  }
  void feed(const RequestText& request, ConnectionId from = alice) { feed(request.text(), from); }
  void respond(const Sent& request, unsigned status, std::string_view to_tag = "callee", std::string_view headers = {}) {
    feed(response_to(request.bytes, status, to_tag, headers), test::FakeTransport::client_at(request.to));
  }
  void pass(base::Milliseconds time) {
    const auto end = clock.now() + time;
    while (clock.now() < end) {  // from deadline to deadline, so that each timer fires at its own time
      const auto next = wheel.until_next();
      const auto left = std::chrono::ceil<base::Milliseconds>(end - clock.now());
      clock.advance(next ? std::min(std::max(*next, base::Milliseconds{1}), left) : left);
      wheel.advance();
    }
  }
  // Sends the INVITE on; what went out is taken: the copies, without the 100.
  std::vector<Sent> invite(const RequestText& text) {
    feed(text);
    auto out = transport.take();
    EXPECT_FALSE(out.empty());
    if (!out.empty() && out.front().is("SIP/2.0 100 ")) out.erase(out.begin());
    return out;
  }
  static RequestText invite_text() {
    RequestText text;
    text.method = "INVITE";
    text.branch = "z9hG4bKinvite";
    text.body = "v=0\r\n";
    return text;
  }
  // first lines of what was sent to a connection since the last take()
  [[nodiscard]] std::vector<std::string> lines_to(ConnectionId connection) const {
    std::vector<std::string> lines;
    for (const Sent& one : transport.to(connection)) lines.emplace_back(one.first_line());
    return lines;
  }

  CoreSettings settings;
  base::FakeClock clock;
  os::TimerWheel wheel{clock};
  base::FixedRandom random{42};
  test::FakeTransport transport;
  CountingCounters counters;
  ScriptedUser user;

 private:
  std::unique_ptr<Core> core_;
};

using Lines = std::vector<std::string>;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

}  // namespace sipwsd::transaction
