#include "tests/sip/samples.h"

#include <gtest/gtest.h>

namespace sipwsd::sip::test {
namespace {

// The SDP of most RFC 4475 messages: 150 bytes with a nine-digit address.
std::string sdp(std::string_view address, std::string_view time = "0 0") {
  std::string text = "v=0\no=mhandley 29739 7272939 IN IP4 ";
  text.append(address).append("\ns=-\nc=IN IP4 ").append(address);
  text.append("\nt=").append(time).append("\nm=audio 49217 RTP/AVP 0 12\nm=video 3227 RTP/AVP 31\na=rtpmap:31 LPC\n");
  return text;
}

std::string from_hex(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(std::string{digits.substr(i, 2)}, nullptr, 16)));
  return bytes;
}

Sample accepted(std::string section, std::string_view text) {
  return {std::move(section), wire(text), Verdict::accepted, 0};
}
Sample refused(std::string section, int status, std::string_view text) {
  return {std::move(section), wire(text), Verdict::refused, status};
}
Sample dropped(std::string section, std::string_view text) {
  return {std::move(section), wire(text), Verdict::dropped, 0};
}

using namespace std::string_literals;

std::vector<Sample> make_rfc4475() {
  std::vector<Sample> samples;
  samples.push_back(accepted("3.1.1.1 wsinv", R"sip(INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 150
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \"\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.3
s=-
c=IN IP4 192.0.2.4
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
)sip"));

  samples.push_back(accepted(
      "3.1.1.2 intmeth",
      "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
      ":&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\n"
      "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\n"
      "To: \"BEL:\\\x07 NUL:\\\0 DEL:\\\x7F\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\n"
      "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="
      "\"\xD1\x80\xD0\xB0\xD0\xB1\xD0\xBE\xD1\x82\xD0\xB0\xD1\x8E\xD1\x89\xD0\xB8\xD0\xB9\";tag=_token~1'+`*%!-.\n"
      "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\n"
      "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\n"
      "Max-Forwards: 255\n"
      "extensionHeader-!.%*+_`'~:\xEF\xBB\xBF\xE5\xA4\xA7\xE5\x81\x9C\xE9\x9B\xBB\n"
      "Content-Length: 0\n\n"s));

  samples.push_back(accepted("3.1.1.3 esc01", R"sip(INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0
To: sip:%75se%72@example.com
From: <sip:I%20have%20spaces@example.net>;tag=938
Max-Forwards: 87
i: esc01.239409asdfakjkn23onasd0-3234
CSeq: 234234 INVITE
Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw
C: application/sdp
Contact:
  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>
Content-Length: 150

)sip" + sdp("192.0.2.1")));

  samples.push_back(accepted("3.1.1.4 escnull", R"sip(REGISTER sip:example.com SIP/2.0
To: sip:null-%00-null@example.com
From: sip:null-%00-null@example.com;tag=839923423
Max-Forwards: 70
Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw
Contact: <sip:%00@host5.example.com>
Contact: <sip:%00%00@host5.example.com>
L:0

)sip"));

  samples.push_back(accepted("3.1.1.5 esc02", R"sip(RE%47IST%45R sip:registrar.example.com SIP/2.0
To: "%Z%45" <sip:resource@example.com>
From: "%Z%45" <sip:resource@example.com>;tag=f232jadfj23
Call-ID: esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf
Via: SIP/2.0/TCP host.example.com;branch=z9hG4bK209%fzsnel234
CSeq: 29344 RE%47IST%45R
Max-Forwards: 70
Contact: <sip:alias1@host1.example.com>
C%6Fntact: <sip:alias2@host2.example.com>
Contact: <sip:alias3@host3.example.com>
l: 0

)sip"));

  samples.push_back(accepted("3.1.1.6 lwsdisp", R"sip(OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: caller<sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: lwsdisp.1234abcd@funky.example.com
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw
l: 0

)sip"));

  std::string vias;
  const char* const via_names[] = {"Via:", "v:",   "V:",    "Via:",  "ViA:",  "VIa:",  "VIA:",   "via:",   "viA:",
                                   "vIa:", "vIA:", "V : ", "v : ", "V  :", "v  :", "Via :", "Via  :"};
  for (int i = 33; i > 0; --i) {
    const int at = 33 - i;
    vias += std::string(at < 17 ? via_names[at] : "Via:") + " SIP/2.0/TCP sip" + std::to_string(i) + ".example.com\n";
  }
  samples.push_back(accepted(
      "3.1.1.7 longreq",
      "INVITE sip:user@example.com SIP/2.0\n"
      "To: \"I have a user name of " +
          repeat("extreme", 10) + " proportion\"<sip:user@example.com:6000;unknownparam1=very" + repeat("long", 20) +
          "value;longparam" + repeat("name", 25) + "=shortvalue;very" + repeat("long", 25) +
          "ParameterNameWithNoValue>\n"
          "F: sip:" +
          repeat("amazinglylongcallername", 5) + "@example.net;tag=12" + repeat("982", 50) + "424;unknownheaderparam" +
          repeat("name", 20) + "=unknowheaderparam" + repeat("value", 15) + ";unknownValueless" +
          repeat("paramname", 10) +
          "\n"
          "Call-ID: longreq.one" +
          repeat("really", 20) +
          "longcallid\n"
          "CSeq: 3882340 INVITE\n"
          "Unknown-" +
          repeat("Long", 20) + "-Name: unknown-" + repeat("long", 20) + "-value; unknown-" + repeat("long", 20) +
          "-parameter-name = unknown-" + repeat("long", 20) + "-parameter-value\n" + vias +
          "Via: SIP/2.0/TCP host.example.com;received=192.0.2.5;branch=very" + repeat("long", 50) +
          "branchvalue\n"
          "Max-Forwards: 70\n"
          "Contact: <sip:" +
          repeat("amazinglylongcallername", 5) +
          "@host5.example.net>\n"
          "Content-Type: application/sdp\n"
          "l: 150\n\n" +
          sdp("192.0.2.1")));

  samples.push_back(accepted("3.1.1.8 dblreq", R"sip(REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=43251j3j324
Max-Forwards: 8
I: dblreq.0ha0isndaksdj99sdfafnl3lk233412
Contact: sip:j.user@host.example.com
CSeq: 8 REGISTER
Via: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKkdjuw23492
Content-Length: 0


INVITE sip:joe@example.com SIP/2.0
t: sip:joe@example.com
From: sip:caller@example.net;tag=141334
Max-Forwards: 8
Call-ID: dblreq.0ha0isnda977644900765@192.0.2.15
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw380234
Content-Type: application/sdp
Content-Length: 150

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.15
s=-
c=IN IP4 192.0.2.15
t=0 0
m=audio 49217 RTP/AVP 0 12
m =video 3227 RTP/AVP 31
a=rtpmap:31 LPC
)sip"));

  samples.push_back(accepted("3.1.1.9 semiuri", R"sip(OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Call-ID: semiuri.0ha0isndaksdj
CSeq: 8 OPTIONS
Accept: application/sdp, application/pkcs7-mime,
        multipart/mixed, multipart/signed,
        message/sip, message/sipfrag
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw
l: 0

)sip"));

  samples.push_back(accepted("3.1.1.10 transports", R"sip(OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: <sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID:  transports.kijh4akdnaqjkwendsasfdj
Accept: application/sdp
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw
Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf
Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj
Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en
Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee
l: 0

)sip"));

  const std::string signature = from_hex(
      "3082015206092A864886F70D010702A08201433082013F0201013109300706052B0E03021A300B06092A864886F70D010701318201203082"
      "011C020101307C3070310B3009060355040613025553311330110603550408130A43616C69666F726E69613111300F060355040713085361"
      "6E204A6F7365310E300C060355040A1305736970697431293027060355040B1320536970697420546573742043657274696669636174652041"
      "7574686F7269747902080195007102330113300706052B0E03021A300D06092A864886F70D01010105000481808EF466F948F0522DD2E597"
      "8E9D95AAE9F2FE15A06659716292E8DA2AA8D8350A68CEFFAE3CBD2BFF1675DDD5648E593DD64728F26220F7E941749E330D9A15EDABDB93"
      "D10C42102E7B7289D29CC0C9AE2EFBC7C0CFF9172F3B027E4FC027E1546DE4B6AA3ABB3E66CCCB5DD6C64B8383149CB8E6FF182D944FE57B"
      "65BC99D005");
  const std::string multipart =
      wire(
          "--7a9cbec02ceef655\nContent-Type: text/plain\nContent-Transfer-Encoding: binary\n\nHello\n"
          "--7a9cbec02ceef655\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: binary\n\n") +
      signature + wire("\n--7a9cbec02ceef655--\n");
  samples.push_back({"3.1.1.11 mpart01",
                     wire("MESSAGE sip:kumiko@example.org SIP/2.0\n"
                          "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-;rport\n"
                          "Max-Forwards: 70\n"
                          "Route: <sip:127.0.0.1:5080>\n"
                          "Identity: r5mwreLuyDRYBi/0TiPwEsY3rEVsk/G2WxhgTV1PF7hHuLIK0YWVKZhKv9Mj8UeXqkMVbnVq37CD+813gv"
                          "YjcBUaZngQmXc9WNZSDNGCzA+fWl9MEUHWIZo1CeJebdY/XlgKeTa0Olvq0rt70Q5jiSfbqMJmQFteeivUhkMWYUA=\n"
                          "Contact: <sip:fluffy@127.0.0.1:5070>\n"
                          "To: <sip:kumiko@example.org>\n"
                          "From: <sip:fluffy@example.com>;tag=2fb0dcc9\n"
                          "Call-ID: 3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..\n"
                          "CSeq: 1 MESSAGE\n"
                          "Content-Transfer-Encoding: binary\n"
                          "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655\n"
                          "Date: Sat, 15 Oct 2005 04:44:56 GMT\n"
                          "User-Agent: SIPimp.org/0.2.5 (curses)\n"
                          "Content-Length: 553\n\n") +
                         multipart,
                     Verdict::accepted, 0});

  samples.push_back(accepted(
      "3.1.1.12 unreason",
      "SIP/2.0 200 = 2**3 * 5**2 "
      "\xD0\xBD\xD0\xBE\x20\xD1\x81\xD1\x82\xD0\xBE\x20\xD0\xB4\xD0\xB5\xD0\xB2\xD1\x8F\xD0\xBD\xD0\xBE\xD1\x81\xD1\x82"
      "\xD0\xBE\x20\xD0\xB4\xD0\xB5\xD0\xB2\xD1\x8F\xD1\x82\xD1\x8C\x20\x2D\x20\xD0\xBF\xD1\x80\xD0\xBE\xD1\x81\xD1\x82"
      "\xD0\xBE\xD0\xB5\n"
      "Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\n"
      "Call-ID: unreason.1234ksdfak3j2erwedfsASdf\n"
      "CSeq: 35 INVITE\n"
      "From: sip:user@example.com;tag=11141343\n"
      "To: sip:user@example.edu;tag=2229\n"
      "Content-Length: 154\n"
      "Content-Type: application/sdp\n"
      "Contact: <sip:user@host198.example.com>\n\n" +
          sdp("192.0.2.198")));

  samples.push_back(accepted("3.1.1.13 noreason",
                             "SIP/2.0 100 \n"
                             R"sip(Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: noreason.asndj203insdf99223ndf
CSeq: 35 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

)sip"));

  samples.push_back(refused("3.1.2.1 badinv01", 400, R"sip(INVITE sip:user@example.com SIP/2.0
To: sip:j.user@example.com
From: sip:caller@example.net;tag=134161461246
Max-Forwards: 7
Call-ID: badinv01.0ha0isndaksdjasdf3234nas
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.15;;,;,,
Contact: "Joe" <sip:joe@example.org>;;;;
Content-Length: 152
Content-Type: application/sdp

)sip" + sdp("192.0.2.15")));

  samples.push_back(refused("3.1.2.2 clerr", 400, R"sip(INVITE sip:user@example.com SIP/2.0
Max-Forwards: 80
To: sip:j.user@example.com
From: sip:caller@example.net;tag=93942939o2
Contact: <sip:caller@hungry.example.net>
Call-ID: clerr.0ha0isndaksdjweiafasdk3
CSeq: 8 INVITE
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bK-39234-23523
Content-Type: application/sdp
Content-Length: 9999

)sip" + sdp("192.0.2.155")));

  samples.push_back(refused("3.1.2.3 ncl", 400, R"sip(INVITE sip:user@example.com SIP/2.0
Max-Forwards: 254
To: sip:j.user@example.com
From: sip:caller@example.net;tag=32394234
Call-ID: ncl.0ha0isndaksdj2193423r542w35
CSeq: 0 INVITE
Via: SIP/2.0/UDP 192.0.2.53;branch=z9hG4bKkdjuw
Contact: <sip:caller@example53.example.net>
Content-Type: application/sdp
Content-Length: -999

)sip" + sdp("192.0.2.53")));

  samples.push_back(refused("3.1.2.4 scalar02", 400, R"sip(REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bK342sdfoi3
To: <sip:user@example.com>
From: <sip:user@example.com>;tag=239232jh3
CSeq: 36893488147419103232 REGISTER
Call-ID: scalar02.23o0pd9vanlq3wnrlnewofjas9ui32
Max-Forwards: 300
Expires: 1)sip" + repeat("0", 100) + R"sip(
Contact: <sip:user@host129.example.com>
  ;expires=280297596632815
Content-Length: 0

)sip"));

  samples.push_back(dropped("3.1.2.5 scalarlg", R"sip(SIP/2.0 503 Service Unavailable
Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bKzzxdiwo34sw;received=192.0.2.129
To: <sip:user@example.com>
From: <sip:other@example.net>;tag=2easdjfejw
CSeq: 9292394834772304023312 OPTIONS
Call-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r
Retry-After: 949302838503028349304023988
Warning: 1812 overture "In Progress"
Content-Length: 0

)sip"));

  samples.push_back(refused("3.1.2.6 quotbal", 400, R"sip(INVITE sip:user@example.com SIP/2.0
To: "Mr. J. User <sip:j.user@example.com>
From: sip:caller@example.net;tag=93334
Max-Forwards: 10
Call-ID: quotbal.aksdj
Contact: <sip:caller@host59.example.net>
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.59:5050;branch=z9hG4bKkdjuw39234
Content-Type: application/sdp
Content-Length: 152

)sip" + sdp("192.0.2.15")));

  samples.push_back(refused("3.1.2.7 ltgtruri", 400, R"sip(INVITE <sip:user@example.com> SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=39291
Max-Forwards: 23
Call-ID: ltgtruri.1@192.0.2.5
CSeq: 1 INVITE
Via: SIP/2.0/UDP 192.0.2.5
Contact: <sip:caller@host5.example.net>
Content-Type: application/sdp
Content-Length: 159

)sip" + sdp("192.0.2.5", "3149328700 0")));

  samples.push_back(refused("3.1.2.8 lwsruri", 400, R"sip(INVITE sip:user@example.com; lr SIP/2.0
To: sip:user@example.com;tag=3xfe-9921883-z9f
From: sip:caller@example.net;tag=231413434
Max-Forwards: 5
Call-ID: lwsruri.asdfasdoeoi2323-asdfwrn23-asd834rk423
CSeq: 2130706432 INVITE
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKkdjuw2395
Contact: <sip:caller@host1.example.net>
Content-Type: application/sdp
Content-Length: 159

)sip" + sdp("192.0.2.1", "3149328700 0")));

  samples.push_back(refused("3.1.2.9 lwsstart", 400, R"sip(INVITE  sip:user@example.com  SIP/2.0
Max-Forwards: 8
To: sip:user@example.com
From: sip:caller@example.net;tag=8814
Call-ID: lwsstart.dfknq234oi243099adsdfnawe3@example.com
CSeq: 1893884 INVITE
Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw3923
Contact: <sip:caller@host1.example.net>
Content-Type: application/sdp
Content-Length: 150

)sip" + sdp("192.0.2.1")));

  samples.push_back(refused("3.1.2.10 trws", 400,
                            "OPTIONS sip:remote-target@example.com SIP/2.0  \n"
                            R"sip(Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK299342093
To: <sip:remote-target@example.com>
From: <sip:local-resource@example.com>;tag=329429089
Call-ID: trws.oicu34958239neffasdhr2345r
Accept: application/sdp
CSeq: 238923 OPTIONS
Max-Forwards: 70
Content-Length: 0

)sip"));

  samples.push_back(
      refused("3.1.2.11 escruri", 400, R"sip(INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=341518
Max-Forwards: 7
Contact: <sip:caller@host39923.example.net>
Call-ID: escruri.23940-asdfhj-aje3br-234q098w-fawerh2q-h4n5
CSeq: 149209342 INVITE
Via: SIP/2.0/UDP host-of-the-hour.example.com;branch=z9hG4bKkdjuw
Content-Type: application/sdp
Content-Length: 150

)sip" + sdp("192.0.2.1")));

  // A proxy has no use for the Date, so its zone is nobody's business here.
  samples.push_back(accepted("3.1.2.12 baddate", R"sip(INVITE sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=2234923
Max-Forwards: 70
Call-ID: baddate.239423mnsadf3j23lj42--sedfnm234
CSeq: 1392934 INVITE
Via: SIP/2.0/UDP host.example.com;branch=z9hG4bKkdjuw
Date: Fri, 01 Jan 2010 16:00:00 EST
Contact: <sip:caller@host5.example.net>
Content-Type: application/sdp
Content-Length: 150

)sip" + sdp("192.0.2.5")));

  samples.push_back(refused("3.1.2.13 regbadct", 400, R"sip(REGISTER sip:example.com SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=998332
Max-Forwards: 70
Call-ID: regbadct.k345asrl3fdbv@10.0.0.1
CSeq: 1 REGISTER
Via: SIP/2.0/UDP 135.180.130.133:5060;branch=z9hG4bKkdjuw
Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E
l: 0

)sip"));

  samples.push_back(refused("3.1.2.14 badaspec", 400, R"sip(OPTIONS sip:user@example.org SIP/2.0
Via: SIP/2.0/UDP host4.example.com:5060;branch=z9hG4bKkdju43234
Max-Forwards: 70
From: "Bell, Alexander" <sip:a.g.bell@example.com>;tag=433423
To: "Watson, Thomas" < sip:t.watson@example.org >
Call-ID: badaspec.sdf0234n2nds0a099u23h3hnnw009cdkne3
Accept: application/sdp
CSeq: 3923239 OPTIONS
l: 0

)sip"));

  samples.push_back(refused("3.1.2.15 baddn", 400, R"sip(OPTIONS sip:t.watson@example.org SIP/2.0
Via:     SIP/2.0/UDP c.example.com:5060;branch=z9hG4bKkdjuw
Max-Forwards:      70
From:    Bell, Alexander <sip:a.g.bell@example.com>;tag=43
To:      Watson, Thomas <sip:t.watson@example.org>
Call-ID: baddn.31415@c.example.com
Accept: application/sdp
CSeq:    3923239 OPTIONS
l: 0

)sip"));

  samples.push_back(refused("3.1.2.16 badvers", 505, R"sip(OPTIONS sip:t.watson@example.org SIP/7.0
Via:     SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw
Max-Forwards:     70
From:    A. Bell <sip:a.g.bell@example.com>;tag=qweoiqpe
To:      T. Watson <sip:t.watson@example.org>
Call-ID: badvers.31417@c.example.com
CSeq:    1 OPTIONS
l: 0

)sip"));

  samples.push_back(refused("3.1.2.17 mismatch01", 400, R"sip(OPTIONS sip:user@example.com SIP/2.0
To: sip:j.user@example.com
From: sip:caller@example.net;tag=34525
Max-Forwards: 6
Call-ID: mismatch01.dj0234sxdfl3
CSeq: 8 INVITE
Via: SIP/2.0/UDP host.example.com;branch=z9hG4bKkdjuw
l: 0

)sip"));

  samples.push_back(refused("3.1.2.18 mismatch02", 501, R"sip(NEWMETHOD sip:user@example.com SIP/2.0
To: sip:j.user@example.com
From: sip:caller@example.net;tag=34525
Max-Forwards: 6
Call-ID: mismatch02.dj0234sxdfl3
CSeq: 8 INVITE
Contact: <sip:caller@host.example.net>
Via: SIP/2.0/UDP host.example.net;branch=z9hG4bKkdjuw
Content-Type: application/sdp
l: 138

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.1
c=IN IP4 192.0.2.1
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
)sip"));

  samples.push_back(dropped("3.1.2.19 bigcode", R"sip(SIP/2.0 4294967301 better not break the receiver
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i
CSeq: 353494 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

)sip"));

  // No identifier behind the cookie: the transaction layer falls back to RFC 2543 matching (has_magic_branch is false).
  samples.push_back(accepted("3.2.1 badbranch", R"sip(OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK
Accept: application/sdp
Call-ID: badbranch.sadonfo23i420jv0as0derf3j3n
CSeq: 8 OPTIONS
l: 0

)sip"));

  samples.push_back(refused("3.3.1 insuf", 400, R"sip(INVITE sip:user@example.com SIP/2.0
CSeq: 193942 INVITE
Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf
Content-Type: application/sdp
l: 152

)sip" + sdp("192.0.2.95")));

  samples.push_back(refused("3.3.2 unkscm", 416, R"sip(OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=384
Max-Forwards: 3
Call-ID: unkscm.nasdfasser0q239nwsdfasdkl34
CSeq: 3923423 OPTIONS
Via: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234
Content-Length: 0

)sip"));

  samples.push_back(refused("3.3.3 novelsc", 416, R"sip(OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=384
Max-Forwards: 3
Call-ID: novelsc.asdfasser0q239nwsdfasdkl34
CSeq: 3923423 OPTIONS
Via: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234
Content-Length: 0

)sip"));

  samples.push_back(accepted("3.3.4 unksm2", R"sip(REGISTER sip:example.com SIP/2.0
To: isbn:2983792873
From: <http://www.example.com>;tag=3234233
Call-ID: unksm2.daksdj@hyphenated-host.example.com
CSeq: 234902 REGISTER
Max-Forwards: 70
Via: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKkdjuw
Contact: <name:John_Smith>
l: 0

)sip"));

  samples.push_back(accepted("3.3.5 bext01", R"sip(OPTIONS sip:user@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.net;tag=242etr
Max-Forwards: 6
Call-ID: bext01.0ha0isndaksdj
Require: nothingSupportsThis, nothingSupportsThisEither
Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis
CSeq: 8 OPTIONS
Via: SIP/2.0/TLS fold-and-staple.example.com;branch=z9hG4bKkdjuw
Content-Length: 0

)sip"));

  samples.push_back(accepted("3.3.6 invut", R"sip(INVITE sip:user@example.com SIP/2.0
Contact: <sip:caller@host5.example.net>
To: sip:j.user@example.com
From: sip:caller@example.net;tag=8392034
Max-Forwards: 70
Call-ID: invut.0ha0isndaksdjadsfij34n23d
CSeq: 235448 INVITE
Via: SIP/2.0/UDP somehost.example.com;branch=z9hG4bKkdjuw
Content-Type: application/unknownformat
Content-Length: 40

<audio>
 <pcmu port="443"/>
</audio>
)sip"));

  samples.push_back(accepted("3.3.7 regaut01", R"sip(REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=87321hj23128
Max-Forwards: 8
Call-ID: regaut01.0ha0isndaksdj
CSeq: 9338 REGISTER
Via: SIP/2.0/TCP 192.0.2.253;branch=z9hG4bKkdjuw
Authorization: NoOneKnowsThisScheme opaque-data=here
Content-Length:0

)sip"));

  samples.push_back(refused("3.3.8 multi01", 400, R"sip(INVITE sip:user@company.com SIP/2.0
Contact: <sip:caller@host25.example.net>
Via: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKkdjuw
Max-Forwards: 70
CSeq: 5 INVITE
Call-ID: multi01.98asdh@192.0.2.1
CSeq: 59 INVITE
Call-ID: multi01.98asdh@192.0.2.2
From: sip:caller@example.com;tag=3413415
To: sip:user@example.com
To: sip:other@example.net
From: sip:caller@example.net;tag=2923420123
Content-Type: application/sdp
l: 154
Contact: <sip:caller@host36.example.net>
Max-Forwards: 5

)sip" + sdp("192.0.2.25") + "\n"));

  samples.push_back(refused("3.3.9 mcl01", 400, R"sip(OPTIONS sip:user@example.com SIP/2.0
Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bK293423
To: sip:user@example.com
From: sip:other@example.net;tag=3923942
Call-ID: mcl01.fhn2323orihawfdoa3o4r52o3irsdf
CSeq: 15932 OPTIONS
Content-Length: 13
Max-Forwards: 60
Content-Length: 5
Content-Type: text/plain

There's no way to know how many octets are supposed to be here.
)sip"));

  samples.push_back(dropped("3.3.10 bcast", R"sip(SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23
Call-ID: bcast.0384840201234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: 154
Content-Type: application/sdp
Contact: <sip:user@host28.example.com>

)sip" + sdp("192.0.2.198")));

  // Well-formed; 483 is the answer of whoever would forward it.
  samples.push_back(accepted("3.3.11 zeromf", R"sip(OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:caller@example.net;tag=3ghsd41
Call-ID: zeromf.jfasdlfnm2o2l43r5u0asdfas
CSeq: 39234321 OPTIONS
Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw2349i
Max-Forwards: 0
Content-Length: 0

)sip"));

  samples.push_back(accepted("3.3.12 cparam01", R"sip(REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw
Max-Forwards: 70
From: sip:watson@example.com;tag=DkfVgjkrtMwaerKKpe
To: sip:watson@example.com
Call-ID: cparam01.70710@saturn.example.com
CSeq: 2 REGISTER
Contact: sip:+19725552222@gw1.example.net;unknownparam
l: 0

)sip"));

  samples.push_back(accepted("3.3.13 cparam02", R"sip(REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw
Max-Forwards: 70
From: sip:watson@example.com;tag=838293
To: sip:watson@example.com
Call-ID: cparam02.70710@saturn.example.com
CSeq: 3 REGISTER
Contact: <sip:+19725552222@gw1.example.net;unknownparam>
l: 0

)sip"));

  samples.push_back(accepted("3.3.14 regescrt", R"sip(REGISTER sip:example.com SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=8
Max-Forwards: 70
Call-ID: regescrt.k345asrl3fdbv@192.0.2.1
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw
M: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>
L:0

)sip"));

  samples.push_back(accepted("3.3.15 sdp01", R"sip(INVITE sip:user@example.com SIP/2.0
To: sip:j_user@example.com
Contact: <sip:caller@host15.example.net>
From: sip:caller@example.net;tag=234
Max-Forwards: 5
Call-ID: sdp01.ndaksdj9342dasdd
Accept: text/nobodyKnowsThis
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw
Content-Length: 150
Content-Type: application/sdp

)sip" + sdp("192.0.2.5")));

  samples.push_back(accepted("3.4.1 inv2543", R"sip(INVITE sip:UserB@example.com SIP/2.0
Via: SIP/2.0/UDP iftgw.example.com
From: <sip:+13035551111@ift.client.example.net;user=phone>
Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>
To: sip:+16505552222@ss1.example.net;user=phone
Call-ID: inv2543.1717@ift.client.example.com
CSeq: 56 INVITE
Content-Type: application/sdp

v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.5
s=-
c=IN IP4 192.0.2.5
t=0 0
m=audio 49217 RTP/AVP 0
)sip"));
  return samples;
}

std::string register_v6(std::string_view uri, std::string_view via, std::string_view contact) {
  std::string text = "REGISTER ";
  text.append(uri).append(" SIP/2.0\nTo: sip:user@example.com\nFrom: sip:user@example.com;tag=81x2\nVia: ");
  text.append(via).append("\nCall-ID: SSG9559905523997077@hlau_4100\nMax-Forwards: 70\nContact: ").append(contact);
  text.append("\nCSeq: 98176 REGISTER\nContent-Length: 0\n\n");
  return text;
}

std::vector<Sample> make_rfc5118() {
  constexpr std::string_view via = "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111";
  constexpr std::string_view contact = "\"Caller\" <sip:caller@[2001:db8::1]>";
  std::vector<Sample> samples;
  samples.push_back(accepted("4.1 ipv6-good", register_v6("sip:[2001:db8::10]", via, contact)));
  samples.push_back(refused("4.2 ipv6-bad", 400, register_v6("sip:2001:db8::10", via, contact)));
  samples.push_back(accepted("4.3 port-ambiguous", register_v6("sip:[2001:db8::10:5070]", via, contact)));
  samples.push_back(accepted("4.4 port-unambiguous", register_v6("sip:[2001:db8::10]:5070", via, contact)));
  samples.push_back(accepted("4.5 via-received-param-with-delim", R"sip(BYE sip:[2001:db8::10] SIP/2.0
To: sip:user@example.com;tag=bd76ya
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
CSeq: 321 BYE
Content-Length: 0

)sip"));
  samples.push_back(accepted("4.5 via-received-param-no-delim", R"sip(OPTIONS sip:[2001:db8::10] SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3
Call-ID: SSG95523997077@hlau_4100
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::9:1]>
CSeq: 921 OPTIONS
Content-Length: 0

)sip"));
  const std::string in_sdp = wire(R"sip(v=0
o=assistant 971731711378798081 0 IN IP6 2001:db8::20
s=Live video feed for today's meeting
c=IN IP6 2001:db8::20
t=3338481189 3370017201
m=audio 6000 RTP/AVP 2
a=rtpmap:2 G726-32/8000
m=video 6024 RTP/AVP 107
a=rtpmap:107 H263-1998/90000
)sip");
  samples.push_back({"4.6 ipv6-in-sdp", wire(R"sip(INVITE sip:user@[2001:db8::10] SIP/2.0
To: sip:user@[2001:db8::10]
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::20];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "Caller" <sip:caller@[2001:db8::20]>
CSeq: 8612 INVITE
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: )sip" + std::to_string(in_sdp.size()) + "\n\n") + in_sdp,
                     Verdict::accepted, 0});
  samples.push_back(accepted("4.7 mult-ip-in-header", R"sip(BYE sip:user@host.example.net SIP/2.0
Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144
Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200
Call-ID: 997077@lau_4100
Max-Forwards: 70
CSeq: 89187 BYE
To: sip:user@example.net;tag=9817--94
From: sip:user@example.com;tag=81x2
Content-Length: 0

)sip"));
  const std::string two_families = wire(R"sip(v=0
o=bob 280744730 28977631 IN IP4 host.example.com
s=
t=0 0
m=audio 22334 RTP/AVP 0
c=IN IP4 192.0.2.1
m=video 6024 RTP/AVP 107
c=IN IP6 2001:db8::1
a=rtpmap:107 H263-1998/90000
)sip");
  samples.push_back({"4.8 mult-ip-in-sdp", wire(R"sip(INVITE sip:user@[2001:db8::10] SIP/2.0
To: sip:user@[2001:db8::10]
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "Caller" <sip:caller@[2001:db8::9:1]>
Max-Forwards: 70
CSeq: 8912 INVITE
Content-Type: application/sdp
Content-Length: )sip" + std::to_string(two_families.size()) + "\n\n") + two_families,
                     Verdict::accepted, 0});
  const std::string mapped = wire(R"sip(v=0
o=bob 280744730 28977631 IN IP6 ::ffff:192.0.2.2
s=
t=0 0
m=audio 22334 RTP/AVP 0
c=IN IP6 ::ffff:192.0.2.2
)sip");
  samples.push_back({"4.9 ipv4-mapped-ipv6", wire(R"sip(INVITE sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:user@east.example.com;tag=81x2
Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19
Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "T. desk phone" <sip:ted@[::ffff:192.0.2.2]>
CSeq: 612 INVITE
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: )sip" + std::to_string(mapped.size()) + "\n\n") + mapped,
                     Verdict::accepted, 0});
  for (const auto& [section, host] : {std::pair{"4.10 ipv6-bug-abnf-3-colons", "[2001:db8:::192.0.2.1]"},
                                      std::pair{"4.10 ipv6-correct-abnf-2-colons", "[2001:db8::192.0.2.1]"}}) {
    const std::string uri = std::string{"sip:user@"} + host;
    samples.push_back(accepted(section, "OPTIONS " + uri + " SIP/2.0\nTo: " + uri + R"sip(
From: sip:user@example.com;tag=810x2
Via: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111
Call-ID: G9559905523997077@hlau_4100
CSeq: 689 OPTIONS
Max-Forwards: 70
Content-Length: 0

)sip"));
  }
  return samples;
}

std::vector<Sample> make_browsers() {
  std::vector<Sample> samples;
  samples.push_back(accepted("JsSIP REGISTER", R"sip(REGISTER sip:example.org SIP/2.0
Via: SIP/2.0/WSS m04q3g9u2i5k.invalid;branch=z9hG4bK4706420
Max-Forwards: 69
To: <sip:alice@example.org>
From: "Alice" <sip:alice@example.org>;tag=3k2bq0kcs1
Call-ID: 8ufso5rfgp7q3s2nfkj0d4
CSeq: 1 REGISTER
Contact: <sip:7fmn2bkj@m04q3g9u2i5k.invalid;transport=ws>;+sip.ice;reg-id=1;+sip.instance="<urn:uuid:e1bd9f3a-8e5c-4a27-b03c-0c0f4f9ac4ad>";expires=600
Expires: 600
Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY
Supported: path,gruu,outbound
User-Agent: JsSIP 3.13.8
Content-Length: 0

)sip"));
  samples.push_back(accepted("JsSIP INVITE", R"sip(INVITE sip:bob@example.org SIP/2.0
Via: SIP/2.0/WSS m04q3g9u2i5k.invalid;branch=z9hG4bK3128173
Max-Forwards: 69
To: <sip:bob@example.org>
From: "Alice" <sip:alice@example.org>;tag=0b4m5g0m5f
Call-ID: 8ufso5rfgp7q3s2n4jk1
CSeq: 4321 INVITE
Contact: <sip:7fmn2bkj@m04q3g9u2i5k.invalid;transport=ws;ob>
Content-Type: application/sdp
Session-Expires: 90
Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY
Supported: timer,ice,replaces,outbound
User-Agent: JsSIP 3.13.8
Content-Length: 139

v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=rtpmap:111 opus/48000/2
)sip"));
  samples.push_back(accepted("SIP.js REGISTER", R"sip(REGISTER sip:127.0.0.1 SIP/2.0
Via: SIP/2.0/WS qls1fs7ghqkr.invalid;branch=z9hG4bK2049382
To: <sip:bob@127.0.0.1>
From: <sip:bob@127.0.0.1>;tag=0s3p9ut8ua
CSeq: 2 REGISTER
Call-ID: 5qp4dnmlk5rjs1u5gq3tl1
Max-Forwards: 70
Contact: <sip:ssjh4hrq@qls1fs7ghqkr.invalid;transport=ws>;expires=600
Expires: 600
Supported: outbound, path, gruu
User-Agent: SIP.js/0.21.1
Content-Length: 0

)sip"));
  samples.push_back(accepted("200 OK of REGISTER", R"sip(SIP/2.0 200 OK
Via: SIP/2.0/WSS m04q3g9u2i5k.invalid;branch=z9hG4bK4706420;received=192.0.2.7
To: <sip:alice@example.org>;tag=a6a1c5f60faecf035a1ae5b6e96e979a-0a5b
From: "Alice" <sip:alice@example.org>;tag=3k2bq0kcs1
Call-ID: 8ufso5rfgp7q3s2nfkj0d4
CSeq: 1 REGISTER
Contact: <sip:7fmn2bkj@m04q3g9u2i5k.invalid;transport=ws>;expires=600;+sip.instance="<urn:uuid:e1bd9f3a-8e5c-4a27-b03c-0c0f4f9ac4ad>";reg-id=1, <sip:other@198.51.100.3:5062>;expires=12
Supported: outbound, path
Content-Length: 0

)sip"));
  return samples;
}

}  // namespace

std::string wire(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() + 64);
  for (const char c : text) {
    if (c == '\n') bytes.push_back('\r');
    bytes.push_back(c);
  }
  return bytes;
}

std::string repeat(std::string_view text, int count) {
  std::string repeated;
  for (int i = 0; i < count; ++i) repeated.append(text);
  return repeated;
}

const std::vector<Sample>& rfc4475() {
  static const std::vector<Sample> samples = make_rfc4475();
  return samples;
}
const std::vector<Sample>& rfc5118() {
  static const std::vector<Sample> samples = make_rfc5118();
  return samples;
}
const std::vector<Sample>& browsers() {
  static const std::vector<Sample> samples = make_browsers();
  return samples;
}

std::vector<Sample> all_samples() {
  std::vector<Sample> all = rfc4475();
  all.insert(all.end(), rfc5118().begin(), rfc5118().end());
  all.insert(all.end(), browsers().begin(), browsers().end());
  return all;
}

const Sample& sample(std::string_view section) {
  for (const auto* samples : {&rfc4475(), &rfc5118(), &browsers()})
    for (const Sample& one : *samples)
      if (one.section.find(section) != std::string::npos) return one;
  ADD_FAILURE() << "no sample " << section;
  return rfc4475().front();
}

}  // namespace sipwsd::sip::test
