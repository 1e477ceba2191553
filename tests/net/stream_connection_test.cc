#include "src/net/stream_connection.h"

#include "tests/net/net_fixture.h"

namespace sipwsd::net {
namespace {

using namespace std::chrono_literals;
using shm::Counter;

// --- the handshake ------------------------------------------------------------------------------------------------

using Handshake = NetTest;

TEST_F(Handshake, WorksByteByByteInsideItsDeadline) {
  Peer peer = connect();
  for (const char byte : get) {
    EXPECT_EQ(peer.take(), "");
    peer.send({&byte, 1});
    pass(10ms);
  }
  EXPECT_EQ(peer.take(), switching);
  EXPECT_EQ(record()->state(), shm::ConnectionState::open);
  EXPECT_EQ(record()->sub_protocol(), SubProtocol::sip);
  EXPECT_EQ(record()->flow(), (Flow{ConnectionId{1}, slot}));
  EXPECT_EQ(count(Counter::ws_sip_successful_handshakes), 1u);
}

TEST_F(Handshake, S02EndsByTheClockHoweverSteadilyTheBytesCome) {
  Peer peer = connect();
  for (std::size_t i = 0; i < 19; ++i) {
    peer.send(get.substr(i, 1));
    pass(500ms);
  }
  EXPECT_FALSE(peer.has_ended());
  pass(501ms);
  EXPECT_TRUE(peer.has_ended());
  EXPECT_EQ(registry.size(), 0u);
  EXPECT_EQ(count(Counter::handshake_timeouts), 1u);
  EXPECT_EQ(user.closed, Strings{}) << "it never was a WebSocket";
}

TEST_F(Handshake, S07TakesTheBytesBehindTheRequestAsFramesOnce) {
  Peer peer = connect();
  peer.send(get + frame(op::text, "one") + frame(op::text, "two").substr(0, 4));
  turn();
  EXPECT_EQ(user.messages, Strings{"text one"});
  peer.send(frame(op::text, "two").substr(4));
  turn();
  EXPECT_EQ(user.messages, (Strings{"text one", "text two"}));
}

TEST_F(Handshake, TakesNoFloodBehindTheRequest) {
  Peer peer = connect();
  peer.send(get + frame(op::text, std::string(9000, 'x')));
  turn();
  EXPECT_EQ(peer.take(), switching + server_close(1008, "Too much before the handshake"));
  EXPECT_EQ(user.messages, Strings{});
}

TEST_F(Handshake, RefusesWhatIsNoHttpAndEndsTheConnection) {
  Peer peer = connect();
  peer.send("GET / HTTP/1.1\nHost: x\n\n");
  turn();
  EXPECT_TRUE(peer.take().starts_with("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_TRUE(peer.has_ended());
  EXPECT_EQ(count(Counter::handshake_refused_400), 1u);
  EXPECT_EQ(count(Counter::ws_failed_handshakes), 1u);

  Peer long_winded = connect();
  long_winded.send("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'));
  turn();
  EXPECT_TRUE(long_winded.take().starts_with("HTTP/1.1 431 "));
  EXPECT_EQ(count(Counter::handshake_refused_431), 1u);
}

TEST_F(Handshake, FindsNoRoomInAFullTable) {
  for (std::uint32_t id = 1000; segment->connections.insert({.id = ConnectionId{id}, .local = {}, .remote = {}, .owner = slot}); ++id) {
  }
  Peer peer = connect();
  peer.send(get);
  turn();
  EXPECT_TRUE(peer.take().starts_with("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n"));
  EXPECT_EQ(count(Counter::full_table_refusals), 1u);
  peer.leave();
  turn();
  EXPECT_EQ(registry.size(), 0u);
  EXPECT_EQ(user.closed, Strings{});
}

TEST_F(Handshake, EndsAConnectionNobodyAnswers) {
  user.http_script = [](StreamConnection&, const http::RequestHead&) {};
  Peer peer = connect();
  peer.send(get);
  turn();
  EXPECT_TRUE(peer.has_ended());
  EXPECT_EQ(registry.size(), 0u);
}

TEST_F(Handshake, ForgetsAClientThatLeavesInIt) {
  Peer peer = connect();
  peer.send(get.substr(0, 20));
  turn();
  peer.leave();
  turn();
  EXPECT_EQ(registry.size(), 0u);
  EXPECT_EQ(loop.timers().size(), 0u);
}

// --- messages -----------------------------------------------------------------------------------------------------

using Messages = NetTest;

TEST_F(Messages, GoUpWholeAndComeBackWithTheOpcodeThatFitsThem) {
  Peer peer = open();
  user.message_script = [](StreamConnection& c, std::string_view payload) { EXPECT_TRUE(c.send_message(payload)); };
  peer.send(frame(op::text, "hello") + frame(op::binary, "\xff\xfe") + frame(op::first_text, "a") + frame(op::ping, "p") + frame(op::last, "b"));
  turn();
  EXPECT_EQ(user.messages, (Strings{"text hello", "binary \xff\xfe", "text ab"}));
  EXPECT_EQ(peer.take(), server_frame(op::text, "hello") + server_frame(op::binary, "\xff\xfe") + server_frame(op::pong, "p") + server_frame(op::text, "ab"));
  EXPECT_EQ(count(Counter::ws_received_frames), 4u);
  EXPECT_EQ(count(Counter::ws_sip_received_frames), 3u);
  EXPECT_EQ(count(Counter::ws_transmitted_frames), 4u);
  EXPECT_EQ(count(Counter::ws_sip_transmitted_frames), 3u);
}

TEST_F(Messages, ComeThroughHoweverTheyAreCut) {
  Peer peer = open();
  const std::string wire = frame(op::text, "one") + frame(op::ping, "") + frame(op::binary, std::string(300, 'x')) + frame(op::text, "two");
  for (const char byte : wire) {
    peer.send({&byte, 1});
    turn();
  }
  EXPECT_EQ(user.messages, (Strings{"text one", "binary " + std::string(300, 'x'), "text two"}));
}

TEST_F(Messages, OfOneTurnLeaveInOneWriteAndNoneBeforeItsEnd) {
  Peer peer = open();
  user.message_script = [&](StreamConnection& c, std::string_view) {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(c.send_message("x"));
    EXPECT_EQ(peer.take(), "");
  };
  peer.send(frame(op::text, "go"));
  turn();
  EXPECT_EQ(peer.take(), server_frame(op::text, "x") + server_frame(op::text, "x") + server_frame(op::text, "x"));
}

TEST_F(Messages, CountAsUseOfTheConnection) {
  Peer peer = open();
  pass(30s);
  peer.send(frame(op::pong, ""));
  turn();
  EXPECT_EQ(record()->last_used, 10'030);
  clock.advance(5s);
  turn();
  EXPECT_TRUE(connection().send_message("x"));
  EXPECT_EQ(record()->last_used, 10'035);
}

TEST_F(Messages, ThatBreakTheProtocolEndTheConnectionWithTheReason) {
  struct Row {
    std::string wire, answer;
    Counter counter;
  };
  const std::string unmasked = server_frame(op::text, "x");
  for (const Row& row : {Row{unmasked, server_close(1002, "Protocol error"), Counter::protocol_errors},
                         Row{frame(op::text, "\xff"), server_close(1007, std::string(ws::default_reason(ws::CloseCode::invalid_payload))), Counter::utf8_errors},
                         Row{test::frame_header(op::binary, 262'145), server_close(1009, "Message too big"), Counter::oversized_messages}}) {
    const auto before = count(row.counter);
    user.closed.clear();
    Peer peer = open();
    peer.send(row.wire + frame(op::text, "never seen"));
    turn();
    EXPECT_EQ(peer.take(), row.answer);
    EXPECT_TRUE(peer.has_ended());
    EXPECT_EQ(count(row.counter), before + 1);
    EXPECT_EQ(user.closed.size(), 1u);
    EXPECT_EQ(user.messages, Strings{});
  }
  EXPECT_EQ(count(Counter::ws_local_closed_connections), 3u);
  EXPECT_EQ(count(Counter::ws_sip_local_closed_connections), 3u);
}

TEST_F(Messages, S14MustEndInTimeHoweverSteadilyTheirBytesCome) {
  Peer peer = open();
  const auto wire = frame(op::text, std::string(100, 'x'));
  for (std::size_t i = 0; i < 19; ++i) {
    peer.send(wire.substr(i, 1));
    pass(500ms);
  }
  EXPECT_EQ(peer.take(), "");
  peer.send(wire.substr(19, 1));
  pass(1100ms);
  EXPECT_EQ(peer.take(), server_close(1008, "Message took too long"));
  EXPECT_EQ(count(Counter::message_timeouts), 1u);
  EXPECT_EQ(user.closed, Strings{"1 message timeout"});
}

TEST_F(Messages, EachHaveTheirOwnTimeAlsoWhenEveryReadEndsInsideOne) {
  Peer peer = open();
  const auto whole = frame(op::text, "hello");
  peer.send(whole.substr(0, 3));
  for (int i = 0; i < 30; ++i) {
    pass(1s);
    peer.send(whole.substr(3) + whole.substr(0, 3));
  }
  turn();
  EXPECT_EQ(user.messages.size(), 30u);
  EXPECT_EQ(user.closed, Strings{});
}

TEST_F(Messages, OfAControlFrameInsideGiveNoMoreTime) {
  Peer peer = open();
  peer.send(frame(op::first_text, "a"));
  for (int i = 0; i < 11; ++i) {
    pass(1s);
    peer.send(frame(op::pong, ""));
  }
  turn();
  EXPECT_EQ(user.closed, Strings{"1 message timeout"});
}

// --- pings --------------------------------------------------------------------------------------------------------

using Ending = NetTest;

TEST_F(Ending, ComesToAConnectionThatIsIdleForTheWholeOfItsLifetime) {
  settings.tcp_connection_lifetime = 60s;
  Peer peer = open();
  pass(59s);
  peer.send(frame(op::text, "still here"));
  turn();
  pass(59s);
  EXPECT_EQ(peer.take(), "");
  pass(1s);
  EXPECT_EQ(peer.take(), server_close(1001, "Idle too long"));
  EXPECT_EQ(count(Counter::tcp_con_timeout), 1u);
}

TEST_F(Ending, NeverComesByIdlenessWhenTheLifetimeIsZero) {
  settings.tcp_connection_lifetime = 0s;
  Peer peer = open();
  pass(100'000s);
  EXPECT_EQ(peer.take(), "");
  EXPECT_TRUE(record());
}

using Pings = NetTest;

TEST_F(Pings, S16AreAnsweredTenASecondAndTenSecondsWorthAtOnce) {
  Peer peer = open();
  std::string pings, pongs;
  for (int i = 0; i < 100; ++i) pings += frame(op::ping, "x"), pongs += server_frame(op::pong, "x");
  peer.send(pings);
  turn();
  EXPECT_EQ(peer.take(), pongs);
  pass(1s);
  peer.send(pings.substr(0, pings.size() / 10));
  turn();
  EXPECT_EQ(peer.take(), pongs.substr(0, pongs.size() / 10)) << "a second gives ten more";
  peer.send(frame(op::ping, "x"));
  turn();
  EXPECT_EQ(peer.take(), server_close(1008, "Too many pings"));
  EXPECT_EQ(count(Counter::ping_floods), 1u);
}

TEST_F(Pings, AreNotCountedWhenTheRateIsZero) {
  settings.ping_rate = 0;
  Peer peer = open();
  for (int i = 0; i < 300; ++i) {
    peer.send(frame(op::ping, ""));
    turn();
    ASSERT_EQ(peer.take(), server_frame(op::pong, ""));
  }
}

TEST_F(Pings, OfOursAwaitAPongBeforeTheyLeave) {
  Peer peer = open();
  EXPECT_TRUE(connection().send_ping("there?"));
  EXPECT_TRUE(record()->is_awaiting_pong());
  turn();
  EXPECT_EQ(peer.take(), server_frame(op::ping, "there?"));
  peer.send(frame(op::pong, "there?"));
  turn();
  EXPECT_FALSE(record()->is_awaiting_pong());
}

TEST_F(Pings, OfOursAreAnsweredByAnyFrameForAllThePeerLives) {
  for (const auto& wire : {frame(op::text, "x"), frame(op::ping, ""), frame(op::pong, "something else")}) {
    Peer peer = open();
    const auto id = static_cast<std::uint32_t>(segment->ids.given());
    EXPECT_TRUE(connection(id).send_ping("there?"));
    peer.send(wire);
    turn();
    EXPECT_FALSE(record(id)->is_awaiting_pong());
  }
}

TEST_F(Pings, UnaskedByPongAwaitNothing) {
  Peer peer = open();
  EXPECT_TRUE(connection().send_pong("beat"));
  turn();
  EXPECT_EQ(peer.take(), server_frame(op::pong, "beat"));
  EXPECT_FALSE(record()->is_awaiting_pong());
}

// --- the end ------------------------------------------------------------------------------------------------------


TEST_F(Ending, EchoesThePeersCloseThenEndsFirst) {
  Peer peer = open();
  peer.send(frame(op::close, test::close_payload(4000, "bye")) + frame(op::text, "never seen"));
  turn();
  EXPECT_EQ(peer.take(), server_close(4000));
  EXPECT_TRUE(peer.has_ended()) << "the server ends its side first (RFC 6455 7.1.1)";
  EXPECT_EQ(user.closed, Strings{"1 closed by peer"});
  EXPECT_EQ(user.messages, Strings{});
  EXPECT_FALSE(record());
  EXPECT_EQ(registry.size(), 1u) << "until the peer has ended too";
  peer.leave();
  turn();
  EXPECT_EQ(registry.size(), 0u);
  EXPECT_EQ(user.closed.size(), 1u) << "once";
  EXPECT_EQ(count(Counter::ws_sip_remote_closed_connections), 1u);
  EXPECT_EQ(count(Counter::ws_local_closed_connections), 0u);
  EXPECT_EQ(loop.timers().size(), 0u);
}

TEST_F(Ending, AnswersAnEmptyCloseWithAnEmptyOne) {
  Peer peer = open();
  peer.send(frame(op::close, ""));
  turn();
  EXPECT_EQ(peer.take(), server_frame(op::close, ""));
}

TEST_F(Ending, DoesNotWaitForEverForThePeersEnd) {
  Peer peer = open();
  peer.send(frame(op::close, ""));
  turn();
  pass(1900ms);
  EXPECT_EQ(registry.size(), 1u);
  pass(200ms);
  EXPECT_EQ(registry.size(), 0u);
}

TEST_F(Ending, ThrowsAwayWhatAPeerGoesOnToSendButNotWithoutEnd) {
  Peer peer = open();
  peer.send(frame(op::close, ""));
  turn();
  for (int i = 0; i < 4; ++i) {
    peer.send(std::string(60 * 1024, 'x'));
    turn();
  }
  EXPECT_EQ(registry.size(), 1u);
  peer.send(std::string(60 * 1024, 'x'));
  turn();
  EXPECT_EQ(registry.size(), 0u);
}

TEST_F(Ending, OfOurOwnWaitsForThePeersCloseAndLooksAtNoDataUntilThen) {
  Peer peer = open();
  EXPECT_TRUE(connection().close(ws::CloseCode::going_away, "restart", CloseCause::shutdown));
  EXPECT_EQ(record()->state(), shm::ConnectionState::closing);
  EXPECT_TRUE(connection().send_message("x").is(Errc::gone)) << "nothing may follow a Close (5.5.1)";
  EXPECT_TRUE(connection().send_ping("x").is(Errc::gone));
  EXPECT_TRUE(connection().send_pong("x").is(Errc::gone));
  peer.send(frame(op::text, "late") + frame(op::ping, "late"));
  turn();
  EXPECT_EQ(peer.take(), server_close(1001, "restart"));
  EXPECT_EQ(user.closed, Strings{}) << "not yet";
  peer.send(frame(op::close, test::close_payload(1001)));
  turn();
  EXPECT_TRUE(peer.has_ended());
  EXPECT_EQ(user.closed, Strings{"1 shutdown"});
  EXPECT_EQ(user.messages, Strings{});
  EXPECT_EQ(count(Counter::ws_sip_local_closed_connections), 1u);
  EXPECT_EQ(count(Counter::ws_remote_closed_connections), 0u);
}

TEST_F(Ending, S17CutsAPeerThatDoesNotAnswerOurClose) {
  Peer peer = open();
  EXPECT_TRUE(connection().close(ws::CloseCode::normal, {}, CloseCause::operator_said));
  pass(4900ms);
  EXPECT_EQ(user.closed, Strings{});
  pass(200ms);
  EXPECT_EQ(user.closed, Strings{"1 close timeout"});
  EXPECT_EQ(registry.size(), 0u);
  EXPECT_FALSE(record());
}

TEST_F(Ending, IsAtOnceWhenItIsAskedForTwice) {
  Peer peer = open();
  EXPECT_TRUE(connection().close(ws::CloseCode::normal, {}, CloseCause::operator_said));
  EXPECT_TRUE(connection().close(ws::CloseCode::normal, {}, CloseCause::operator_said));
  EXPECT_EQ(user.closed, Strings{"1 closed by the operator"});
  turn();
  EXPECT_EQ(registry.size(), 0u);
}

TEST_F(Ending, RefusesACodeNobodyMaySend) {
  Peer peer = open();
  for (const int code : {0, 999, 1004, 1006, 1015, 1016, 2999, 5000})
    EXPECT_TRUE(connection().close(static_cast<ws::CloseCode>(code), {}, CloseCause::operator_said).is(Errc::out_of_range)) << code;
  EXPECT_TRUE(connection().is_open());
  turn();
  EXPECT_EQ(peer.take(), "");
  EXPECT_TRUE(connection().close(ws::CloseCode::no_status, {}, CloseCause::operator_said)) << "a Close without a code";
  turn();
  EXPECT_EQ(peer.take(), server_frame(op::close, ""));
}

TEST_F(Ending, IsNoticedWhenThePeerJustLeaves) {
  Peer peer = open();
  peer.leave();
  turn();
  EXPECT_EQ(user.closed, Strings{"1 connection lost"});
  EXPECT_EQ(registry.size(), 0u);
  EXPECT_FALSE(record());
}

TEST_F(Ending, TakesTheRecordAwayBeforeItIsAnnouncedAndLetsNothingFollowTheClose) {
  Peer peer = open();
  user.closed_script = [&](StreamConnection& c) {
    EXPECT_FALSE(record());
    EXPECT_TRUE(c.send_message("too late").is(Errc::gone));
    EXPECT_FALSE(c.close(ws::CloseCode::normal, {}, CloseCause::operator_said));
    c.terminate(CloseCause::operator_said);
  };
  peer.send(frame(op::close, test::close_payload(1000)));
  turn();
  EXPECT_EQ(user.closed.size(), 1u);
  EXPECT_EQ(peer.take().find("too late"), std::string::npos);

  Peer other = open();
  connection(2).terminate(CloseCause::operator_said);
  EXPECT_EQ(user.closed.size(), 2u);
}

TEST_F(Ending, SendsWhatIsLeftToAPeerThatHasOnlyEndedItsOwnSide) {
  Peer peer = open(4096);
  const std::string big(100'000, 'x');
  EXPECT_TRUE(connection().send_message(big));
  peer.send(frame(op::close, test::close_payload(1000)));
  peer.end_sending();
  std::string got;
  for (int i = 0; i < 200; ++i) {
    turn();
    got += peer.take();
  }
  EXPECT_EQ(got, server_frame(op::text, big) + server_close(1000));
  EXPECT_EQ(registry.size(), 0u);
}

TEST_F(Ending, MayComeFromInsideAMessage) {
  Peer peer = open();
  user.message_script = [](StreamConnection& c, std::string_view payload) {
    if (payload == "terminate") c.terminate(CloseCause::operator_said);
    if (payload == "close") {
      EXPECT_TRUE(c.close(ws::CloseCode::normal, {}, CloseCause::operator_said));
    }
  };
  peer.send(frame(op::text, "close") + frame(op::text, "never seen"));
  turn();
  EXPECT_EQ(user.messages, Strings{"text close"});
  Peer other = open();
  other.send(frame(op::text, "terminate") + frame(op::text, "never seen"));
  turn();
  EXPECT_EQ(user.messages, (Strings{"text close", "text terminate"}));
  EXPECT_EQ(user.closed, Strings{"2 closed by the operator"});
}

// --- slow readers -------------------------------------------------------------------------------------------------

using SlowReaders = NetTest;

TEST_F(SlowReaders, S42AreDroppedWhenTheirOutboxIsFull) {
  settings.outbox_bytes = 100'000;
  Peer peer = open(4096);
  Result<void> sent;
  int messages = 0;
  for (; sent && messages < 1000; ++messages) {
    sent = connection().send_message(std::string(5000, 'x'));
    if (sent) turn();
  }
  EXPECT_TRUE(sent.is(Errc::full));
  EXPECT_GE(messages, 20);
  EXPECT_EQ(user.closed, Strings{"1 slow reader"});
  EXPECT_EQ(count(Counter::slow_peers_dropped), 1u);
}

TEST_F(SlowReaders, AreDroppedWhenNothingMovesForTooLong) {
  Peer peer = open(4096);
  EXPECT_TRUE(connection().send_message(std::string(200'000, 'x')));
  turn();
  for (int i = 0; i < 5; ++i) {  // a little now and then is enough
    pass(4s);
    ASSERT_EQ(user.closed, Strings{});
    EXPECT_NE(peer.take(), "");
    turn();
  }
  pass(5100ms);
  EXPECT_EQ(user.closed, Strings{"1 slow reader"});
}

TEST_F(SlowReaders, DelayNobodyElse) {
  Peer slow = open(4096), quick = open();
  EXPECT_TRUE(connection(1).send_message(std::string(200'000, 'x')));
  EXPECT_TRUE(connection(2).send_message("hello"));
  turn();
  EXPECT_EQ(quick.take(), server_frame(op::text, "hello"));
}

// Whether its client is expected back.
struct End {
  const char* how;
  void (*happen)(Peer& peer, StreamConnection& connection);
  bool is_clean;
};
class Endings : public NetTest, public ::testing::WithParamInterface<End> {};

TEST_P(Endings, TellWhetherSomebodyMeantThem) {
  Peer peer = open();
  bool clean = !GetParam().is_clean;
  user.closed_script = [&](StreamConnection& connection) { clean = connection.ended_cleanly(); };
  GetParam().happen(peer, connection());
  turn();
  ASSERT_EQ(user.closed.size(), 1u);
  EXPECT_EQ(clean, GetParam().is_clean);
}
INSTANTIATE_TEST_SUITE_P(Of, Endings,
                         ::testing::Values(End{"PeersClose", [](Peer& peer, StreamConnection&) { peer.send(frame(op::close, test::close_payload(1001))); }, true},
                                           End{"OursThatIsAnswered",
                                               [](Peer& peer, StreamConnection& connection) {
                                                 ASSERT_TRUE(connection.close(ws::CloseCode::normal, {}, CloseCause::operator_said));
                                                 peer.send(frame(op::close, test::close_payload(1000)));
                                               },
                                               true},
                                           End{"TheOperator", [](Peer&, StreamConnection& connection) { connection.terminate(CloseCause::operator_said); }, true},
                                           End{"AnEndWithoutAWord", [](Peer& peer, StreamConnection&) { peer.leave(); }, false},
                                           End{"ASilentPeer", [](Peer&, StreamConnection& connection) { connection.terminate(CloseCause::no_pong); }, false},
                                           End{"ABrokenFrame", [](Peer& peer, StreamConnection&) { peer.send(frame(0xf, "")); }, false}),
                         [](const auto& info) { return std::string(info.param.how); });

TEST_F(Messages, SayWhichClientHasSentThem) {
  Peer peer = open();
  EXPECT_EQ(connection().arrival().client, ClientId::none);
  connection().set_client(ClientId{77});
  EXPECT_EQ(connection().arrival().client, ClientId{77});
}

}  // namespace
}  // namespace sipwsd::net
