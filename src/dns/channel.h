#pragma once
// c-ares behind one class: puts one question to the name servers, again if need be, over TCP if the answer is long, and
// gives back the packet. Its sockets are watched by the event loop, its waiting is a timer of the wheel; no call blocks.
// The servers are fixed for its life: another resolv.conf is another channel.

#include "src/base/clock.h"
#include "src/dns/records.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sipwsd::os {
class EventLoop;
}

namespace sipwsd::dns {

class ReplyUser {
 public:
  // Exactly once for each question, also within ask() and within the channel's destructor. No bytes: no server had an
  // answer. Must not destroy the channel, nor ask.
  virtual void on_reply(const Question& question, std::span<const std::uint8_t> packet) = 0;

 protected:
  ~ReplyUser() = default;
};

struct ChannelRules {
  std::vector<Endpoint> servers;  // empty: those of resolv_conf
  std::string resolv_conf = "/etc/resolv.conf";
  base::Milliseconds retransmit_after{};
  int retransmissions = 0;
  friend bool operator==(const ChannelRules&, const ChannelRules&) = default;
};

class Channel {
 public:
  Channel(os::EventLoop& loop, const ChannelRules& rules, ReplyUser& user);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  void ask(const Question& question);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace sipwsd::dns
