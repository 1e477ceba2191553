#pragma once
// The operations that are measured. Operation n belongs to phone (or pair) n modulo their number. Answers on one
// connection must come in the order of the requests: RFC 3261 does not ask for it, the browsers' libraries do. Where
// datagrams are on the way they may overtake each other.
// Every answer is compared with what was asked; each difference is an error of the run.

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/bench/closed_loop.h"
#include "tests/bench/phone.h"

namespace sipwsd::bench {

using Phones = std::vector<std::unique_ptr<Phone>>;

class PhoneScenario : public ClosedLoop::Scenario, public Phone::Owner {
 public:
  PhoneScenario(ClosedLoop& loop, Phones& phones, std::string run_token)
      : loop_(loop),
        phones_(phones),
        token_(std::move(run_token)),
        is_ordered_(std::none_of(phones.begin(), phones.end(), [](const auto& phone) { return phone->is_udp(); })),
        under_way_(phones.size()) {}
  virtual ~PhoneScenario() = default;

  void on_ended(Phone& phone, const Ending& ending) override;
  void on_garbage(Phone& phone, std::string_view bytes) override;
  void on_pong(Phone& phone, std::string_view payload) override;
  void on_message(Phone& phone, const SipMessage& message) override;

 protected:
  struct Expected {
    int status = 200;
    std::string call_id, cseq, branch;
  };
  // Empty when the response is the one expected.
  static std::string difference(const Phone& phone, const SipMessage& response, const Expected& expected);

  std::string id_of(std::size_t number) const;
  std::size_t number_of(std::string_view id) const;  // npos when it is not of this run
  std::string branch_of(std::string_view what, std::size_t number) const;
  Phone& phone_of(std::size_t number) { return *phones_[number % phones_.size()]; }
  // Remembers that `number` is the next to be answered on this phone's connection, and tells which one that is: of those
  // under way `answered`, what the answer says of itself, where answers may come in any order.
  void expect(const Phone& phone, std::size_t number) { under_way_[phone.number()].push_back(number); }
  std::size_t next_expected(const Phone& phone, std::size_t answered = npos);

  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
  ClosedLoop& loop_;
  Phones& phones_;
  std::string token_;
  const bool is_ordered_;

 private:
  std::vector<std::deque<std::size_t>> under_way_;
};

// Opens phone n; done when the 101 has come.
class Opening final : public PhoneScenario {
 public:
  using PhoneScenario::PhoneScenario;
  void start(std::size_t number) override;
  void on_open(Phone& phone) override { loop_.finished(phone.number()); }
  void on_ended(Phone& phone, const Ending& ending) override;

 private:
  const Target* target_ = nullptr;

 public:
  void set_target(const Target& target) { target_ = &target; }
};

// Closes phone n with 1000; done when the server has answered the Close and ended TCP.
class Closing final : public PhoneScenario {
 public:
  using PhoneScenario::PhoneScenario;
  void start(std::size_t number) override;
  void on_ended(Phone& phone, const Ending& ending) override;
};

// One connection's whole life: TCP, handshake, Close both ways, end of TCP.
class Handshakes final : public PhoneScenario {
 public:
  using PhoneScenario::PhoneScenario;
  void set_target(const Target& target);
  void start(std::size_t number) override;
  void on_open(Phone& phone) override {
    if (phone.connection().was_resumed()) ++resumed_;
    phone.connection().close(1000);
  }
  void on_ended(Phone& phone, const Ending& ending) override;
  std::size_t resumed() const noexcept { return resumed_; }

 private:
  const Target* target_ = nullptr;
  std::size_t resumed_ = 0;
  std::vector<std::size_t> free_;
  std::vector<std::size_t> operation_;  // by phone
};

class Pings final : public PhoneScenario {
 public:
  using PhoneScenario::PhoneScenario;
  void start(std::size_t number) override;
  void on_pong(Phone& phone, std::string_view payload) override;
};

// OPTIONS to the server itself.
class OptionsRequests final : public PhoneScenario {
 public:
  using PhoneScenario::PhoneScenario;
  void start(std::size_t number) override;
  void on_message(Phone& phone, const SipMessage& message) override;
};

// The first one of a phone makes its binding, the next ones refresh it; RFC 3261 10.2: no new one before the answer.
class Registrations final : public PhoneScenario {
 public:
  using PhoneScenario::PhoneScenario;
  void start(std::size_t number) override;
  std::size_t lanes() const override { return phones_.size(); }
  void on_message(Phone& phone, const SipMessage& message) override;
};

// A REGISTER without credentials, the challenge, and the same with the answer to it: as a browser's library registers.
// A nonce that is stale already is answered, too: thousands a second are more than any server remembers.
class DigestRegistrations final : public PhoneScenario {
 public:
  DigestRegistrations(ClosedLoop& loop, Phones& phones, std::string run_token);
  void start(std::size_t number) override;
  std::size_t lanes() const override { return phones_.size(); }
  void on_message(Phone& phone, const SipMessage& message) override;

 private:
  static constexpr std::uint32_t most_attempts = 4;
  void send(Phone& phone, std::size_t number, std::string_view authorization);
  std::string answer_to(std::string_view challenge, const Phone& phone) const;

  std::vector<std::string> ha1_;         // by phone
  std::vector<std::uint32_t> attempts_;  // by phone: requests that were answered with a challenge
};

// Phone 2k sends INVITEs to phone 2k+1, which says nothing at all. One is done when the server has taken it (100) or
// refused it; it goes on ringing until leave().
class UnansweredInvites final : public PhoneScenario {
 public:
  using PhoneScenario::PhoneScenario;
  void start(std::size_t number) override;
  void on_message(Phone& phone, const SipMessage& message) override;
  void on_ended(Phone& phone, const Ending& ending) override;

  // Ends all connections, whatever is still said on them.
  void leave();
  bool has_left() const noexcept { return is_leaving_ && ended_ == phones_.size(); }
  std::size_t taken() const noexcept { return taken_; }
  std::size_t refused() const noexcept { return refused_; }
  std::size_t taken_before_the_first_refusal() const noexcept { return refused_ == 0 ? taken_ : taken_first_; }

 private:
  Phone& caller_of(std::size_t number) { return *phones_[number % (phones_.size() / 2) * 2]; }
  Phone& callee_of(std::size_t number) { return *phones_[number % (phones_.size() / 2) * 2 + 1]; }

  std::size_t taken_ = 0, refused_ = 0, taken_first_ = 0;
  std::vector<bool> is_settled_;  // by number
  bool is_leaving_ = false;
  std::size_t ended_ = 0;
};

// Phone 2k sends a MESSAGE of about 400 bytes to the address of record of phone 2k+1, which answers 200.
class Messages final : public PhoneScenario {
 public:
  Messages(ClosedLoop& loop, Phones& phones, std::string run_token)
      : PhoneScenario(loop, phones, std::move(run_token)), arrived_(phones.size()) {}
  void start(std::size_t number) override;
  void on_message(Phone& phone, const SipMessage& message) override;

 private:
  std::string body_of(std::size_t number) const;
  Phone& sender_of(std::size_t number) { return *phones_[number % (phones_.size() / 2) * 2]; }
  Phone& receiver_of(std::size_t number) { return *phones_[number % (phones_.size() / 2) * 2 + 1]; }

  std::vector<std::size_t> arrived_;  // by receiving phone: the last number + 1, to see that order is kept
};

// Phone 2k calls phone 2k+1: INVITE 100 180 200 ACK, and BYE 200 right behind the ACK; where that could overtake the ACK,
// when it has arrived.
class Calls final : public PhoneScenario {
 public:
  using PhoneScenario::PhoneScenario;
  void start(std::size_t number) override;
  void on_message(Phone& phone, const SipMessage& message) override;

 private:
  struct Call {
    bool invited = false, ringing = false, answered = false, acknowledged = false, ended = false;
    Dialog dialog;  // the caller's
  };
  void on_response(Phone& phone, const SipMessage& response, std::size_t number, Call& call);
  void on_request(Phone& phone, const SipMessage& request, std::size_t number, Call& call);
  void finish(std::size_t number, std::string_view error);
  Phone& caller_of(std::size_t number) { return *phones_[number % (phones_.size() / 2) * 2]; }
  Phone& callee_of(std::size_t number) { return *phones_[number % (phones_.size() / 2) * 2 + 1]; }

  std::unordered_map<std::size_t, Call> calls_;
};

}  // namespace sipwsd::bench
