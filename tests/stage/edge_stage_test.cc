#include "src/stage/edge/edge_stage.h"

#include <gtest/gtest.h>

#include "tests/support/fake_exchange.h"

namespace sipwsd::stage {
namespace {

using test::FakeRequestExchange;
using Strings = std::vector<std::string>;

struct Request {
  std::string method, uri;
  std::string to_tag = {};
  std::string headers = {};
  std::string to = "<sip:bob@example.org>";
  [[nodiscard]] std::string text() const {
    return method + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\nFrom: <sip:alice@example.org>;tag=1\r\nTo: " + to +
           (to_tag.empty() ? "" : ";tag=" + to_tag) + "\r\nCall-ID: 1\r\nCSeq: 1 " + method + "\r\n" + headers + "Content-Length: 0\r\n\r\n";
  }
};

class FakeGatekeeper final : public auth::Gatekeeper {
 public:
  explicit FakeGatekeeper(bool lets_in) : lets_in_(lets_in) {}
  bool admits(RequestExchange& exchange) override {
    if (!lets_in_) exchange.reply(407, "Proxy Authentication Required");
    return lets_in_;
  }
  bool may_exist(std::string_view aor_uri) const override { return aor_uri == "sip:bob@example.org"; }

 private:
  bool lets_in_;
};

enum class Bound { no, yes };
enum class Guard { none, open, closed };

Strings acts(const Request& request, Bound bound = Bound::no, Result<void> in_dialog = Errc::not_found, Guard guard = Guard::none) {
  EdgeStage stage(guard == Guard::none ? nullptr : std::make_unique<FakeGatekeeper>(guard == Guard::open));
  FakeRequestExchange exchange(request.text());
  if (bound == Bound::yes) exchange.bindings.push_back({.request_uri = "sip:b@x.invalid", .to = {}, .next_hop = {}, .route = {}});
  exchange.in_dialog = in_dialog;
  EXPECT_EQ(stage.on_request(exchange), Verdict::handled) << request.text();
  return exchange.acts;
}

TEST(EdgeStage, DecidesByMethodRequestUriAndWhoIsThere) {
  const std::string bob = "sip:bob@example.org", us = "sip:example.org", other = "sip:bob@other.org";
  struct Row {
    const char* what;
    Request request;
    Bound bound;
    const char* act;
  };
  for (const Row& row : {
           Row{"a registration", {"REGISTER", us}, Bound::no, "save"},
           Row{"with a To tag, as some clients refresh", {"REGISTER", us, "t"}, Bound::no, "save"},
           Row{"at another registrar", {"REGISTER", "sip:other.org"}, Bound::no, "403 Relaying Not Allowed"},
           Row{"for a user of another domain (RFC 3261 10.3 step 5)", {"REGISTER", us, {}, {}, "<sip:bob@other.org>"}, Bound::no, "404 Not Found"},
           Row{"a call", {"INVITE", bob}, Bound::yes, "relay"},
           Row{"a call to one who is not there: the host says 480, or what RFC 3261 16.3 refuses first", {"INVITE", bob}, Bound::no, "relay to nobody"},
           Row{"a message", {"MESSAGE", bob}, Bound::yes, "relay"},
           Row{"a method nobody has heard of", {"DANCE", bob}, Bound::yes, "relay"},
           Row{"a user part with parameters and a question mark", {"INVITE", "sip:bob;day=tue?now@example.org"}, Bound::yes, "relay"},
           Row{"a secure one", {"INVITE", "sips:bob@example.org"}, Bound::yes, "relay"},
           Row{"to us and not to a user", {"INVITE", us}, Bound::yes, "404 Not Found"},
           Row{"an @ in the headers of the URI is no user", {"INVITE", "sip:example.org?to=a%40b"}, Bound::yes, "404 Not Found"},
           Row{"what can you do?", {"OPTIONS", us}, Bound::no, "200 OK"},
           Row{"what can he do?", {"OPTIONS", bob}, Bound::yes, "relay"},
           Row{"to another domain", {"INVITE", other}, Bound::yes, "403 Relaying Not Allowed"},
           Row{"options of another domain", {"OPTIONS", "sip:other.org"}, Bound::yes, "403 Relaying Not Allowed"},
           Row{"a telephone number", {"INVITE", "tel:+15551234"}, Bound::yes, "416 Unsupported URI Scheme"},
           Row{"an ACK that belongs to nothing", {"ACK", bob}, Bound::yes, "drop"},
       })
    EXPECT_EQ(acts(row.request, row.bound), Strings{row.act}) << row.what;
}

TEST(EdgeStage, LooksForTheUserOfTheRequestUriAndRelaysToAllHisTargets) {
  EdgeStage stage;
  FakeRequestExchange exchange(Request{"INVITE", "sip:bob@example.org;transport=ws"}.text());
  exchange.bindings = {{.request_uri = "sip:1@x.invalid", .to = {}, .next_hop = {}, .route = {}},
                       {.request_uri = "sip:2@x.invalid", .to = {}, .next_hop = {}, .route = {}}};
  stage.on_request(exchange);
  EXPECT_EQ(exchange.looked_up, Strings{"sip:bob@example.org;transport=ws"});
  ASSERT_EQ(exchange.relayed.size(), 2u);
  EXPECT_EQ(exchange.relayed[1].request_uri, "sip:2@x.invalid");
}

TEST(EdgeStage, SaysNotFoundForAGruuOfNobody) {
  EdgeStage stage;
  FakeRequestExchange exchange(Request{"INVITE", "sip:bob@example.org;gr=urn:uuid:1"}.text());
  exchange.knows_no_gruu = true;
  stage.on_request(exchange);
  EXPECT_EQ(exchange.acts, Strings{"404 Not Found"});
}

TEST(EdgeStage, S25CallsNobodyByAddressButPeersAndAsksPeersForNoPassword) {
  struct Row {
    const char *what, *method, *uri;
    bool from_peer;
    Guard guard;
    const char* act;
  };
  for (const Row& row : {
           Row{"a client calls a gateway", "INVITE", "sip:1@gateway.example.net", false, Guard::none, "relay"},
           Row{"one who may not", "INVITE", "sip:1@gateway.example.net", false, Guard::closed, "407 Proxy Authentication Required"},
           Row{"a stranger", "INVITE", "sip:1@other.org", false, Guard::none, "403 Relaying Not Allowed"},
           Row{"a gateway calls a stranger", "INVITE", "sip:1@other.org", true, Guard::none, "403 Relaying Not Allowed"},
           Row{"a gateway calls a user", "INVITE", "sip:bob@example.org", true, Guard::closed, "relay"},
           Row{"nobody registers elsewhere", "REGISTER", "sip:gateway.example.net", false, Guard::none, "403 Relaying Not Allowed"},
       }) {
    EdgeStage stage(row.guard == Guard::none ? nullptr : std::make_unique<FakeGatekeeper>(row.guard == Guard::open));
    FakeRequestExchange exchange(Request{row.method, row.uri}.text());
    exchange.peer_hosts = {"gateway.example.net"};
    exchange.from_peer = row.from_peer;
    exchange.bindings.push_back({.request_uri = "sip:b@x.invalid", .to = {}, .next_hop = {}, .route = {}});
    stage.on_request(exchange);
    EXPECT_EQ(exchange.acts, Strings{row.act}) << row.what;
  }
}

TEST(EdgeStage, SendsUpstreamWhatClientsAskForAndTakesWhatComesFromThere) {
  struct Row {
    const char *what, *method, *uri;
    bool from_peer, token;
    const char* act;
  };
  for (const Row& row : {
           Row{"a registration", "REGISTER", "sip:example.org", false, false, "upstream"},
           Row{"of any domain", "REGISTER", "sip:other.org", false, false, "upstream"},
           Row{"a call", "INVITE", "sip:bob@example.org", false, false, "upstream"},
           Row{"to a telephone number", "INVITE", "tel:+15551234", false, false, "upstream"},
           Row{"what can you do?", "OPTIONS", "sip:example.org", false, false, "200 OK"},
           Row{"from there, along a Path", "INVITE", "sip:b@x.invalid", true, true, "in-dialog"},
           Row{"from there, to a user", "INVITE", "sip:bob@example.org", true, false, "relay"},
           Row{"from there, to nobody we know", "INVITE", "sip:b@x.invalid", true, false, "403 Relaying Not Allowed"},
       }) {
    EdgeStage stage;
    FakeRequestExchange exchange(Request{row.method, row.uri}.text());
    exchange.upstream = true;
    exchange.from_peer = row.from_peer;
    exchange.flow_token = row.token;
    exchange.in_dialog = {};
    exchange.bindings.push_back({.request_uri = "sip:b@x.invalid", .to = {}, .next_hop = {}, .route = {}});
    stage.on_request(exchange);
    EXPECT_EQ(exchange.acts, Strings{row.act}) << row.what;
  }
}

TEST(EdgeStage, S22AsksWhoBeginsSomethingAlongATokenWhoHeIs) {
  for (const bool in_a_dialog : {false, true}) {
    EdgeStage stage(std::make_unique<FakeGatekeeper>(false));
    FakeRequestExchange exchange(Request{"INVITE", "sip:b@x.invalid", in_a_dialog ? "tag" : ""}.text());
    exchange.flow_token = true;
    exchange.in_dialog = {};
    stage.on_request(exchange);
    EXPECT_EQ(exchange.acts, Strings{in_a_dialog ? "in-dialog" : "407 Proxy Authentication Required"});
  }
}

TEST(EdgeStage, KeepsADialogOnItsFlow) {
  const auto in_dialog = [](const char* method, const char* uri, Result<void> relayed, Bound bound = Bound::no) {
    return acts({method, uri, "tag"}, bound, relayed);
  };
  const char *contact = "sip:b@x.invalid", *bob = "sip:bob@example.org", *us = "sip:example.org";
  for (const auto* method : {"BYE", "INVITE", "INFO", "ACK", "UPDATE", "NOTIFY", "OPTIONS"})
    EXPECT_EQ(in_dialog(method, contact, {}), Strings{"in-dialog"}) << method;

  EXPECT_EQ(in_dialog("BYE", contact, Errc::refused), Strings{"403 Bad Flow Token"});
  EXPECT_EQ(in_dialog("BYE", contact, Errc::gone), Strings{"430 Flow Failed"});
  EXPECT_EQ(in_dialog("BYE", contact, Errc::not_found), Strings{"481 Call/Transaction Does Not Exist"});
  for (const auto failure : {Errc::refused, Errc::gone, Errc::not_found}) EXPECT_EQ(in_dialog("ACK", contact, failure), Strings{"drop"}) << "never answered";

  EXPECT_EQ(in_dialog("BYE", bob, Errc::not_found, Bound::yes), Strings{"relay"}) << "a client that forgot its Route set";
  EXPECT_EQ(in_dialog("BYE", bob, Errc::not_found), Strings{"relay to nobody"});
  EXPECT_EQ(in_dialog("OPTIONS", us, Errc::not_found), Strings{"200 OK"});
  EXPECT_EQ(in_dialog("BYE", us, Errc::not_found), Strings{"481 Call/Transaction Does Not Exist"});
}

TEST(EdgeStage, SaysWhatItCanDo) {
  EdgeStage stage;
  FakeRequestExchange exchange(Request{"OPTIONS", "sip:example.org"}.text());
  stage.on_request(exchange);
  for (const auto* name : {"Accept", "Accept-Encoding", "Accept-Language", "Allow", "Supported"})  // RFC 3261 11.2
    EXPECT_EQ(exchange.last_reply.all(name).size(), 1u) << name;
  for (const auto* method : {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "MESSAGE", "INFO", "REFER", "SUBSCRIBE", "NOTIFY"})
    EXPECT_NE(exchange.last_reply.all("Allow").front().find(method), std::string::npos) << method;
}

TEST(EdgeStage, RefusesExtensionsItDoesNotKnowAndNamesThem) {
  for (const auto* method : {"REGISTER", "OPTIONS"}) {
    EdgeStage stage;
    FakeRequestExchange exchange(Request{method, "sip:example.org", {}, "Require: path, foo\r\nRequire: OUTBOUND,bar\r\n"}.text());
    stage.on_request(exchange);
    EXPECT_EQ(exchange.acts, Strings{"420 Bad Extension"}) << method;
    EXPECT_EQ(exchange.last_reply.all("Unsupported"), Strings{"foo, bar"});
  }
  EXPECT_EQ(acts({"REGISTER", "sip:example.org", {}, "Require: path\r\n"}), Strings{"save"});
  EXPECT_EQ(acts({"INVITE", "sip:bob@example.org", {}, "Require: foo\r\n"}, Bound::yes), Strings{"relay"}) << "that is between the ends";
}

TEST(EdgeStage, AsksItsGatekeeperBeforeItSavesOrRelays) {
  const Strings challenged{"407 Proxy Authentication Required"};
  EXPECT_EQ(acts({"REGISTER", "sip:example.org"}, Bound::no, Errc::not_found, Guard::closed), challenged);
  EXPECT_EQ(acts({"INVITE", "sip:bob@example.org"}, Bound::yes, Errc::not_found, Guard::closed), challenged);
  EXPECT_EQ(acts({"BYE", "sip:bob@example.org", "tag"}, Bound::yes, Errc::not_found, Guard::closed), challenged) << "no token, no passage";
  EXPECT_EQ(acts({"BYE", "sip:b@x.invalid", "tag"}, Bound::no, {}, Guard::closed), Strings{"in-dialog"}) << "the token is the proof";
  EXPECT_EQ(acts({"REGISTER", "sip:example.org"}, Bound::no, Errc::not_found, Guard::open), Strings{"save"});
  EXPECT_EQ(acts({"INVITE", "sip:bob@example.org"}, Bound::yes, Errc::not_found, Guard::open), Strings{"relay"});
}

TEST(EdgeStage, TellsAUserWhoIsAwayFromOneWhoCannotBe) {
  EXPECT_EQ(acts({"INVITE", "sip:bob@example.org"}, Bound::no, Errc::not_found, Guard::open), Strings{"relay to nobody"});
  EXPECT_EQ(acts({"INVITE", "sip:mallory@example.org"}, Bound::no, Errc::not_found, Guard::open), Strings{"404 Not Found"});
}

}  // namespace
}  // namespace sipwsd::stage
