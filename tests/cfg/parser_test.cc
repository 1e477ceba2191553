#include <gtest/gtest.h>

#include "tests/cfg/dump.h"

namespace sipwsd::cfg {
namespace {

using test::parse_text;

std::string top(std::string text) {
  const auto outcome = parse_text(std::move(text));
  return outcome.diagnostics.failed() ? "ERROR " + outcome.complaints() : test::dump(outcome.program);
}
// The body of a request_route with this in it.
std::string body(const std::string& text) {
  const std::string dumped = top("request_route {\n" + text + "\n}");
  return dumped.starts_with("request[]") ? dumped.substr(9) : dumped;
}
std::string expression(const std::string& text) {
  const std::string dumped = body("$x = " + text + ";");
  return dumped.starts_with("{$x = ") ? dumped.substr(6, dumped.size() - 7) : dumped;
}

TEST(Parser, ReadsGlobalsWithAndWithoutSemicolons) {
  const std::pair<const char*, const char*> table[] = {
      {"debug=3", "debug = #3"},
      {"debug=-1;", "debug = #-1"},
      {"debug=2\nlog_stderror=no", "debug = #2\nlog_stderror = no"},
      {"debug=2 log_stderror=no", "debug = #2\nlog_stderror = no"},
      {"log_facility=LOG_LOCAL0;;", "log_facility = LOG_LOCAL0"},
      {"listen=udp:10.0.0.1:5060", "listen = udp:10.0.0.1:5060"},
      {"listen=tls:[2001:db8::1]:5061 advertise 1.2.3.4:80", "listen = tls:[2001:db8::1]:5061 advertise 1.2.3.4:80"},
      {"listen=sip-1.example.org\ndebug=1", "listen = sip-1.example.org\ndebug = #1"},
      {"listen=tcp:(10.0.0.1, 10.0.0.2):5060", "listen = tcp:(10.0.0.1,10.0.0.2):5060"},
      {"listen=\"ws:127.0.0.1:80\"", "listen = \"ws:127.0.0.1:80\""},
      {"listen=*", "listen = *"},
      {"alias=a.example b.example:5060\n  \"c.example\"\ndebug=1",
       "alias = a.example b.example:5060 \"c.example\"\ndebug = #1"},
      {"alias=a\nloadmodule \"x.so\"", "alias = a\nload x.so"},
      {"log_file=/var/log/sipwsd.log", "log_file = /var/log/sipwsd.log"},
      {"my.var = 3 desc \"a thing\"", "my.var = #3 desc \"a thing\""},
      {"a=0660", "a = #432"},
      {"mpath=\"/a:/b\"\nloadpath \"/c\"", "mpath = \"/a:/b\"\nmpath = \"/c\""},
  };
  for (const auto& [text, dumped] : table) EXPECT_EQ(top(text), dumped) << text;
}

TEST(Parser, ReadsModulesTheirParametersAndFlags) {
  EXPECT_EQ(top("loadmodule \"tm.so\" loadmodule(\"sl\")"), "load tm.so\nload sl");
  EXPECT_EQ(top("modparam(\"a|b\", \"n\", 3)\nmodparam(\"a\",\"m\",\"x\" \"y\");modparam(\"a\",\"o\",-1)"),
            "param a|b.n = #3\nparam a.m = \"xy\"\nparam a.o = #-1");
  EXPECT_EQ(top("flags ACC:1, MISSED, NAT:3;"), "flag ACC:1\nflag MISSED\nflag NAT:3");
}

TEST(Parser, KnowsEveryKindOfRouteBlock) {
  EXPECT_EQ(top("request_route {} route[A] {} route[1]{} onreply_route{} onreply_route[R]{} failure_route[F]{} "
                "branch_route[\"B\"]{} onsend_route{} event_route[xhttp:request]{} event_route[tm:local-request]{}"),
            "request[]{}\nnamed[A]{}\nnamed[1]{}\nonreply[]{}\nonreply[R]{}\nfailure[F]{}\nbranch[B]{}\nonsend[]{}\n"
            "event[xhttp:request]{}\nevent[tm:local-request]{}");
  EXPECT_EQ(top("route{}"), "request[]{}");
  EXPECT_EQ(top("route[0]{}"), "request[]{}");
  EXPECT_EQ(top("reply_route{}"), "onreply[]{}");
}

TEST(Parser, RefusesARouteThatIsDefinedTwice) {
  EXPECT_EQ(parse_text("route[A]{}\nroute[A]{}").complaints(),
            "2:1 this route is defined a second time; the first is in line 1");
  EXPECT_EQ(parse_text("route{}\nrequest_route{}").complaints(),
            "2:1 this route is defined a second time; the first is in line 1");
  EXPECT_EQ(parse_text("event_route{}").complaints(),
            "1:1 an event_route needs the name of its event; write event_route[xhttp:request]");
}

TEST(Expressions, BindAsTheReferenceSays) {
  const std::pair<const char*, const char*> table[] = {
      {"1 + 2 * 3", "(1 + (2 * 3))"},
      {"1 - 2 - 3", "((1 - 2) - 3)"},
      {"(1 + 2) * 3", "((1 + 2) * 3)"},
      {"$a or $b and $c", "($a or ($b and $c))"},
      {"$a || $b && $c || $d", "(($a or ($b and $c)) or $d)"},
      {"$a | $b & $c ^ $d", "($a | ($b & ($c ^ $d)))"},
      {"$a & 1 << 2", "($a & (1 << 2))"},
      {"$a == $b < $c", "($a == ($b < $c))"},
      {"$a == 1 && $b != 2", "(($a == 1) and ($b != 2))"},
      {"$a eq $b", "($a eq $b)"},
      {"$a ne $b or $c ieq 1 or $d ine 2", "((($a ne $b) or ($c ieq 1)) or ($d ine 2))"},
      {"10 mod 3 / 2", "((10 mod 3) / 2)"},
      {"!$a == 1", "((not $a) == 1)"},
      {"not defined $du and 1", "((not (defined $du)) and 1)"},
      {"-$a + ~$b", "((neg $a) + (~ $b))"},
      {"-1 - -2", "(-1 - -2)"},
      {"(int)$hdr(Expires) + 1", "((int $hdr(Expires)) + 1)"},
      {"(str)1 + \"a\"", "((str 1) + \"a\")"},
      {"$a !~ \"x\"", "(not ($a =~ \"x\"))"},
      {"1 << $a >= 2", "(1 << ($a >= 2))"},
  };
  for (const auto& [text, dumped] : table) EXPECT_EQ(expression(text), dumped) << text;
}

TEST(Expressions, HaveEveryKindOfOperand) {
  const std::pair<const char*, const char*> table[] = {
      {"\"a\" \"b\" + 'c'", "(\"ab\" + \"c\")"},
      {"'a' 'b'", "ERROR 2:10 expected ; before the string \"b\""},
      {"f()", "f()"},
      {"f(1, \"a\", $b, g($c) + 1)", "f(1,\"a\",$b,(g($c) + 1))"},
      {"is_myself(\"sip:\" + $hdr(Host))", "is_myself((\"sip:\" + $hdr(Host)))"},
      {"$du == $null", "($du == $null)"},
      {"uri == myself", "(uri == myself)"},
      {"src_ip == 10.0.0.0/8 || dst_ip == [2001:db8::1]", "((src_ip == 10.0.0.0/8) or (dst_ip == [2001:db8::1]))"},
      {"msg:len >= 2048", "(msg:len >= 2048)"},
      {"proto == WS", "(proto == WS)"},
      {"@to.tag", "@to.tag"},
      {"strlen($a) == 3", "(strlen($a) == 3)"},
      {"force_send_socket(udp:10.0.0.1:5060)", "force_send_socket(udp:10.0.0.1:5060)"},
      {"forward(uri:host, uri:port)", "forward(uri:host,uri:port)"},
      {"0x10 + 010 + 11b", "((16 + 8) + 3)"},
      {"0xffffffff", "-1"},
      {"-2147483648", "-2147483648"},
      {"2147483648", "ERROR 2:6 the number is too large; the largest is 2147483647"},
  };
  for (const auto& [text, dumped] : table) EXPECT_EQ(expression(text), dumped) << text;
}

TEST(Statements, AreAllThere) {
  const std::pair<const char*, const char*> table[] = {
      {"if ($a) f();", "{if $a{f()}}"},
      {"if ($a) f(); else g();", "{if $a{f()} else{g()}}"},
      {"if ($a) { f(); } else if ($b) { g(); } else if ($c) ; else { h(); }",
       "{if $a{f()} elif $b{g()} elif $c{} else{h()}}"},
      {"if ($a) if ($b) f(); else g();", "{if $a{if $b{f()} else{g()}}}"},
      {"if ($a == 1) && ($b == 2) f();", "{if (($a == 1) and ($b == 2)){f()}}"},
      {"if (!t_relay()) sl_reply_error();", "{if (not t_relay()){sl_reply_error()}}"},
      {"while ($i < 3) { $i = $i + 1; break; }", "{while ($i < 3){$i = ($i + 1); break}}"},
      {"switch ($rU) { case 1: case -2: f(); break; default: g(); }",
       "{switch $rU [1]{} [-2]{f(); break} [default]{g()}}"},
      {"switch ($rU) { case \"a\" \"b\": case /^x/i: f(); }", "{switch $rU [\"ab\"]{} [/^x/i]{f()}}"},
      {"return; return 1; return (-1); exit; exit(); exit(0); drop; drop();",
       "{return; return 1; return -1; exit; exit; exit 0; drop; drop}"},
      {"$var(x) = 1; $avp(y) += \"z\";", "{$var(x) = 1; $avp(y) += \"z\"}"},
      {"route(RELAY); route(\"x\" + $var(y));", "{route(RELAY); route((\"x\" + $var(y)))}"},
      {";; f();; { g(); }", "{f(); {g()}}"},
      {"xlog(\"L_ERR\", \"a\\n\");", "{xlog(\"L_ERR\",\"a\n\")}"},
  };
  for (const auto& [text, dumped] : table) EXPECT_EQ(body(text), dumped) << text;
}

// Every complaint is one line: where, what, what to write instead.
TEST(Parser, SaysWhatIsWrongAndWhatToWrite) {
  const std::pair<const char*, const char*> table[] = {
      {"debug 3", "1:7 expected = after \"debug\" before \"3\"; parameters are set as name=value"},
      {"debug=", "1:7 expected a value before the end of the file"},
      {"}", "1:1 this } closes nothing; remove it"},
      {"loadmodule tm", "1:12 expected a module name before \"tm\"; write loadmodule \"name\""},
      {"loadmodul \"tm\"", "1:1 \"loadmodul\" means nothing at the top level; did you mean \"loadmodule\"?"},
      {"rout[A] {}", "1:1 \"rout\" means nothing at the top level; did you mean \"route\"?"},
      {"xlog(\"a\");", "1:1 \"xlog\" means nothing at the top level; functions are called inside route blocks"},
      {"modparam(\"a\", b, 1)",
       "1:15 expected a string before \"b\"; write modparam(\"module\", \"parameter\", value)"},
      {"modparam(\"a\" \"b\", 1)",
       "1:19 expected a string before \"1\"; write modparam(\"module\", \"parameter\", value)"},
      {"route[A B { }", "1:11 expected ] before \"{\""},
      {"route[] { }", "1:7 a route name is missing; write it between [ and ]"},
      {"route { f() }", "1:13 expected ; before \"}\""},
      {"route { f; }", "1:9 expected ( after \"f\"; functions are called as f()"},
      {"route { exti; }", "1:9 expected ( after \"exti\"; did you mean \"exit\"?"},
      {"route { if ($a = 1) exit; }", "1:16 = assigns, it does not compare; write =="},
      {"route { if ($a . $b) exit; }", "1:16 there is no operator .; join strings with +"},
      {"route { $x = 7 % 2; }", "1:16 there is no operator %; write mod"},
      {"route { $x = $a ? 1 : 2; }", "1:17 there is no operator ?; write if ... else ..."},
      {"route { $x -= 1; }", "1:12 there is no operator -=; write $x = $x - ..."},
      {"route { $x == 1; }", "1:12 expected = before \"==\"; a statement that begins with a variable assigns to it"},
      {"route { f(1 2); }", "1:13 expected ) before \"2\"; arguments are parted by commas"},
      {"route { f() + 1; }", "1:13 the value of this is not used; a statement is a call or an assignment"},
      {"route { else f(); }", "1:9 else without an if; is there a ; or } too many in front of it?"},
      {"route { case 1: f(); }", "1:9 case outside a switch; remove it"},
      {"route { switch ($a) { f(); } }", "1:23 expected case before \"f\""},
      {"route { switch ($a) { case $b: f(); } }",
       "1:28 expected a constant before \"$b\"; write case 1:, case \"text\": or case /regex/:"},
      {"route { switch ($a) { case 1: case 1: f(); } }", "1:36 case 1 is there already; remove one"},
      {"route { switch ($a) { case 1: case \"b\": f(); } }",
       "1:36 the constants of a switch must all be numbers or all be text; compare one kind here and the other in an "
       "if"},
      {"route { switch ($a) { default: f(); default: g(); } }", "1:37 a second default in one switch; remove one"},
      {"route { $x = 12abc; }", "1:14 \"12abc\" is no number; numbers are 32 bits: 10, 0x1f, 017, 101b"},
      {"route { $x = ; }", "1:14 expected a value before \";\""},
      {"route { $x = $a and ; }", "1:21 expected a value before \";\""},
      {"route { if ($a) {\n f();\n}", "1:7 this { is never closed; write the missing }"},
  };
  for (const auto& [text, complaints] : table) EXPECT_EQ(parse_text(text).complaints(), complaints) << text;
}

TEST(Parser, ReportsSeveralErrorsInOneRun) {
  const auto outcome = parse_text(
      "debug 3\n"
      "port=5060\n"
      "route[A] {\n"
      "  f(;\n"
      "  if ($a = 1) { g(); }\n"
      "  h();\n"
      "}\n"
      "modparam(1)\n"
      "route[B] { i(); }\n");
  EXPECT_EQ(outcome.complaints(),
            "1:7 expected = after \"debug\" before \"3\"; parameters are set as name=value\n"
            "4:5 expected a value before \";\"\n"
            "5:10 = assigns, it does not compare; write ==\n"
            "8:10 expected a string before \"1\"; write modparam(\"module\", \"parameter\", value)");
  EXPECT_EQ(test::dump(outcome.program), "port = #5060\nnamed[A]{h()}\nnamed[B]{i()}");
}

TEST(Parser, BlamesTheBlockThatIsNotClosedWhenTheNextRouteBegins) {
  const auto outcome = parse_text("route[A] {\n if ($a) {\n  f();\n}\nroute[B] { g(); }\n");
  EXPECT_EQ(outcome.complaints(), "1:10 this { is never closed; write the missing }");
  EXPECT_EQ(test::dump(outcome.program), "named[A]{if $a{f()}}\nnamed[B]{g()}");
}

TEST(Parser, StopsAfterTwentyErrors) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "bad line\n";
  const auto outcome = parse_text(text);
  EXPECT_EQ(outcome.diagnostics.all().size(), Diagnostics::limit);
}

TEST(Parser, RefusesWhatIsNestedTooDeeplyInsteadOfRunningOutOfStack) {
  const auto repeated = [](const char* text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
  };
  EXPECT_EQ(body(repeated("{", 40) + repeated("}", 40)).substr(0, 5), "{{{{{");
  for (const std::string& text :
       {repeated("{", 20'000), "$x = " + repeated("(", 20'000), "$x = " + repeated("!", 20'000),
        repeated("if (1) ", 20'000), "$x = " + repeated("f(", 20'000)})
    EXPECT_NE(body(text).find("nested more than 100 deep"), std::string::npos) << text.substr(0, 20);
  EXPECT_NE(expression("1" + repeated("+1", 20'000)).find("an expression with more than 1000 operators"),
            std::string::npos);
}

TEST(Parser, ReadsTheExampleOfTheWebSocketModule) {
  const auto outcome = parse_text(R"(
#!define WITH_TLS
loadmodule "sl.so"
loadmodule "xhttp.so"
loadmodule "msrp.so" # Only required if using MSRP over WebSockets
loadmodule "websocket.so"
event_route[xhttp:request] {
	set_reply_close();
	set_reply_no_connect();

	if ($Rp != 80
#!ifdef WITH_TLS
		&& $Rp != 443
#!endif
	) {
		xlog("L_WARN", "HTTP request received on $Rp\n");
		xhttp_reply("403", "Forbidden", "", "");
		exit;
	}
	if ($hdr(Upgrade)=~"websocket"
			&& $hdr(Connection)=~"Upgrade"
			&& $rm=~"GET") {
		if ($hdr(Host) == $null || !is_myself("sip:" + $hdr(Host))) {
			xhttp_reply("403", "Forbidden", "", "");
			exit;
		}
		if (ws_handle_handshake())
			exit;
	}
	xhttp_reply("404", "Not found", "", "");
}
event_route[websocket:closed] {
	xlog("L_INFO", "WebSocket connection from $si:$sp has closed\n");
}
)");
  EXPECT_EQ(outcome.complaints(), "");
  EXPECT_EQ(outcome.program.items.size(), 6u);
  const auto& block = std::get<RouteBlock>(outcome.program.items[4]);
  EXPECT_EQ(test::dump(std::get<If>(block.body[2].node).branches[0].condition), "(($Rp != 80) and ($Rp != 443))");
}

}  // namespace
}  // namespace sipwsd::cfg
