#include "tests/bench/scenarios.h"

#include <fmt/format.h>

#include "src/base/digest.h"
#include "src/base/hex.h"
#include "src/base/text.h"

namespace sipwsd::bench {
namespace {

std::string first_line(const SipMessage& message) {
  return message.is_request() ? fmt::format("{} {}", message.method, message.request_uri)
                              : fmt::format("{} to {}", message.status, message.cseq);
}

std::string md5_of(std::string_view text) { return base::hex(base::md5(text)); }

// The value of `name` in a challenge, between its quotes.
std::string_view quoted(std::string_view challenge, std::string_view name) {
  const auto start = challenge.find(fmt::format("{}=\"", name));
  if (start == std::string_view::npos) return {};
  const auto value = challenge.substr(start + name.size() + 2);
  return value.substr(0, value.find('"'));
}

std::string number_text(std::string_view prefix, std::size_t number) { return fmt::format("{}{:08}", prefix, number); }

}  // namespace

// --- what all have in common ---------------------------------------------------------------------------------------

void PhoneScenario::on_ended(Phone& phone, const Ending& ending) {
  const auto error = fmt::format("connection of {} ended (Close {}) {}", phone.user(), ending.close_code, ending.why);
  loop_.stray(error);
  // Started ones only: start() may run inside, for the operations that follow.
  std::deque<std::size_t> unanswered;
  unanswered.swap(under_way_[phone.number()]);
  for (const auto number : unanswered) loop_.finished(number, error);
}

void PhoneScenario::on_garbage(Phone& phone, std::string_view bytes) {
  loop_.stray(fmt::format("{} got what is not SIP: {}", phone.user(), bytes.substr(0, 200)));
}

void PhoneScenario::on_pong(Phone& phone, std::string_view) {
  loop_.stray(fmt::format("{} got a Pong it did not ask for", phone.user()));
}

void PhoneScenario::on_message(Phone& phone, const SipMessage& message) {
  loop_.stray(fmt::format("{} got {} unasked", phone.user(), first_line(message)));
}

std::string PhoneScenario::difference(const Phone& phone, const SipMessage& response, const Expected& expected) {
  if (response.status != expected.status) return fmt::format("{}, expected {}", first_line(response), expected.status);
  if (response.call_id != expected.call_id)
    return fmt::format("Call-ID {}, expected {}", response.call_id, expected.call_id);
  if (response.cseq != expected.cseq) return fmt::format("CSeq {}, expected {}", response.cseq, expected.cseq);
  if (response.via_count != 1) return fmt::format("{} has {} Via lines", first_line(response), response.via_count);
  if (!phone.is_via(response.via[0], expected.branch)) return fmt::format("not our Via: {}", response.via[0]);
  if (response.status > 100 && tag_of(response.to).empty()) return fmt::format("no To tag: {}", response.to);
  return {};
}

std::string PhoneScenario::id_of(std::size_t number) const { return number_text(token_, number); }

std::size_t PhoneScenario::number_of(std::string_view id) const {
  if (!id.starts_with(token_)) return npos;
  id.remove_prefix(token_.size());
  while (id.size() > 1 && id.front() == '0') id.remove_prefix(1);
  return base::parse_decimal<std::size_t>(id).value_or(npos);
}

std::string PhoneScenario::branch_of(std::string_view what, std::size_t number) const {
  return fmt::format("{}{}{}", token_, what, number);
}

std::size_t PhoneScenario::next_expected(const Phone& phone, std::size_t answered) {
  auto& queue = under_way_[phone.number()];
  if (!is_ordered_) return std::erase(queue, answered) == 1 ? answered : npos;
  if (queue.empty()) return npos;
  const auto number = queue.front();
  queue.pop_front();
  return number;
}

// --- connections ---------------------------------------------------------------------------------------------------

void Opening::start(std::size_t number) {
  phone_of(number).set_owner(*this);
  phone_of(number).open(*target_);
}

void Opening::on_ended(Phone& phone, const Ending& ending) {
  loop_.finished(phone.number(), "not opened: " + ending.why);
}

void Closing::start(std::size_t number) {
  auto& phone = phone_of(number);
  phone.set_owner(*this);
  if (phone.is_udp()) return loop_.finished_at_once(number, {});  // nothing to close
  if (!phone.connection().is_open()) return loop_.finished_at_once(number, "already lost");
  phone.connection().close(1000);
}

void Closing::on_ended(Phone& phone, const Ending& ending) {
  const bool good = ending.clean && ending.close_code == 1000;
  loop_.finished(phone.number(), good ? "" : fmt::format("closed with {} {}", ending.close_code, ending.why));
}

void Handshakes::set_target(const Target& target) {
  target_ = &target;
  operation_.assign(phones_.size(), npos);
  for (auto& phone : phones_) {
    phone->set_owner(*this);
    free_.push_back(phone->number());
  }
}

void Handshakes::start(std::size_t number) {
  const auto which = free_.back();  // there are as many phones as the window is wide
  free_.pop_back();
  operation_[which] = number;
  phones_[which]->connection().open(*target_);
}

void Handshakes::on_ended(Phone& phone, const Ending& ending) {
  free_.push_back(phone.number());
  const bool good = ending.clean && ending.close_code == 1000;
  loop_.finished(operation_[phone.number()],
                 good ? "" : fmt::format("ended with {} {}", ending.close_code, ending.why));
}

void Pings::start(std::size_t number) {
  auto& phone = phone_of(number);
  expect(phone, number);
  phone.connection().send_ping(id_of(number));
}

void Pings::on_pong(Phone& phone, std::string_view payload) {
  const auto number = next_expected(phone);
  if (number == npos) return PhoneScenario::on_pong(phone, payload);
  loop_.finished(number, payload == id_of(number) ? "" : "Pong with another payload");
}

// --- requests to the server ----------------------------------------------------------------------------------------

void OptionsRequests::start(std::size_t number) {
  auto& phone = phone_of(number);
  expect(phone, number);
  phone.send_options(id_of(number), branch_of("o", number));
}

void OptionsRequests::on_message(Phone& phone, const SipMessage& message) {
  const auto number = message.is_request() ? npos : next_expected(phone);
  if (number == npos) return PhoneScenario::on_message(phone, message);
  loop_.finished(number, difference(phone, message,
                                    {.call_id = id_of(number), .cseq = "1 OPTIONS", .branch = branch_of("o", number)}));
}

void Registrations::start(std::size_t number) {
  auto& phone = phone_of(number);
  expect(phone, number);
  phone.send_register(static_cast<std::uint32_t>(number + 1), branch_of("r", number), 600);
}

void Registrations::on_message(Phone& phone, const SipMessage& message) {
  const auto cseq = base::parse_decimal<std::size_t>(message.cseq.substr(0, message.cseq.find(' ')));
  const auto number = message.is_request() ? npos : next_expected(phone, cseq.value_or(0) - 1);
  if (number == npos) return PhoneScenario::on_message(phone, message);
  auto error = difference(phone, message,
                          {.call_id = phone.register_call_id(),
                           .cseq = fmt::format("{} REGISTER", number + 1),
                           .branch = branch_of("r", number)});
  // JsSIP stays unregistered without its own Contact, SIP.js re-registers for ever without expires on it.
  if (error.empty() && (!message.contact.starts_with(fmt::format("<{}>", phone.contact_uri())) ||
                        message.contact.find(";expires=") == std::string_view::npos))
    error = fmt::format("Contact of the 200: {}", message.contact);
  loop_.finished(number, error);
}

// The passwords of bench_servers.py, hashed as both servers have them.
DigestRegistrations::DigestRegistrations(ClosedLoop& loop, Phones& phones, std::string run_token)
    : PhoneScenario(loop, phones, std::move(run_token)), attempts_(phones.size()) {
  for (const auto& phone : phones) ha1_.push_back(md5_of(fmt::format("{0}:{1}:secret-{0}", phone->user(), served_domain)));
}

void DigestRegistrations::start(std::size_t number) { send(phone_of(number), number, {}); }

void DigestRegistrations::send(Phone& phone, std::size_t number, std::string_view authorization) {
  expect(phone, number);
  const auto attempt = attempts_[phone.number()];
  phone.send_register(static_cast<std::uint32_t>(most_attempts * number + 1 + attempt),
                      branch_of(fmt::format("d{}-", attempt), number), 600, authorization);
}

void DigestRegistrations::on_message(Phone& phone, const SipMessage& message) {
  const auto number = message.is_request() ? npos : next_expected(phone);
  if (number == npos) return PhoneScenario::on_message(phone, message);
  auto& attempt = attempts_[phone.number()];
  const bool is_stale = message.challenge.find("stale=true") != std::string_view::npos;
  const bool is_challenge = attempt == 0 || (is_stale && attempt + 1 < most_attempts);
  const auto error = difference(phone, message,
                                {.status = is_challenge ? 401 : 200,
                                 .call_id = phone.register_call_id(),
                                 .cseq = fmt::format("{} REGISTER", most_attempts * number + 1 + attempt),
                                 .branch = branch_of(fmt::format("d{}-", attempt), number)});
  if (!error.empty() || !is_challenge) {
    attempt = 0;
    return loop_.finished(number, error);
  }
  ++attempt;
  send(phone, number, answer_to(message.challenge, phone));
}

// RFC 7616 3.4.1; the old hash is what both servers and all browsers' libraries know.
std::string DigestRegistrations::answer_to(std::string_view challenge, const Phone& phone) const {
  const auto nonce = quoted(challenge, "nonce");
  const auto uri = fmt::format("sip:{}", served_domain);
  const auto response = md5_of(fmt::format("{}:{}:00000001:8f2c01d7:auth:{}", ha1_[phone.number()], nonce,
                                           md5_of(fmt::format("REGISTER:{}", uri))));
  return fmt::format("Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{}\", "
                     "algorithm=MD5, qop=auth, nc=00000001, cnonce=\"8f2c01d7\"",
                     phone.user(), served_domain, nonce, uri, response);
}

// --- calls that nobody answers -------------------------------------------------------------------------------------

void UnansweredInvites::start(std::size_t number) {
  if (is_settled_.size() <= number) is_settled_.resize(number + 1);
  caller_of(number).send_invite(callee_of(number), id_of(number), branch_of("u", number));
}

void UnansweredInvites::on_message(Phone& phone, const SipMessage& message) {
  if (message.is_request() || is_leaving_) return;  // rings and rings
  const auto number = number_of(message.call_id);
  if (number >= is_settled_.size() || &caller_of(number) != &phone) return PhoneScenario::on_message(phone, message);
  if (is_settled_[number]) return;  // what becomes of it later is not the question
  is_settled_[number] = true;
  if (message.status == 100) {
    ++taken_;
    return loop_.finished(number);
  }
  if (refused_++ == 0) taken_first_ = taken_;
  phone.send_ack_of_refusal(callee_of(number), message, branch_of("u", number));
  loop_.finished(number, message.status == 503 && !message.retry_after.empty()
                             ? ""
                             : fmt::format("{} Retry-After: {}", first_line(message), message.retry_after));
}

void UnansweredInvites::on_ended(Phone& phone, const Ending& ending) {
  if (!is_leaving_) return PhoneScenario::on_ended(phone, ending);
  ++ended_;
}

void UnansweredInvites::leave() {
  is_leaving_ = true;
  for (auto& phone : phones_) phone->connection().close(1000);
}

// --- relayed messages ----------------------------------------------------------------------------------------------

std::string Messages::body_of(std::size_t number) const { return number_text("Shall we talk at ten? ", number); }

void Messages::start(std::size_t number) {
  auto& phone = sender_of(number);
  expect(phone, number);
  phone.send_text_message(receiver_of(number), id_of(number), branch_of("m", number), body_of(number));
}

void Messages::on_message(Phone& phone, const SipMessage& message) {
  if (!message.is_request()) {
    const auto number = next_expected(phone, number_of(message.call_id));
    if (number == npos) return PhoneScenario::on_message(phone, message);
    return loop_.finished(
        number,
        difference(phone, message, {.call_id = id_of(number), .cseq = "1 MESSAGE", .branch = branch_of("m", number)}));
  }
  const auto number = number_of(message.call_id);
  if (number == npos || message.method != "MESSAGE" || &receiver_of(number) != &phone)
    return PhoneScenario::on_message(phone, message);
  const auto& sender = sender_of(number);
  auto& arrived = arrived_[phone.number()];
  if (is_ordered_ && number < arrived) loop_.stray(fmt::format("MESSAGE {} came after {}", number, arrived - 1));
  if (message.request_uri != phone.contact_uri()) loop_.stray(fmt::format("Request-URI {}", message.request_uri));
  if (message.body != body_of(number)) loop_.stray(fmt::format("body of MESSAGE {}: {}", number, message.body));
  if (message.from != sender.from()) loop_.stray(fmt::format("From {}", message.from));
  if (message.via_count != 2 || !sender.is_via(message.via[1], branch_of("m", number)))
    loop_.stray(fmt::format("MESSAGE relayed with Via {}", message.via[message.via_count - 1]));
  arrived = number + 1;
  phone.send_response(message, 200, "OK", number_text("m", number), Phone::Body::none);
}

// --- calls ---------------------------------------------------------------------------------------------------------

void Calls::start(std::size_t number) {
  calls_.try_emplace(number);
  caller_of(number).send_invite(callee_of(number), id_of(number), branch_of("i", number));
}

void Calls::on_message(Phone& phone, const SipMessage& message) {
  const auto number = number_of(message.call_id);
  const auto call = calls_.find(number);
  if (call == calls_.end()) {
    if (!is_ordered_ && number != npos) return;  // a late one, of a call that has ended
    return PhoneScenario::on_message(phone, message);
  }
  const auto& other = message.is_request() ? callee_of(number) : caller_of(number);
  if (&other != &phone) return PhoneScenario::on_message(phone, message);
  if (message.is_request()) return on_request(phone, message, number, call->second);
  on_response(phone, message, number, call->second);
}

void Calls::on_response(Phone& phone, const SipMessage& response, std::size_t number, Call& call) {
  if (response.method == "BYE") {
    auto error =
        difference(phone, response, {.call_id = id_of(number), .cseq = "2 BYE", .branch = branch_of("b", number)});
    if (error.empty() && !call.ended) error = "BYE answered before it arrived";
    return finish(number, error);
  }
  const int expected = response.status < 200 ? response.status : 200;
  const auto error =
      difference(phone, response,
                 {.status = expected, .call_id = id_of(number), .cseq = "1 INVITE", .branch = branch_of("i", number)});
  if (!error.empty()) return finish(number, error);
  if (response.status == 100) return;
  if (response.status < 200) {
    call.ringing = true;
    return;
  }
  if (call.answered) return loop_.stray("a second 200 to INVITE");
  call.answered = true;
  if (!call.ringing && is_ordered_) return finish(number, "200 without 180 before it");
  if (response.body.empty() || response.contact.empty()) return finish(number, "200 without SDP or Contact");
  call.dialog = caller_dialog(response);
  phone.send_in_dialog(call.dialog, "ACK", 1, branch_of("a", number));
  if (is_ordered_) phone.send_in_dialog(call.dialog, "BYE", 2, branch_of("b", number));
}

void Calls::on_request(Phone& phone, const SipMessage& request, std::size_t number, Call& call) {
  const auto tag = number_text("c", number);
  if (!request.request_uri.starts_with(phone.contact_uri()))
    return finish(number, fmt::format("{} for {}", request.method, request.request_uri));
  if (request.method == "INVITE") {
    if (call.invited) return finish(number, "a second INVITE");
    if (request.body.empty() || request.contact.empty()) return finish(number, "INVITE without SDP or Contact");
    call.invited = true;
    phone.send_response(request, 180, "Ringing", tag, Phone::Body::none);
    return phone.send_response(request, 200, "OK", tag, Phone::Body::sdp);
  }
  if (tag_of(request.to) != tag) return finish(number, fmt::format("{} with To {}", request.method, request.to));
  if (request.method == "ACK") {
    if (call.acknowledged) return finish(number, "a second ACK");
    call.acknowledged = true;
    if (!is_ordered_) caller_of(number).send_in_dialog(call.dialog, "BYE", 2, branch_of("b", number));
    return;
  }
  if (request.method != "BYE") return finish(number, first_line(request));
  if (!call.acknowledged) return finish(number, "BYE overtook the ACK");
  call.ended = true;
  phone.send_response(request, 200, "OK", tag, Phone::Body::none);
}

void Calls::finish(std::size_t number, std::string_view error) {
  calls_.erase(number);
  loop_.finished(number, error);
}

}  // namespace sipwsd::bench
