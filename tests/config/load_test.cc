#include "src/config/load.h"

#include "tests/config/run.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace sipwsd::config {
namespace {

using test::first_error;
using test::run_file;
using test::run_flags;

// Run from the root of the tree, as make does.
std::string sample() {
  std::ifstream file("etc/sipwsd.cfg");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Load, AcceptsTheSampleFile) {
  const auto run = run_file(sample());
  ASSERT_TRUE(run.loaded) << run.errors;
  EXPECT_EQ(run.warnings, "");
  EXPECT_EQ(run.settings.fifo, "/run/sipwsd/sipwsd.fifo");
}

TEST(Load, AcceptsTheSampleFileWithItsProposalsTaken) {
  std::string text = sample();
  for (const char* line : {"#listen=", "#alias=", "#auth_mode=digest", "#auth_file=", "#modparam("}) {
    const auto at = text.find(line);
    ASSERT_NE(at, std::string::npos) << line;
    text.erase(at, 1);
  }
  const auto run = run_file(text);
  ASSERT_TRUE(run.loaded) << run.errors;
  EXPECT_EQ(run.settings.auth_mode, AuthMode::digest);
  EXPECT_EQ(run.settings.listen.size(), 2u);
  EXPECT_EQ(run.settings.allowed_origins.size(), 1u);
}

TEST(Load, IsOnLoopbackWithoutAnyConfiguration) {
  const auto run = run_flags({});
  ASSERT_TRUE(run.loaded);
  EXPECT_EQ(run.settings.listen, (std::vector<ListenSpec>{{TransportProtocol::ws, "127.0.0.1", 8080, {}, 0}}));
  EXPECT_EQ(run.settings.stage, "edge");
  EXPECT_EQ(run.settings.auth_mode, AuthMode::unset);
  EXPECT_EQ(run.warnings, "");
}

TEST(Load, ReadsAWholeFile) {
  const auto run = run_file(R"(#!KAMAILIO
#!substdef "!MY_IP!127.0.0.1!g"
#!substdef "!MY_WS!tcp:MY_IP:8088!g"
debug=2
children=4
listen=MY_WS advertise 192.0.2.1:80
listen=ws:MY_IP:0
alias="Example.org" sip.example.org
loadmodule "websocket.so"
loadmodule "registrar"
modparam("websocket", "keepalive_timeout", 30)
modparam("registrar", "max_contacts", 3)
)");
  ASSERT_TRUE(run.loaded) << run.errors;
  EXPECT_EQ(run.settings.log_level, log::Level::info);
  EXPECT_EQ(run.settings.workers, 4u);
  ASSERT_EQ(run.settings.listen.size(), 2u);
  EXPECT_EQ(run.settings.listen[0], (ListenSpec{TransportProtocol::tcp, "127.0.0.1", 8088, "192.0.2.1", 80}));
  EXPECT_EQ(run.settings.listen[1], (ListenSpec{TransportProtocol::ws, "127.0.0.1", 0, {}, 0}));
  EXPECT_EQ(run.settings.alias, (std::vector<std::string>{"example.org", "sip.example.org"}));
  EXPECT_EQ(run.settings.keepalive_timeout, std::chrono::seconds{30});
  EXPECT_EQ(run.settings.max_contacts, 3u);
}

TEST(Load, ReplacesAListByTheFlagsAsAWhole) {
  const auto run = run_file("listen=ws:127.0.0.1:1\nlisten=ws:127.0.0.1:2\nalias=a.example",
                            {"--listen", "ws:127.0.0.1:3", "--listen=wss:[::1]:0", "--tls-certificate=c.pem"});
  ASSERT_TRUE(run.loaded) << run.errors;
  ASSERT_EQ(run.settings.listen.size(), 2u);
  EXPECT_EQ(run.settings.listen[0].port, 3);
  EXPECT_EQ(run.settings.listen[1].host, "::1");
  EXPECT_EQ(run.settings.alias, std::vector<std::string>{"a.example"});
}

TEST(Load, MapsTheDebugLevelOfKamailio) {
  const std::pair<int, log::Level> table[] = {
      {-5, log::Level::fatal}, {-1, log::Level::error}, {0, log::Level::warning}, {1, log::Level::notice},
      {2, log::Level::info},   {3, log::Level::debug},  {9, log::Level::debug}};
  for (const auto& [debug, level] : table)
    EXPECT_EQ(run_file("debug=" + std::to_string(debug)).settings.log_level, level) << debug;
}

TEST(Load, TakesTheOtherNamesOfGlobals) {
  const auto run = run_file("tcp_children=3 tcp_max_connections=100 tcp_conn_wq_max=5000 fork=no log_stderror=yes "
                            "user=sip group=\"phones\" uid=17 pidfile=\"/p\" server_header=\"Server: x\" "
                            "log_name=n log_facility=LOG_LOCAL7");
  ASSERT_TRUE(run.loaded) << run.errors;
  EXPECT_EQ(run.settings.workers, 3u);
  EXPECT_EQ(run.settings.max_connections, 100u);
  EXPECT_EQ(run.settings.outbox_bytes, 5000u);
  EXPECT_FALSE(run.settings.daemonize);
  EXPECT_TRUE(run.settings.log_stderr);
  EXPECT_EQ(run.settings.user, "17");
  EXPECT_EQ(run.settings.group, "phones");
  EXPECT_EQ(run.settings.pid_file, "/p");
  EXPECT_EQ(run.settings.server_header, "x");
  EXPECT_EQ(run.settings.log_name, "n");
  EXPECT_EQ(run.settings.log_facility, 23 << 3);
}

TEST(Load, LetsThePingSayWhatTheServerHeaderSays) {
  EXPECT_EQ(run_flags({"--server-header", "mine"}).settings.ping_application_data, "mine");
  EXPECT_EQ(run_flags({"--server-header", "mine", "--ping-application-data", "p"}).settings.ping_application_data, "p");
  EXPECT_EQ(run_flags({"--server-header", std::string(200, 'x')}).settings.ping_application_data,
            std::string(125, 'x'));
}

TEST(Load, WarnsAboutWhatItIgnores) {
  const auto run = run_file(
      "tcp_accept_no_cl=yes\nloadmodule \"websocket\"\nmodparam(\"websocket\", \"verbose_list\", 1)\n"
      "my.var=3\nflags A:1");
  ASSERT_TRUE(run.loaded) << run.errors;
  EXPECT_EQ(run.warnings,
            "FILE:1:1: tcp_accept_no_cl is ignored; it has no effect here\n"
            "FILE:3:23: websocket.verbose_list is ignored; it has no effect here\n"
            "FILE:4:1: \"my.var\" is ignored; variables of this kind are for route blocks");
}

// Golden: the whole of standard error for a file of one fault.
TEST(Load, ExplainsAFaultWithItsLineAndACaret) {
  const std::pair<const char*, const char*> table[] = {
      {"keepalive_timeout=3",
       "FILE:1:1: no parameter is called \"keepalive_timeout\"; write modparam(\"websocket\", \"keepalive_timeout\", "
       "value)\n"
       "    keepalive_timeout=3\n    ^\n"},
      {"keepalive_timeot=3",
       "FILE:1:1: no parameter is called \"keepalive_timeot\"; did you mean modparam(\"websocket\", "
       "\"keepalive_timeout\", "
       "value)?\n    keepalive_timeot=3\n    ^\n"},
      {"listne=ws:127.0.0.1:1",
       "FILE:1:1: no parameter is called \"listne\"; did you mean \"listen\"?\n    listne=ws:127.0.0.1:1\n    ^\n"},
      {"loadmodule \"websockets.so\"",
       "FILE:1:12: no module is called \"websockets.so\"; did you mean \"websocket\"?\n    loadmodule "
       "\"websockets.so\"\n"
       "               ^\n"},
      {"loadmodule \"db_oracle\"",
       "FILE:1:12: no module is called \"db_oracle\"; remove the line\n    loadmodule \"db_oracle\"\n               "
       "^\n"},
      {"modparam(\"websocket\", \"cors_mode\", 1)",
       "FILE:1:10: module websocket is not loaded yet; write loadmodule \"websocket.so\" in a line before this one\n"
       "    modparam(\"websocket\", \"cors_mode\", 1)\n             ^\n"},
      {"modparam(\"websokcet\", \"cors_mode\", 1)",
       "FILE:1:10: no module is called \"websokcet\"; did you mean \"websocket\"?\n"
       "    modparam(\"websokcet\", \"cors_mode\", 1)\n             ^\n"},
      {"loadmodule \"websocket\"\nmodparam(\"websocket\", \"cors_mod\", 1)",
       "FILE:2:23: module websocket has no parameter \"cors_mod\"; did you mean \"cors_mode\"?\n"
       "    modparam(\"websocket\", \"cors_mod\", 1)\n                          ^\n"},
      {"loadmodule \"websocket\"\nmodparam(\"websocket\", \"cors_mode\", 3)",
       "FILE:2:36: bad value for cors_mode\n    modparam(\"websocket\", \"cors_mode\", 3)\n"
       "                                       ^\n"},
      {"loadmodule \"websocket\"\nmodparam(\"websocket\", \"sub_protocols\", 5)",
       "FILE:2:40: unrecognised sub-protocols enabled; write 1 for sip\n"
       "    modparam(\"websocket\", \"sub_protocols\", 5)\n                                           ^\n"},
      {"loadmodule \"websocket\"\nmodparam(\"websocket\", \"sub_protocols\", 2)",
       "FILE:2:40: no sub-protocols enabled; write 1 for sip\n"
       "    modparam(\"websocket\", \"sub_protocols\", 2)\n                                           ^\n"},
      {"listen=ws:0.0.0.0:80",
       "FILE:1:8: ws:0.0.0.0:80 can be reached by others, and nothing says who may register; say auth_mode=none or "
       "digest\n"
       "    listen=ws:0.0.0.0:80\n           ^\n"},
      {"listen=ws:127.0.0.1:80 advertise",
       "FILE:1:24: advertise needs an address; write listen=PROTO:ADDRESS:PORT advertise ADDRESS:PORT\n"
       "    listen=ws:127.0.0.1:80 advertise\n                           ^\n"},
      {"workers=1 2", "FILE:1:11: workers takes one value; remove the others\n    workers=1 2\n              ^\n"},
      {"auth_mode=digest",
       "FILE:1:11: auth_mode=digest needs credentials; say auth_file=\"FILE\"\n    auth_mode=digest\n              "
       "^\n"},
      {"auth_mode=basic",
       "FILE:1:11: \"basic\" is no auth_mode; write none, digest or handshake\n    auth_mode=basic\n              ^\n"},
      {"server_header=\"a\r\nX: b\"",
       "FILE:1:15: server_header must not hold control characters; remove them\n    server_header=\"a\n"
       "                  ^\n"},
      {"log_facility=LOG_LOCAL9",
       "FILE:1:14: \"LOG_LOCAL9\" is no log facility; did you mean \"LOG_LOCAL0\"?\n    log_facility=LOG_LOCAL9\n"
       "                 ^\n"},
      {"\nrequest_route {\n  exit;\n}\nroute[A] { }",
       "FILE:2:1: route blocks are not supported yet by this version; remove them to use the built-in edge stage\n"
       "    request_route {\n    ^\n"},
  };
  for (const auto& [text, errors] : table) {
    const auto run = run_file(text);
    EXPECT_FALSE(run.loaded) << text;
    EXPECT_EQ(run.code, ExitCode::configuration) << text;
    EXPECT_EQ(run.errors, errors) << text;
  }
}

TEST(Load, ReportsSyntaxErrorsInsideRouteBlocksToo) {
  const auto run = run_file("bogus=1\nrequest_route {\n  exti;\n}\n");
  EXPECT_EQ(run.errors,
            "FILE:1:1: no parameter is called \"bogus\"; see sipwsd.cfg(5)\n    bogus=1\n    ^\n"
            "FILE:2:1: route blocks are not supported yet by this version; remove them to use the built-in edge stage\n"
            "    request_route {\n    ^\n"
            "FILE:3:3: expected ( after \"exti\"; did you mean \"exit\"?\n      exti;\n      ^\n"
            "sipwsd: 3 errors in the configuration\n");
}

TEST(Load, FollowsTheModuleListOfAModparam) {
  const auto run = run_file(
      "loadmodule \"registrar\"\nmodparam(\"nathelper|registrar\", \"received_avp\", \"$avp(R)\")\n"
      "modparam(\"usrloc|registrar\", \"max_contacts\", 4)");
  ASSERT_TRUE(run.loaded) << run.errors;
  EXPECT_EQ(run.settings.max_contacts, 4u);
}

TEST(Load, WarnsWhenIdleConnectionsEndBeforeTheirKeepalive) {
  EXPECT_EQ(
      run_flags({"--tcp-connection-lifetime", "120"}).warnings,
      "--tcp-connection-lifetime: idle connections are closed after 120 s, before their first keepalive at 180 to "
      "198 s; make tcp_connection_lifetime larger than that");
  EXPECT_EQ(run_file("tcp_connection_lifetime=198").warnings.substr(0, 42),
            "FILE:1:25: idle connections are closed aft");
  for (const char* fine : {"199", "0"}) EXPECT_EQ(run_flags({"--tcp-connection-lifetime", fine}).warnings, "") << fine;
  EXPECT_EQ(run_flags({"--tcp-connection-lifetime", "120", "--keepalive-mechanism", "0"}).warnings, "");
}

TEST(Load, WarnsWhenClientsAreAskedForKeepalivesThatNobodyMisses) {
  EXPECT_EQ(run_flags({"--flow-timer", "120"}).warnings, "");
  EXPECT_EQ(run_flags({"--flow-timer", "120", "--keepalive-mechanism", "2"}).warnings,
            "--flow-timer: clients are asked for keepalives, but nobody asks after those that fall silent; make "
            "keepalive_mechanism 1");
}

TEST(Load, ServesOthersOnlyWhenToldWhoMayRegister) {
  EXPECT_FALSE(run_flags({"--listen", "ws:*:80"}).loaded);
  EXPECT_EQ(run_flags({"--listen", "ws:*:80"}).code, ExitCode::configuration);
  EXPECT_TRUE(run_flags({"--listen", "ws:*:80", "--auth-mode", "none"}).loaded);
  EXPECT_FALSE(run_flags({"--listen", "ws:*:80", "--auth-mode", "digest"}).loaded);
  EXPECT_TRUE(run_flags({"--listen", "ws:*:80", "--auth-mode", "digest", "--auth-file", "/f"}).loaded);
  EXPECT_TRUE(run_flags({"--listen", "ws:[::1]:80", "--listen", "ws:127.0.0.2:80"}).loaded);
}

TEST(Load, RefusesWaysToLogInThatCannotWorkOrAreNotSafe) {
  struct Row {
    std::vector<std::string> flags;
    const char* why;  // empty: fine
  };
  for (const Row& row : {
           Row{{"--ws-auth", "jwt", "--jwt-key", "/k"}, ""},
           Row{{"--ws-auth", "digest,basic,jwt", "--auth-file", "/f", "--jwt-key", "/k", "--basic-without-tls"}, ""},
           Row{{"--auth-mode", "digest", "--auth-db-url", "sqlite:///x.db"}, ""},
           Row{{"--ws-auth", "jwt"}, "ws_auth=jwt needs a key to check tokens with"},
           Row{{"--ws-auth", "digest"}, "ws_auth=digest needs credentials"},
           Row{{"--ws-auth", "basic", "--auth-file", "/f"}, "ws_auth=basic is for TLS only"},
           Row{{"--auth-mode", "handshake"}, "the handshake asks nobody"},
           Row{{"--auth-mode", "digest", "--auth-db-url", "mysql://x/y"}, "db_url is none that is read here"},
           // S05
           Row{{"--ws-auth", "jwt", "--jwt-key", "/k", "--jwt-cookie", "s"}, "any page could use the cookie"},
           Row{{"--ws-auth", "jwt", "--jwt-key", "/k", "--jwt-cookie", "s", "--allowed-origins", "https://a.example"}, ""},
           Row{{"--ws-auth", "ntlm"}, "is no ws_auth; write none, or some of digest, basic, jwt"},
           Row{{"--ws-auth", "none,jwt"}, "is no ws_auth"},
           Row{{"--auth-algorithms", "MD5,SHA-1"}, "\"SHA-1\" is no digest algorithm"},
           Row{{"--auth-algorithms", "MD5,md5"}, "MD5 stands there twice"},
           Row{{"--jwt-key", "a=,b"}, "a jwt_key is missing its file"},
           Row{{"--jwt-key", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"}, "more than 16 of them"},
       }) {
    const auto run = run_flags(row.flags);
    EXPECT_EQ(run.loaded, *row.why == '\0') << run.errors;
    EXPECT_NE(run.errors.find(row.why), std::string::npos) << run.errors;
  }
}

TEST(Load, KeepsTheDemoOnLoopbackAndInTheForeground) {
  const auto run = run_flags({"--demo"});
  ASSERT_TRUE(run.loaded);
  EXPECT_TRUE(run.settings.demo);
  EXPECT_FALSE(run.settings.daemonize);
  EXPECT_TRUE(run.settings.log_stderr);
  EXPECT_EQ(run_flags({"--demo", "--listen", "ws:10.0.0.1:80", "--auth-mode", "none"}).errors,
            "sipwsd: --listen: --demo listens on loopback only, ws:10.0.0.1:80 is not; write ws:127.0.0.1:80\n");
}

TEST(Load, RefusesValuesThatContradictEachOther) {
  const std::pair<std::vector<std::string>, const char*> table[] = {
      {{"--min-expires=100", "--max-expires=99"},
       "sipwsd: --min-expires: min_expires is larger than max_expires; lower it"},
      {{"--restart-delay=60000"}, "sipwsd: --restart-delay: restart_delay is larger than restart_delay_max; lower it"},
      {{"--letter-ring-bytes=100000"},
       "sipwsd: --letter-ring-bytes: letter_ring_bytes is no power of two; write 131072"},
      {{"--retr-timer2=100"}, "sipwsd: retr_timer1 is larger than retr_timer2; lower it"},
      {{"--listen=ws:127.0.0.1:1", "--listen=ws:127.0.0.1:1"},
       "sipwsd: --listen: ws:127.0.0.1:1 is there twice; remove one"},
  };
  for (const auto& [flags, error] : table) EXPECT_EQ(first_error(run_flags(flags)), error);
  EXPECT_TRUE(run_flags({"--listen=ws:127.0.0.1:0", "--listen=ws:127.0.0.1:0"}).loaded);
  EXPECT_TRUE(run_flags({"--min-expires=100", "--max-expires=0"}).loaded);
}

TEST(Load, ShowsTheSocketItComplainsAboutAtItsOwnLine) {
  const std::pair<const char*, const char*> table[] = {
      {"listen=wss:127.0.0.1:8443\nlisten=ws:127.0.0.1:8080\n",
       "FILE:1:8: wss:127.0.0.1:8443 needs a certificate; say modparam(\"tls\", \"certificate\", \"FILE\") or "
       "--tls-certificate FILE"},
      {"listen=ws:127.0.0.1:1\nlisten=ws:127.0.0.1:2\nlisten=ws:127.0.0.1:1\nlisten=ws:127.0.0.1:3\n",
       "FILE:3:8: ws:127.0.0.1:1 is there twice; remove one"},
      {"listen=ws:127.0.0.1:8080\nlisten=ws:*:8080\nlisten=ws:[::1]:8080\n",
       "FILE:2:8: ws:*:8080 can be reached by others, and nothing says who may register; say auth_mode=none or digest"},
      {"listen=ws:(127.0.0.1, 127.0.0.2):8080\nlisten=127.0.0.1:5060\nlisten=udp:127.0.0.1:5060\n",
       "FILE:3:8: udp:127.0.0.1:5060 is there twice; remove one"},
  };
  for (const auto& [text, error] : table) EXPECT_EQ(first_error(run_file(text)), error) << text;
}

TEST(Load, WarnsWhenADrainEndsBeforeItsConnectionsHadTheirTurn) {
  EXPECT_EQ(run_file("drain_timeout=5\ndrain_spread=6\n").warnings,
            "FILE:2:14: drain_spread is longer than drain_timeout: at its end many connections are closed at once; make "
            "drain_spread at most 5");
  for (const char* fine : {"drain_spread=600\n", "drain_timeout=10\n"}) EXPECT_EQ(run_file(fine).warnings, "") << fine;
}

TEST(Load, WarnsOfTwoWhoAskForThePasswordOfOneRealm) {
  const std::string users = "auth_file=\"/f\"\n", upstream = "upstream=\"sip:192.0.2.1\"\n";
  EXPECT_EQ(run_file("auth_mode=digest\n" + users + upstream).warnings,
            "FILE:1:11: clients are asked for a password here; an upstream that asks too, for the same realm, looks to them like "
            "a wrong one; make the upstream ask none of this server, or write auth_mode=none and leave it to the upstream");
  EXPECT_EQ(run_file("auth_mode=digest\n" + users).warnings, "");
  EXPECT_EQ(run_file("auth_mode=none\n" + upstream).warnings, "");
}

TEST(Load, WarnsOfASecretOfFlowTokensThatCanBeGuessed) {
  EXPECT_EQ(run_flags({"--flow-token-secret", "open sesame"}).warnings,
            "--flow-token-secret: flow_token_secret is so short that it can be guessed; write at least 16 random characters, as "
            "`openssl rand -hex 16` prints");
  EXPECT_EQ(run_flags({"--flow-token-secret", "0123456789abcdef"}).warnings, "");
}

TEST(Load, ShowsWhatWantsADatabaseWhereNoneIsNamed) {
  const std::string wish = "loadmodule \"usrloc.so\"\nmodparam(\"usrloc\", \"db_mode\", 1)\n";
  const std::string why = "db_mode wants bindings stored, and db_url names no database for them; write db_url as "
                          "sqlite:///var/lib/sipwsd/location.db, or db_mode 0";
  EXPECT_EQ(first_error(run_file(wish)), "FILE:2:31: " + why);
  EXPECT_EQ(first_error(run_file(wish + "modparam(\"usrloc\", \"db_url\", \"mysql://x\")\n")), "FILE:3:30: " + why);
}

TEST(Load, HasTheRulesOfTheFifo) {
  EXPECT_EQ(first_error(run_file("loadmodule \"mi_fifo.so\"")),
            "sipwsd: No MI fifo configured; say modparam(\"mi_fifo\", \"fifo_name\", \"PATH\")");
  const std::string start = "loadmodule \"mi_fifo.so\"\nmodparam(\"mi_fifo\", \"fifo_name\", \"/run/f\")\n";
  const auto run = run_file(start +
                            "modparam(\"mi_fifo\", \"fifo_user\", 0)\nmodparam(\"mi_fifo\", \"fifo_group\", \"root\")\n"
                            "modparam(\"mi_fifo\", \"fifo_mode\", 0600)\nmodparam(\"mi_fifo\", \"reply_dir\", \"/r\")\n"
                            "modparam(\"mi_fifo\", \"reply_indent\", \"\")");
  ASSERT_TRUE(run.loaded) << run.errors;
  EXPECT_EQ(run.settings.fifo, "/run/f");
  EXPECT_EQ(run.settings.fifo_user, "0");
  EXPECT_EQ(run.settings.fifo_group, "root");
  EXPECT_EQ(run.settings.fifo_mode, 0600u);
  EXPECT_EQ(run.settings.reply_dir, "/r/");
  EXPECT_EQ(run.settings.reply_indent, "");
  const auto zero = run_file(start + "modparam(\"mi_fifo\", \"fifo_mode\", 0)");
  EXPECT_EQ(zero.settings.fifo_mode, 0600u);
  EXPECT_EQ(zero.warnings, "FILE:3:34: a fifo_mode of 0 would lock everybody out; 0600 is used");
}

TEST(Load, ReadsOriginsAsAList) {
  const auto run =
      run_flags({"--allowed-origins", "https://A.example https://*.b.example:8443", "--allowed-origins=null"});
  EXPECT_EQ(run.settings.allowed_origins,
            (std::vector<std::string>{"https://a.example", "https://*.b.example:8443", "null"}));
  for (const char* bad : {"a.example", "https://", "://a", "https://a/", "https://u@a"})
    EXPECT_FALSE(run_flags({"--allowed-origins", bad}).loaded) << bad;
}

TEST(Load, ReadsNetworksAsAList) {
  const auto run = run_file("trusted_proxies=\"10.0.0.0/8, 192.0.2.7\"\ntrusted_proxies=\"2001:db8::/32\"\nlimits_exempt=\"\"\n");
  ASSERT_TRUE(run.loaded) << run.errors;
  EXPECT_EQ(run.settings.trusted_proxies.to_string(), "10.0.0.0/8 192.0.2.7 2001:db8::/32");
  EXPECT_TRUE(run.settings.limits_exempt.is_empty()) << "what was given replaces the default, nothing too";
  EXPECT_EQ(run_flags({}).settings.limits_exempt.to_string(), "127.0.0.0/8 ::1");
  EXPECT_NE(run_flags({"--trusted-proxies", "10.1.2.3/8"}).errors.find("write 10.0.0.0/8 or 10.1.2.3"), std::string::npos);
}

TEST(Load, SaysWhichFileItCanNotRead) {
  const auto run = run_flags({}, "/proc/nonexistent/sipwsd.cfg");
  EXPECT_EQ(run.code, ExitCode::configuration);
  EXPECT_EQ(run.errors, "sipwsd: can't read FILE: No such file or directory\n");
  EXPECT_EQ(run_flags({}, "/tmp").errors, "sipwsd: can't read FILE: it is a directory\n");
}

TEST(CommandLine, PrintsAndEnds) {
  EXPECT_EQ(run_flags({"--version"}).output, std::string(product()) + "\n");
  EXPECT_EQ(run_flags({"--print-commands"}).output, "commands\n");
  EXPECT_EQ(run_flags({"--print-params"}).output.substr(0, 12), "core\tService");
  const std::string help = run_flags({"--help"}).output;
  for (const char* part :
       {"\nWebSocket\n", "  -f, --config FILE ", "      --keepalive-timeout SECONDS\n", "(1..3600, default 180)",
        "      --listen PROTO:ADDR:PORT ", "\nCommand pipe\n", "      --fifo PATH "})
    EXPECT_NE(help.find(part), std::string::npos) << part;
  EXPECT_EQ(help.find("print-params"), std::string::npos);
  for (std::size_t at = 0; at < help.size();) {
    const auto end = help.find('\n', at);
    EXPECT_LE(end - at, 98u) << help.substr(at, end - at);
    at = end + 1;
  }
}

TEST(CommandLine, NamesTheFlagThatIsWrong) {
  const std::pair<std::vector<std::string>, const char*> table[] = {
      {{"--keepalive-timeot", "3"}, "sipwsd: unknown flag --keepalive-timeot; did you mean \"--keepalive-timeout\"?"},
      {{"--xyzzy=3"}, "sipwsd: unknown flag --xyzzy; see --help"},
      {{"-Z"}, "sipwsd: unknown flag -Z; see --help"},
      {{"stray"}, "sipwsd: unexpected word \"stray\"; parameters are flags, see --help"},
      {{"--listen"}, "sipwsd: --listen: 1 required PROTO:ADDR:PORT missing; see --help"},
      {{"--workers", "many"}, "sipwsd: --workers: workers takes an integer; write a number"},
      {{"--listen", "ws:1.2.3.4:x"}, "sipwsd: --listen: \"x\" is no port; write a number from 0 to 65535"},
      {{"-A", "3=4"}, "sipwsd: -A \"3=4\" defines no identifier; write -A ID or -A ID=text"},
  };
  for (const auto& [flags, error] : table) {
    const auto run = run_flags(flags);
    EXPECT_EQ(run.code, ExitCode::usage) << error;
    EXPECT_EQ(run.errors, std::string(error) + "\n");
  }
}

TEST(CommandLine, SetsWhatIsNoParameter) {
  const auto run = run_flags({"-c", "-F"});
  EXPECT_TRUE(run.settings.check);
  EXPECT_FALSE(run.settings.daemonize);
  EXPECT_TRUE(run.settings.log_stderr);
  EXPECT_FALSE(run_flags({"-F", "--log-file=/l"}).settings.log_stderr);
  EXPECT_TRUE(run_flags({"-E"}).settings.log_stderr);
  EXPECT_EQ(run.settings.arguments, (std::vector<std::string>{"sipwsd", "-f", "/dev/null", "-c", "-F"}));
  EXPECT_EQ(run.settings.config_file, "/dev/null");
}

TEST(CommandLine, DefinesIdentifiersForTheFile) {
  const std::string text = "#!ifdef WITH_A\nworkers=N\n#!endif";
  EXPECT_EQ(run_file(text, {"-A", "WITH_A", "-A", "N=7"}).settings.workers, 7u);
  EXPECT_EQ(run_file(text).settings.workers, 0u);
}

TEST(CommandLine, TakesTheLastOfARepeatedFlag) {
  EXPECT_EQ(run_flags({"--workers=1", "--workers=2"}).settings.workers, 2u);
  EXPECT_FALSE(run_flags({"--server-signature", "--no-server-signature"}).settings.server_signature);
}

}  // namespace
}  // namespace sipwsd::config
