#include "tests/bench/phone.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iterator>
#include <utility>

#include "src/base/digest.h"
#include "src/base/hex.h"

namespace sipwsd::bench {
namespace {

// Chromium's audio-only offer after ICE gathering has this shape and size (about 1.5 KB); the addresses are from
// RFC 5737. A server leaves it alone, so offer and answer may be the same.
constexpr std::string_view sdp =
    "v=0\r\n"
    "o=- 4611731400430051336 2 IN IP4 127.0.0.1\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=group:BUNDLE 0\r\n"
    "a=extmap-allow-mixed\r\n"
    "a=msid-semantic: WMS 0c8a4f2e-5f0b-4f0c-8f0e-9b1f6f6b3d11\r\n"
    "m=audio 49203 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n"
    "c=IN IP4 192.0.2.17\r\n"
    "a=rtcp:9 IN IP4 0.0.0.0\r\n"
    "a=candidate:1467250027 1 udp 2122260223 192.0.2.17 49203 typ host generation 0 network-id 1 network-cost 10\r\n"
    "a=candidate:435653019 1 tcp 1518280447 192.0.2.17 9 typ host tcptype active generation 0 network-id 1\r\n"
    "a=candidate:842163049 1 udp 1686052607 198.51.100.9 49203 typ srflx raddr 192.0.2.17 rport 49203 generation 0\r\n"
    "a=ice-ufrag:F7gI\r\n"
    "a=ice-pwd:x9cml/YzichV2+XlhiMu8g9b\r\n"
    "a=ice-options:trickle\r\n"
    "a=fingerprint:sha-256 "
    "D1:2C:BE:AD:C4:F6:64:5C:25:16:11:9C:AF:E7:0F:73:79:36:4E:9C:1E:15:54:39:0C:06:8B:ED:96:86:00:39\r\n"
    "a=setup:actpass\r\n"
    "a=mid:0\r\n"
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
    "a=sendrecv\r\n"
    "a=rtcp-mux\r\n"
    "a=rtpmap:111 opus/48000/2\r\n"
    "a=rtcp-fb:111 transport-cc\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
    "a=rtpmap:63 red/48000/2\r\n"
    "a=fmtp:63 111/111\r\n"
    "a=rtpmap:9 G722/8000\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:13 CN/8000\r\n"
    "a=rtpmap:110 telephone-event/48000\r\n"
    "a=rtpmap:126 telephone-event/8000\r\n"
    "a=ssrc:3570614608 cname:4TOk42mSjXCkVIa6\r\n"
    "a=ssrc:3570614608 msid:- 35429d94-5637-4686-9ecd-7d0622261ce8\r\n";

// What a desk phone offers.
constexpr std::string_view short_sdp =
    "v=0\r\no=- 20518 20518 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 49170 RTP/AVP 9 8 0 101\r\n"
    "a=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    "a=fmtp:101 0-15\r\na=sendrecv\r\n";

constexpr std::string_view allow = "INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY";

// Messages are written here and copied once, into the frame.
std::string& scratch() {
  static std::string text;
  text.clear();
  return text;
}

template <typename... Args>
void append(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

}  // namespace

Dialog caller_dialog(const SipMessage& ok) {
  return {.call_id = std::string(ok.call_id),
          .local = std::string(ok.from),
          .remote = std::string(ok.to),
          .target = std::string(uri_of(ok.contact)),
          .routes = reversed_list(ok.record_route)};
}

Dialog callee_dialog(const SipMessage& invite, std::string_view local_tag) {
  return {.call_id = std::string(invite.call_id),
          .local = fmt::format("{};tag={}", invite.to, local_tag),
          .remote = std::string(invite.from),
          .target = std::string(uri_of(invite.contact)),
          .routes = invite.record_route};
}

Phone::Phone(Loop& loop, Owner& owner, std::size_t number, std::string_view name, Via via)
    : loop_(loop), owner_(&owner), number_(number), user_(fmt::format("{}{:05}", name, number)), connection_(loop, *this) {
  const auto random = base::hex(base::sha1(user_));
  const auto part = [&](std::size_t at, std::size_t size) { return std::string_view(random).substr(at, size); };
  host_ = fmt::format("{}.invalid", part(0, 12));
  tag_ = part(12, 10);
  instance_ = fmt::format("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 4), part(12, 3), part(15, 3), part(18, 12));
  contact_uri_ = fmt::format("sip:{}@{};transport=ws", part(22, 8), host_);
  // Of this run: a server that still knows the transactions of an earlier one would call it merged (RFC 3261 8.2.2.2).
  static const auto run = fmt::format("{:x}", ::getpid());
  tag_ += run;
  register_call_id_ = fmt::format("{}{}x{}", part(18, 10), number, run);
  if (via == Via::ws) return;
  datagrams_.emplace(loop, static_cast<DatagramClient::Events&>(*this));
  host_ = fmt::format("127.0.0.1:{}", datagrams_->port());
  contact_uri_ = fmt::format("sip:{}@{}", user_, host_);
}

void Phone::open(const Target& target) {
  if (!is_udp()) return connection_.open(target);
  datagrams_->connect(target.udp_port);
  loop_.after({}, [this] { owner_->on_open(*this); });
}

void Phone::send(std::string_view message) { is_udp() ? datagrams_->send(message) : connection_.send_text(message); }

void Phone::on_text(std::string_view bytes) {
  if (bytes == "\r\n" || bytes == "\r\n\r\n") return;  // RFC 7118 6: a keepalive
  const auto message = parse_sip(bytes);
  if (!message) return owner_->on_garbage(*this, bytes);
  owner_->on_message(*this, *message);
}

bool Phone::is_via(std::string_view value, std::string_view branch) const {
  constexpr std::string_view version = "SIP/2.0/", magic = ";branch=z9hG4bK";
  if (!value.starts_with(version)) return false;
  value.remove_prefix(version.size());
  for (const std::string_view part : {protocol(), std::string_view(" "), std::string_view(host_)}) {
    if (!value.starts_with(part)) return false;
    value.remove_prefix(part.size());
  }
  const auto params = value;
  const auto at = params.find(magic);
  if (!params.starts_with(';') || at == std::string_view::npos) return false;
  const auto found = params.substr(at + magic.size());
  return found.substr(0, found.find(';')) == branch;
}

std::string Phone::from() const { return fmt::format("<sip:{}@{}>;tag={}", user_, served_domain, tag_); }

void Phone::send_register(std::uint32_t cseq, std::string_view branch, std::uint32_t expires,
                          std::string_view authorization) {
  auto& out = scratch();
  append(out,
         "REGISTER sip:{} SIP/2.0\r\nVia: SIP/2.0/{} {};branch=z9hG4bK{}\r\nMax-Forwards: 69\r\n"
         "To: <sip:{}@{}>\r\nFrom: <sip:{}@{}>;tag={}\r\nCall-ID: {}\r\nCSeq: {} REGISTER\r\n"
         "Contact: <{}>;{}+sip.instance=\"<urn:uuid:{}>\";expires={}\r\nExpires: {}\r\nAllow: {}\r\n",
         served_domain, protocol(), host_, branch, user_, served_domain, user_, served_domain, tag_, register_call_id_, cseq,
         contact_uri_, is_udp() ? "" : "+sip.ice;reg-id=1;", instance_, expires, expires, allow);
  if (!authorization.empty()) append(out, "Authorization: {}\r\n", authorization);
  out += "Supported: path,gruu,outbound\r\nUser-Agent: JsSIP 3.10.1\r\nContent-Length: 0\r\n\r\n";
  send(out);
}

void Phone::send_options(std::string_view id, std::string_view branch) {
  auto& out = scratch();
  append(out,
         "OPTIONS sip:{} SIP/2.0\r\nVia: SIP/2.0/{} {};branch=z9hG4bK{}\r\nMax-Forwards: 69\r\nTo: <sip:{}>\r\n"
         "From: <sip:{}@{}>;tag={}\r\nCall-ID: {}\r\nCSeq: 1 OPTIONS\r\nContact: <{}>\r\nAccept: application/sdp\r\n"
         "Supported: outbound\r\nUser-Agent: JsSIP 3.10.1\r\nContent-Length: 0\r\n\r\n",
         served_domain, protocol(), host_, branch, served_domain, user_, served_domain, tag_, id, contact_uri_);
  send(out);
}

void Phone::send_text_message(const Phone& to, std::string_view id, std::string_view branch, std::string_view body) {
  auto& out = scratch();
  append(out,
         "MESSAGE sip:{}@{} SIP/2.0\r\nVia: SIP/2.0/{} {};branch=z9hG4bK{}\r\nMax-Forwards: 69\r\nTo: <sip:{}@{}>\r\n"
         "From: <sip:{}@{}>;tag={}\r\nCall-ID: {}\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n"
         "Supported: outbound\r\nUser-Agent: JsSIP 3.10.1\r\nContent-Length: {}\r\n\r\n{}",
         to.user_, served_domain, protocol(), host_, branch, to.user_, served_domain, user_, served_domain, tag_, id, body.size(),
         body);
  send(out);
}

void Phone::send_invite(const Phone& to, std::string_view id, std::string_view branch) {
  auto& out = scratch();
  const auto offer = to.is_udp() ? short_sdp : sdp;  // whoever calls a desk phone knows what it takes
  append(out,
         "INVITE sip:{}@{} SIP/2.0\r\nVia: SIP/2.0/{} {};branch=z9hG4bK{}\r\nMax-Forwards: 69\r\nTo: <sip:{}@{}>\r\n"
         "From: <sip:{}@{}>;tag={}\r\nCall-ID: {}\r\nCSeq: 1 INVITE\r\nContact: <{};ob>\r\n"
         "Content-Type: application/sdp\r\nAllow: {}\r\nSupported: ice,replaces,outbound\r\n"
         "User-Agent: JsSIP 3.10.1\r\nContent-Length: {}\r\n\r\n{}",
         to.user_, served_domain, protocol(), host_, branch, to.user_, served_domain, user_, served_domain, tag_, id, contact_uri_,
         allow, offer.size(), offer);
  send(out);
}

void Phone::send_cancel(const Phone& to, std::string_view id, std::string_view branch) {
  auto& out = scratch();
  append(out,
         "CANCEL sip:{}@{} SIP/2.0\r\nVia: SIP/2.0/{} {};branch=z9hG4bK{}\r\nMax-Forwards: 69\r\nTo: <sip:{}@{}>\r\n"
         "From: <sip:{}@{}>;tag={}\r\nCall-ID: {}\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n",
         to.user_, served_domain, protocol(), host_, branch, to.user_, served_domain, user_, served_domain, tag_, id);
  send(out);
}

void Phone::send_ack_of_refusal(const Phone& to, const SipMessage& refusal, std::string_view branch) {
  auto& out = scratch();
  append(out,
         "ACK sip:{}@{} SIP/2.0\r\nVia: SIP/2.0/{} {};branch=z9hG4bK{}\r\nMax-Forwards: 69\r\nTo: {}\r\n"
         "From: {}\r\nCall-ID: {}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
         to.user_, served_domain, protocol(), host_, branch, refusal.to, refusal.from, refusal.call_id);
  send(out);
}

void Phone::send_in_dialog(const Dialog& dialog, std::string_view method, std::uint32_t cseq, std::string_view branch) {
  auto& out = scratch();
  append(out, "{} {} SIP/2.0\r\n", method, dialog.target);
  if (!dialog.routes.empty()) append(out, "Route: {}\r\n", dialog.routes);
  append(out,
         "Via: SIP/2.0/{} {};branch=z9hG4bK{}\r\nMax-Forwards: 69\r\nTo: {}\r\nFrom: {}\r\nCall-ID: {}\r\n"
         "CSeq: {} {}\r\nSupported: outbound\r\nUser-Agent: JsSIP 3.10.1\r\nContent-Length: 0\r\n\r\n",
         protocol(), host_, branch, dialog.remote, dialog.local, dialog.call_id, cseq, method);
  send(out);
}

void Phone::send_response(const SipMessage& request, int status, std::string_view reason, std::string_view to_tag,
                          Body body) {
  auto& out = scratch();
  const auto answer = is_udp() ? short_sdp : sdp;
  append(out, "SIP/2.0 {} {}\r\n", status, reason);
  for (std::size_t i = 0; i < request.via_count; ++i) append(out, "Via: {}\r\n", request.via[i]);
  if (!request.record_route.empty()) append(out, "Record-Route: {}\r\n", request.record_route);
  append(out, "To: {}", request.to);
  if (tag_of(request.to).empty()) append(out, ";tag={}", to_tag);
  append(out, "\r\nFrom: {}\r\nCall-ID: {}\r\nCSeq: {}\r\n", request.from, request.call_id, request.cseq);
  if (request.method == "INVITE") append(out, "Contact: <{};ob>\r\n", contact_uri_);
  if (body == Body::sdp) append(out, "Content-Type: application/sdp\r\n");
  append(out, "Supported: outbound\r\nUser-Agent: JsSIP 3.10.1\r\nContent-Length: {}\r\n\r\n",
         body == Body::sdp ? answer.size() : 0);
  if (body == Body::sdp) out += answer;
  send(out);
}

}  // namespace sipwsd::bench
