#pragma once
// Well-behaved clients: phones that are registered, each from its own address and every second one over wss, and ask
// for something every 50 ms: OPTIONS of the server, then a MESSAGE to another phone. Some of them hang up all the time
// and come back. What they see is the measure of an attack: every request wants a 200, no connection may be lost.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/bench/phone.h"

namespace sipwsd::bench {

class Bystanders final : public Phone::Owner {
 public:
  struct Seen {
    std::size_t requests = 0, answered = 0;  // answered: with 200, in time
    std::size_t excused = 0;                 // not answered, but a connection it needed was killed with its worker
    std::size_t reconnects = 0;              // opened and registered again, of those that come and go
    std::size_t lost = 0;                    // connections that ended without being asked to
    double p50_ms = 0, p99_ms = 0, max_ms = 0;
    double reconnect_p99_ms = 0, reconnect_max_ms = 0;
    std::vector<std::string> complaints;  // the first few

    bool everything() const { return answered + excused == requests; }
  };
  struct Plan {
    std::size_t staying = 16, coming_and_going = 4;
    std::size_t first_number = 0;  // of their phones: others may be registered, too
    std::chrono::milliseconds interval{50};
    std::chrono::milliseconds deadline{5000};  // a request without an answer for so long has failed
  };

  // `wss.tls` may be null: then all use ws.
  Bystanders(Loop& loop, Target ws, Target wss, Plan plan);

  // Opens and registers them; false when they are not all there in time.
  bool start(std::chrono::seconds patience);
  void begin();  // the account starts at zero, requests flow
  // No more requests; waits for what is under way.
  Seen finish();
  // While workers are killed: who lost a connection comes back, and requests that needed it are excused.
  void excuse_losses(bool excused) { losses_are_excused_ = excused; }
  void stop();  // closes them all

  std::size_t open() const;
  bool are_all_ready() const;

 private:
  struct Bystander {
    std::unique_ptr<Phone> phone;
    bool stays = true;
    bool registered = false;
    bool leaving = false;  // has sent its Close
    std::uint32_t cseq = 0;
    std::uint64_t turn = 0;
    std::size_t waiting = 0;        // its own requests under way
    std::size_t visit = 0;          // requests since it came
    Clock::time_point came;  // when it began to connect
  };
  struct Request {
    std::size_t from = 0, to = 0;  // the same for a request to the server
    Clock::time_point sent;
    std::string suspicion;  // a wrong answer, until it is known that no lost connection explains it
  };

  void on_open(Phone& phone) override;
  void on_message(Phone& phone, const SipMessage& message) override;
  void on_ended(Phone& phone, const Ending& ending) override;
  void on_garbage(Phone& phone, std::string_view bytes) override;

  std::size_t index(const Phone& phone) const { return phone.number() - plan_.first_number; }
  void connect(Bystander& bystander);
  void turn(std::size_t number, std::uint64_t flow);
  void sweep();
  void answered(const std::string& id, const SipMessage& response);
  void forget_requests_of(std::size_t number);
  void complain(std::string what);

  Loop& loop_;
  Target ws_, wss_;
  Plan plan_;
  std::vector<Bystander> all_;
  std::unordered_map<std::string, Request> under_way_;
  std::uint64_t last_id_ = 0, flow_ = 0;
  bool flowing_ = false, losses_are_excused_ = false, stopping_ = false, sweeping_ = false;
  std::string run_;
  Seen seen_;
  std::vector<double> latencies_ms_, reconnects_ms_;
};

}  // namespace sipwsd::bench
