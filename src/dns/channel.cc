#include "src/dns/channel.h"

#include "src/os/event_loop.h"

#include <ares.h>
#include <sys/time.h>

#include <map>
#include <utility>

namespace sipwsd::dns {
namespace {

// A reply of this size passes every network whole (DNS flag day 2020); a longer one is asked for again over TCP.
constexpr int udp_reply_size = 1232;
constexpr int class_in = 1;

struct Asked {
  ReplyUser* user = nullptr;
  Question question;
};

void on_answer(void* argument, int /*status*/, int /*timeouts*/, unsigned char* packet, int size) noexcept {
  const std::unique_ptr<Asked> asked(static_cast<Asked*>(argument));
  const bool has_packet = packet != nullptr && size > 0;
  asked->user->on_reply(asked->question, {packet, has_packet ? static_cast<std::size_t>(size) : 0});
}

std::string as_list(const std::vector<Endpoint>& servers) {
  std::string list;
  for (const Endpoint& server : servers)
    list += (list.empty() ? "" : ",") + server.host_text() + ":" + std::to_string(server.port);
  return list;
}

}  // namespace

class Channel::State final : os::TimerHandler {
 public:
  State(os::EventLoop& loop, const ChannelRules& rules, ReplyUser& user);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void ask(const Question& question);
  void process(int readable, int writable) noexcept;

 private:
  struct Socket final : os::Watcher {
    Socket(State& state, int fd) noexcept : owner(state), descriptor(fd) {}
    // Its own end may lie within process(): nothing of it is touched after.
    void on_ready(std::uint32_t events) override {
      const bool read = (events & (os::readable | os::hung_up)) != 0, write = (events & os::writable) != 0;
      owner.process(read ? descriptor : ARES_SOCKET_BAD, write ? descriptor : ARES_SOCKET_BAD);
    }
    State& owner;
    int descriptor;
    std::uint32_t events = 0;
  };

  void on_timer(os::TimerId id, std::uint64_t key) override;
  void watch(int descriptor, bool read, bool write);
  void arm() noexcept;

  os::EventLoop& loop_;
  ReplyUser& user_;
  std::map<int, Socket> sockets_;
  os::TimerId timer_ = os::TimerId::none;
  base::TimePoint due_{};  // when it fires
  ares_channel channel_ = nullptr;  // null: no memory for one; every question fails
};

Channel::State::State(os::EventLoop& loop, const ChannelRules& rules, ReplyUser& user) : loop_(loop), user_(user) {
  std::string lookups = "b", resolv_conf = rules.resolv_conf;
  ares_options options{};
  // EDNS0 without which a few SRV records already mean TCP. What a server may not do for us (SERVFAIL, REFUSED) the next
  // one is asked for.
  options.flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.ednspsz = udp_reply_size;
  options.timeout = static_cast<int>(rules.retransmit_after.count());
  options.tries = 1 + rules.retransmissions;
  options.lookups = lookups.data();
  options.resolvconf_path = resolv_conf.data();
  // None, and said so: c-ares would ask for the host's name to make one of.
  options.ndomains = 0;
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* state, ares_socket_t descriptor, int read, int write) {
    static_cast<State*>(state)->watch(descriptor, read != 0, write != 0);
  };
  const int given = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                    ARES_OPT_RESOLVCONF | ARES_OPT_DOMAINS | ARES_OPT_SOCK_STATE_CB;
  if (ares_init_options(&channel_, &options, given) != ARES_SUCCESS) {
    channel_ = nullptr;
    return;
  }
  if (!rules.servers.empty()) ares_set_servers_ports_csv(channel_, as_list(rules.servers).c_str());
}

Channel::State::~State() {
  if (channel_ != nullptr) ares_destroy(channel_);
  loop_.timers().cancel(timer_);
}

void Channel::State::ask(const Question& question) {
  if (channel_ == nullptr) return user_.on_reply(question, {});
  auto asked = std::make_unique<Asked>(Asked{&user_, question});
  ares_query(channel_, question.name.c_str(), class_in, static_cast<int>(question.type), on_answer, asked.release());
  arm();
}

void Channel::State::process(int readable, int writable) noexcept {
  ares_process_fd(channel_, readable, writable);
  arm();
}

void Channel::State::on_timer(os::TimerId, std::uint64_t) {
  timer_ = os::TimerId::none;
  process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

// c-ares says so before it closes one, too.
void Channel::State::watch(int descriptor, bool read, bool write) {
  const std::uint32_t events = (read ? os::readable : 0u) | (write ? os::writable : 0u);
  const auto [at, is_new] = sockets_.try_emplace(descriptor, *this, descriptor);
  Socket& socket = at->second;
  if (events == 0) {
    if (!is_new) loop_.remove(descriptor, socket);
    sockets_.erase(at);
    return;
  }
  if (events == socket.events) return;
  socket.events = events;
  // A socket that can't be watched answers nothing: its questions run into their time limit.
  (void)(is_new ? loop_.add(descriptor, events, socket) : loop_.modify(descriptor, events, socket));
}

// For the earliest retransmission. A timer that became needless stays: it wakes the channel once in vain, which costs less
// than moving it with every question.
void Channel::State::arm() noexcept {
  timeval time{};
  if (ares_timeout(channel_, nullptr, &time) == nullptr) return;
  const base::Milliseconds wait{time.tv_sec * 1000 + (time.tv_usec + 999) / 1000};
  const base::TimePoint due = loop_.clock().now() + wait;
  if (timer_ != os::TimerId::none && due_ <= due) return;
  loop_.timers().cancel(timer_);
  timer_ = loop_.timers().add(wait, *this, 0);
  due_ = due;
}

Channel::Channel(os::EventLoop& loop, const ChannelRules& rules, ReplyUser& user)
    : state_(std::make_unique<State>(loop, rules, user)) {}
Channel::~Channel() = default;

void Channel::ask(const Question& question) { state_->ask(question); }

}  // namespace sipwsd::dns
