#include "tests/conformance/sip_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "tests/conformance/raw_message.h"
#include "tests/conformance/runner.h"
#include "tests/conformance/sip_site.h"

namespace sipwsd::test::conformance {
namespace {

// The daemon itself answers this with 200, at once.
std::string probe(std::string_view call_id) {
  return fmt::format(
      "OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/TCP probe.example.org;rport;branch=z9hG4bK{0}\r\nMax-Forwards: 70\r\n"
      "From: <sip:probe@example.org>;tag=1\r\nTo: <sip:example.com>\r\nCall-ID: {0}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
      call_id);
}

int next_number() {
  static int number = 0;
  return ++number;
}

// The first letters and digits of the word at `at`, four of them if it has so many, become those of the number.
void renumber(std::string& text, std::size_t at, int number) {
  const auto digits = fmt::format("{:04}", number % 10'000);
  const auto end = std::min(text.find_first_of(" \t\r\n;,", at), text.size());
  for (std::size_t i = digits.size(); i > 0 && at < end; ++at)
    if (std::isalnum(static_cast<unsigned char>(text[at])) != 0) text[at] = digits[--i];
}

// The first run over a connection has the row's very bytes. Then Call-IDs and branches differ, or the daemon would be right
// to take the message for a retransmission, or a REGISTER for an old one; never in their length.
std::string fresh(std::string text) {
  const int number = next_number();
  constexpr std::string_view cookie = "z9hG4bK";
  for (auto at = text.find(cookie); at != text.npos; at = text.find(cookie, at + 1)) renumber(text, at + cookie.size(), number);
  std::size_t line = 0;
  while ((line = text.find('\n', line)) != text.npos) {
    ++line;
    const auto colon = text.find(':', line);
    if (colon == text.npos) break;
    std::string name = text.substr(line, colon - line);
    name.erase(std::remove_if(name.begin(), name.end(), [](char c) { return c == ' ' || c == '\t'; }), name.end());
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name != "call-id" && name != "i") continue;
    if (const auto value = text.find_first_not_of(" \t\r\n", colon + 1); value != text.npos) renumber(text, value, number);
  }
  return text;
}

std::string list(const std::vector<std::string>& replies) {
  std::string out;
  for (const auto& reply : replies) out += "\n    " + printable(reply);
  return out.empty() ? "\n    nothing" : out;
}

// A reply as the row shows it: with the headers it asks for.
std::string shown_as(const RawMessage& reply, const std::string& wanted) {
  std::string out = reply.status() == 0 ? reply.start_line : reply.start_line.substr(8);
  if (wanted.find('\n') == wanted.npos) return out;
  for (const auto& header : reply.headers)
    if (wanted.find("\n" + header.text.substr(0, header.text.find(':') + 1)) != wanted.npos) out += "\n" + header.text.substr(0, header.text.size() - 2);
  return out;
}

bool fits(const std::string& came, const std::string& wanted) { return came.starts_with(wanted); }

// One run: sends, and sorts what comes back.
class Run {
 public:
  Run(const SipRow& row, SipTransport transport, SipCut cut)
      : row_(row),
        outcome_(is_stream(transport) && row.on_stream                        ? *row.on_stream
                 : transport == SipTransport::udp && row.in_datagram ? *row.in_datagram
                                                                     : row.outcome),
        cut_(cut),
        transport_(transport),
        site_(sip_site(row.profile)),
        peer_(site_.connect(transport, row.sent_by_port)),
        message_(transport != SipTransport::udp && is_first(row) ? row.sent : fresh(row.sent)) {}

  std::string play() {
    while (site_.callee_has_heard_something()) static_cast<void>(site_.callee_receives());  // left by a row that failed
    std::vector<std::string> messages{message_};
    if (cut_ == SipCut::between_neighbours) {
      before_ = neighbour("a");
      messages = {probe(before_), message_, probe(neighbour("b"))};
    }
    peer_.send(messages, cut_);
    if (outcome_.reaches_callee)
      if (auto flaw = callee(); !flaw.empty()) return flaw;
    if (auto flaw = hear_replies(); !flaw.empty()) return flaw;
    site_.remember(transport_, peer_);
    switch (outcome_.then) {
      case SipOutcome::Then::serves: return hear_nothing_more();
      case SipOutcome::Then::ends: return expect_end();
      case SipOutcome::Then::waits: peer_.end_sending(); return expect_end();
    }
    return {};
  }

 private:
  static bool is_first(const SipRow& row) {
    static const SipRow* last = nullptr;
    return std::exchange(last, &row) != &row;
  }

  std::string neighbour(std::string_view which) {
    neighbours_.push_back(fmt::format("probe{}{}", which, next_number()));
    return neighbours_.back();
  }

  std::string callee() {
    const auto copy = site_.callee_receives();
    if (!copy) return "the callee's connection has ended";
    said_ = row_.callee_says ? row_.callee_says(*copy) : std::vector{callee_answer(*copy)};
    for (const auto& message : said_) site_.callee_says(message);
    if (const auto flaw = flaw_of_copy(message_, *copy); !flaw.empty()) return "to the callee came " + printable(*copy) + "\n  which has " + flaw;
    return {};
  }

  // Another message; true when it is the answer to a probe, or a provisional response.
  std::optional<RawMessage> hear(bool& is_by_the_way) {
    const auto came = peer_.receive();
    if (!came) return std::nullopt;
    RawMessage reply(*came);
    is_by_the_way = reply.status() < 200;
    const auto of = std::find(neighbours_.begin(), neighbours_.end(), reply.value("call-id"));
    if (of != neighbours_.end()) {
      if (reply.status() == 200) neighbours_.erase(of);
      is_by_the_way = reply.status() == 200;
      return reply;
    }
    auto flaw = flaw_of_reply(message_, *came);
    if (flaw.empty() && !said_.empty() && RawMessage(said_.back()).status() == reply.status()) flaw = flaw_of_passed_reply(said_.back(), *came);
    if (!flaw.empty() && flaw_.empty()) flaw_ = "came " + printable(*came) + "\n  which has " + flaw;
    return reply;
  }

  std::string expect_end() {
    while (const auto more = peer_.receive())
      if (RawMessage(*more).value("call-id") != before_) return "instead of the end came " + printable(*more);
    return peer_.ended_well() ? "" : "the connection was reset, not ended";
  }

  std::string hear_replies() {
    std::vector<std::string> came;
    while (came.size() < outcome_.replies.size()) {
      bool is_by_the_way = false;
      const auto reply = hear(is_by_the_way);
      if (!reply) {
        came.emplace_back("the end");
        break;
      }
      if (is_by_the_way) continue;
      came.push_back(shown_as(*reply, outcome_.replies[came.size()]));
      if (!fits(came.back(), outcome_.replies[came.size() - 1])) break;
    }
    if (!std::equal(came.begin(), came.end(), outcome_.replies.begin(), outcome_.replies.end(), fits))
      return "came:" + list(came) + "\n  instead of:" + list(outcome_.replies);
    return flaw_;
  }

  // A last probe is answered next, and so were the neighbours.
  std::string hear_nothing_more() {
    peer_.send({probe(neighbour("c"))}, SipCut::whole);
    const auto last = neighbours_.back();
    while (std::find(neighbours_.begin(), neighbours_.end(), last) != neighbours_.end()) {
      bool is_by_the_way = false;
      const auto reply = hear(is_by_the_way);
      if (!reply) return "it should live, but the end came";
      if (!is_by_the_way) return "too much came: " + reply->start_line;
    }
    if (!neighbours_.empty()) return "a neighbour was not answered";
    if (site_.callee_has_heard_something()) return "something went to the callee: " + printable(site_.callee_receives().value_or("the end"));
    return flaw_;
  }

  const SipRow& row_;
  const SipOutcome& outcome_;
  SipCut cut_;
  SipTransport transport_;
  SipSite& site_;
  SipPeer peer_;
  std::string message_;
  std::string before_;                   // the Call-ID of the probe in front of the row
  std::vector<std::string> said_;        // by the callee
  std::vector<std::string> neighbours_;  // Call-IDs of probes without an answer
  std::string flaw_;
};

}  // namespace

std::vector<SipCut> cuts_for(SipTransport transport) {
  std::vector<SipCut> cuts{SipCut::whole, SipCut::between_neighbours};
  if (transport != SipTransport::udp) cuts.push_back(SipCut::bytes);
  if (is_websocket(transport)) cuts.push_back(SipCut::fragments);
  return cuts;
}

std::string run(const SipRow& row, SipTransport transport, SipCut cut) {
  try {
    return Run(row, transport, cut).play();
  } catch (const Disappointed& why) {
    return why.what();
  }
}

}  // namespace sipwsd::test::conformance
