#include "src/tls/session.h"

#include "tests/tls/tls_world.h"

#include <algorithm>
#include <random>

namespace sipwsd::tls {
namespace {

class SessionOf : public EachVersion {};
INSTANTIATE_TEST_SUITE_P(Versions, SessionOf, each_version(), version_name);

using SessionTest = TlsTest;

std::string some_text(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 31 % 26);
  return text;
}

// The lengths of the records in it.
std::vector<std::size_t> records_in(std::string_view wire) {
  std::vector<std::size_t> sizes;
  while (wire.size() >= 5) {
    const std::size_t size = static_cast<unsigned char>(wire[3]) * 256u + static_cast<unsigned char>(wire[4]);
    sizes.push_back(size);
    wire.remove_prefix(std::min(wire.size(), size + 5));
  }
  return sizes;
}

bool ends_with_alert(const std::string& wire) { return wire.size() >= 7 && wire[wire.size() - 7] == SSL3_RT_ALERT; }

TEST_P(SessionOf, CarriesDataBothWays) {
  Client client(options());
  Served server(contexts);
  EXPECT_EQ(server.session.state(), State::handshaking);
  EXPECT_FALSE(server.session.has_begun());
  talk(client, server);

  ASSERT_EQ(server.session.state(), State::open);
  EXPECT_TRUE(server.session.has_begun());
  client.write("hello");
  server.feed(client.give());
  ASSERT_TRUE(server.session.write("welcome", server.out));
  client.take(server.take_out());

  EXPECT_EQ(server.received, "hello");
  EXPECT_EQ(client.received, "welcome");
  EXPECT_EQ(server.session.version(), GetParam() == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
  EXPECT_EQ(server.session.cipher(),
            GetParam() == TLS1_3_VERSION ? "TLS_AES_128_GCM_SHA256" : "ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_FALSE(server.session.is_resumed());
  EXPECT_FALSE(server.session.is_peer_verified());
  EXPECT_EQ(server.session.peer_subject(), "");
}

TEST_P(SessionOf, TakesBytesOneByOne) {
  Client client(options());
  Served server(contexts);
  const auto pass = [&] {
    for (const char byte : client.give()) ASSERT_NE(server.feed({&byte, 1}).state, State::failed);
    for (const char byte : server.take_out()) client.take({&byte, 1});
  };
  client.take({});
  for (int i = 0; i < 6; ++i) pass();
  ASSERT_EQ(server.session.state(), State::open);
  client.write("one");
  client.write(some_text(9000));
  pass();
  EXPECT_EQ(server.received, "one" + some_text(9000));
  EXPECT_EQ(server.session.held(), 0u);
}

TEST_P(SessionOf, GivesTheSamePlainTextHoweverTheWireIsCutAndHoweverSmallTheBuffer) {
  const std::string text = some_text(200'000);
  std::minstd_rand random(7);
  for (const std::size_t plain_size : {1u, 100u, 5000u, 100'000u}) {
    Client client(options());
    Served server(contexts);
    server.plain_size = plain_size;
    talk(client, server);
    client.write(text);
    std::string wire = client.give();
    for (std::string_view rest = wire; !rest.empty();) {
      const std::size_t n = std::min<std::size_t>(rest.size(), 1 + random() % 70'000);
      server.feed(rest.substr(0, n));
      rest.remove_prefix(n);
    }
    EXPECT_EQ(server.received, text) << plain_size;
    EXPECT_EQ(server.session.held(), 0u);
  }
}

TEST_P(SessionOf, KeepsWhatDoesNotFitUntilItIsAskedFor) {
  Client client(options());
  Served server(contexts);
  talk(client, server);
  for (int i = 0; i < 10; ++i) client.write(some_text(1000));
  std::string wire = client.give();
  std::vector<std::byte> small(1500);

  auto progress = server.session.feed(as_bytes(wire), small, server.out);
  std::fill(wire.begin(), wire.end(), 'x');  // the caller's buffer is the caller's again
  std::size_t total = progress.plain;
  EXPECT_TRUE(progress.more);
  EXPECT_GT(server.session.held(), 0u);
  while (progress.more) {
    progress = server.session.feed({}, small, server.out);
    total += progress.plain;
  }
  EXPECT_EQ(progress.state, State::open);
  EXPECT_EQ(total, 10'000u);
  EXPECT_EQ(server.session.held(), 0u);
}

TEST_P(SessionOf, CutsBigWritesIntoSmallRecords) {
  Client client(options());
  Served server(contexts);
  talk(client, server);
  const std::string text = some_text(1'000'000);
  ASSERT_TRUE(server.session.write(text, server.out));
  const auto sizes = records_in(server.out);
  EXPECT_LE(*std::max_element(sizes.begin(), sizes.end()), 4096u + 256u);
  client.take(server.take_out());
  EXPECT_EQ(client.received, text);
}

TEST_P(SessionOf, AppendsToWhatTheCallerHasAlready) {
  Client client(options());
  Served server(contexts);
  talk(client, server);
  server.out = "before";
  ASSERT_TRUE(server.session.write("a", server.out));
  ASSERT_TRUE(server.session.write("", server.out));
  EXPECT_TRUE(server.out.starts_with("before"));
  EXPECT_EQ(records_in(std::string_view(server.out).substr(6)).size(), 1u);
}

TEST_P(SessionOf, RefusesToWriteBeforeItIsOpenAndAfterItsClose) {
  Client client(options());
  Served server(contexts);
  EXPECT_TRUE(server.session.write("too early", server.out).is(Errc::refused));
  server.session.close(server.out);
  EXPECT_EQ(server.out, "") << "there is nothing to close yet";
  talk(client, server);
  server.session.close(server.out);
  EXPECT_TRUE(server.session.write("too late", server.out).is(Errc::refused));
}

TEST_P(SessionOf, SaysCloseNotifyOnceAndStillReads) {
  Client client(options());
  Served server(contexts);
  talk(client, server);
  server.session.close(server.out);
  const std::string goodbye = server.take_out();
  server.session.close(server.out);
  EXPECT_EQ(server.out, "");

  client.write("last words");
  EXPECT_EQ(server.feed(client.give()).state, State::open);
  EXPECT_EQ(server.received, "last words");
  client.take(goodbye);
  EXPECT_TRUE(client.has_closed());
  SSL_shutdown(client.ssl());
  EXPECT_EQ(server.feed(client.give()).state, State::closed);
}

TEST_P(SessionOf, KnowsTheEndByCloseNotifyAndIgnoresWhatFollows) {
  Client client(options());
  Served server(contexts);
  talk(client, server);
  client.write("bye");
  SSL_shutdown(client.ssl());
  const auto progress = server.feed(client.give() + "garbage");
  EXPECT_EQ(progress.state, State::closed);
  EXPECT_EQ(progress.failure, Failure::none);
  EXPECT_EQ(server.received, "bye");
  EXPECT_EQ(server.feed("more garbage").state, State::closed);
  server.session.close(server.out);
  client.take(server.take_out());
  EXPECT_TRUE(client.has_closed());
}

// Leaks and bad accesses are for the sanitizers to see.
TEST_P(SessionOf, MayEndAtEveryByteOfTheHandshake) {
  Client whole(options());
  Served one(contexts);
  std::string said;
  whole.take({});
  for (std::string wire = whole.give(); !wire.empty(); wire = whole.give()) {
    said += wire;
    one.feed(wire);
    whole.take(one.take_out());
  }
  for (std::size_t end = 0; end < said.size(); ++end) {
    Served server(contexts);
    const auto progress = server.feed(std::string_view(said).substr(0, std::min<std::size_t>(end, 300)));
    EXPECT_NE(progress.state, State::open);
    server.session.close(server.out);
    // The rest of another handshake is no continuation of this one.
    if (end <= 300) continue;
    EXPECT_NE(server.feed(std::string_view(said).substr(300, end - 300)).state, State::open);
  }
}

TEST_P(SessionOf, EndsWithAnAlertWhenARecordIsChanged) {
  Client client(options());
  Served server(contexts);
  talk(client, server);
  client.write("hello");
  std::string wire = client.give();
  wire[10] = static_cast<char>(wire[10] ^ 1);
  const auto progress = server.feed(wire);
  EXPECT_EQ(progress.state, State::failed);
  EXPECT_EQ(progress.failure, Failure::protocol);
  EXPECT_NE(progress.why, "");
  EXPECT_EQ(server.received, "");
  client.take(server.take_out());
  EXPECT_EQ(client.last_reason, SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
  EXPECT_EQ(server.feed(wire).state, State::failed);
  EXPECT_EQ(server.out, "") << "nothing more to say";
  EXPECT_TRUE(server.session.write("x", server.out).is(Errc::refused));
}

TEST_P(SessionOf, BoundsTheBytesOfAHandshake) {
  // A ClientHello that promises 120 kB, in records as long as they may be.
  std::string hello("\x01\x01\xd4\xc0\x03\x03", 6);
  hello += some_text(0x1d4c0);
  Served server(contexts);
  Progress progress{};
  std::size_t fed = 0;
  for (std::string_view rest = hello; !rest.empty() && progress.state == State::handshaking;) {
    const std::string_view piece = rest.substr(0, 16'000);
    rest.remove_prefix(piece.size());
    std::string record{'\x16', '\x03', '\x01', static_cast<char>(piece.size() >> 8), static_cast<char>(piece.size() & 0xff)};
    record += piece;
    fed += record.size();
    progress = server.feed(record);
  }
  EXPECT_EQ(progress.state, State::failed);
  EXPECT_LE(fed, 80'100u);
}

TEST_F(SessionTest, SaysThatHttpIsNoTls) {
  for (const std::string_view words : {"GET / HTTP/1.1\r\n\r\n", "OPTIONS sip:x SIP/2.0\r\n", "\x80\x2e\x01\x03\x01", "\x17\x03\x03"}) {
    Served server(contexts);
    const auto progress = server.feed(words);
    EXPECT_EQ(progress.state, State::failed);
    EXPECT_EQ(progress.failure, Failure::no_tls);
    EXPECT_EQ(progress.why, "no TLS");
    EXPECT_EQ(server.out, "");
  }
}

TEST_F(SessionTest, RefusesGarbageWithAnAlert) {
  std::minstd_rand random(3);
  for (int i = 0; i < 300; ++i) {
    std::string bytes(1 + random() % 600, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    bytes[0] = SSL3_RT_HANDSHAKE;
    if (i % 2 == 0) bytes.replace(0, 3, "\x16\x03\x01");
    Served server(contexts);
    const auto progress = server.feed(bytes);
    EXPECT_NE(progress.state, State::open);
    EXPECT_EQ(progress.state == State::failed, progress.failure != Failure::none);
  }
}

TEST_F(SessionTest, RefusesOldVersionsWithAnAlert) {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    Client client({.version = version, .ciphers = "ALL:@SECLEVEL=0"});
    Served server(contexts);
    client.take({});
    const auto progress = server.feed(client.give());
    EXPECT_EQ(progress.state, State::failed);
    EXPECT_EQ(progress.failure, Failure::negotiation) << progress.why;
    EXPECT_TRUE(ends_with_alert(server.out));
    client.take(server.take_out());
    EXPECT_EQ(client.last_reason, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
  }
}

TEST_F(SessionTest, RefusesCiphersWithoutForwardSecrecy) {
  Client client({.version = TLS1_2_VERSION, .ciphers = "AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA"});
  Served server(contexts);
  client.take({});
  const auto progress = server.feed(client.give());
  EXPECT_EQ(progress.failure, Failure::negotiation);
  EXPECT_EQ(progress.why, "no shared cipher");
  EXPECT_TRUE(ends_with_alert(server.out));
}

TEST_F(SessionTest, RefusesRenegotiationAndGoesOn) {
  Client client({.version = TLS1_2_VERSION});
  Served server(contexts);
  talk(client, server);
  ASSERT_EQ(SSL_renegotiate(client.ssl()), 1);
  SSL_do_handshake(client.ssl());
  ERR_clear_error();
  const std::string hello = client.give();
  ASSERT_FALSE(hello.empty());
  const auto progress = server.feed(hello);

  EXPECT_EQ(progress.state, State::open);
  const std::string answer = server.take_out();
  ASSERT_FALSE(answer.empty());
  EXPECT_EQ(answer[0], SSL3_RT_ALERT);
  BIO_write(SSL_get_rbio(client.ssl()), answer.data(), static_cast<int>(answer.size()));
  SSL_do_handshake(client.ssl());
  EXPECT_EQ(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
  ERR_clear_error();
}

TEST_F(SessionTest, AnswersKeyUpdatesAndEndsAtAFloodOfThem) {
  Client client;
  Served server(contexts);
  talk(client, server);
  const auto update = [&](int kind) {
    SSL_key_update(client.ssl(), kind);
    SSL_do_handshake(client.ssl());
    return server.feed(client.give()).state;
  };
  EXPECT_EQ(update(SSL_KEY_UPDATE_REQUESTED), State::open);
  client.write("under new keys");
  server.feed(client.give());
  ASSERT_TRUE(server.session.write("as are these", server.out));
  client.take(server.take_out());
  EXPECT_EQ(server.received, "under new keys");
  EXPECT_EQ(client.received, "as are these");

  int updates = 1;
  while (updates < 100 && update(SSL_KEY_UPDATE_NOT_REQUESTED) == State::open) ++updates;
  EXPECT_EQ(updates, 32);
  EXPECT_EQ(server.feed("").failure, Failure::flood);
  EXPECT_EQ(server.feed("").why, "too many records without data");
}

TEST_F(SessionTest, EndsAtAFloodInOneReadToo) {
  Client client;
  Served server(contexts);
  talk(client, server);
  for (int i = 0; i < 2000; ++i) {
    SSL_key_update(client.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
    SSL_do_handshake(client.ssl());
  }
  EXPECT_EQ(server.feed(client.give()).failure, Failure::flood);
}

TEST_F(SessionTest, AllowsKeyUpdatesThatComeWithData) {
  Client client;
  Served server(contexts);
  talk(client, server);
  for (int i = 0; i < 200; ++i) {
    SSL_key_update(client.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
    client.write(some_text(1024));
    ASSERT_EQ(server.feed(client.give()).state, State::open) << i;
  }
}

TEST_F(SessionTest, HasNoProfileForAListenerNobodySpokeOf) {
  TlsProfile profile = server_profile(certificate);
  profile.address = local_endpoint(443);
  const Contexts here = contexts_of({profile});
  EXPECT_TRUE(here.serves(local_endpoint(443)));
  EXPECT_FALSE(here.serves(local_endpoint(444)));
  const auto session = Session::accept(here, local_endpoint(444));
  ASSERT_TRUE(session.is(Errc::not_found));
  EXPECT_EQ(session.error().why, "no TLS profile for wss:127.0.0.1:444");
}

TEST_F(SessionTest, OutlivesItsContexts) {
  Client client;
  auto old = std::make_unique<Contexts>(contexts_of({server_profile(certificate)}, segment->ticket_keys));
  Served before(*old), during(*old);
  talk(client, before);
  Client other;
  other.take({});
  during.feed(other.give());
  old.reset();
  other.take(during.take_out());
  talk(other, during);
  EXPECT_EQ(during.session.state(), State::open);
  client.write("still here");
  before.feed(client.give());
  EXPECT_EQ(before.received, "still here");
}

}  // namespace
}  // namespace sipwsd::tls
