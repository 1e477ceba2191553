#include "src/location/mirror_client.h"

#include <utility>

namespace sipwsd::location {

MirrorClient::MirrorClient(bus::Mailbox& mailbox, os::EventLoop& loop, shm::ProcessSlot mirror, std::uint32_t generation)
    : mailbox_(mailbox), loop_(loop), mirror_(mirror), next_((std::uint64_t{generation} << 40) + 1) {}

MirrorClient::~MirrorClient() { loop_.timers().cancel(timer_); }

void MirrorClient::store(std::string_view aor, Done done) {
  if (waiting_.size() >= most_waiting) return done(Errc::full);
  const std::uint64_t ticket = next_++;
  if (auto posted = mailbox_.post(mirror_, bus::StoreBindings{.ticket = ticket, .aor = aor}); !posted) return done(posted);
  waiting_.emplace(ticket, Waiting{loop_.now() + patience, std::move(done)});
  if (timer_ == os::TimerId::none) wait_for_first();
}

void MirrorClient::changed(std::string_view aor) {
  if (is_on()) static_cast<void>(mailbox_.post(mirror_, bus::StoreBindings{.ticket = 0, .aor = aor}));
}

void MirrorClient::on_letter(const bus::BindingsStored& letter) {
  auto found = waiting_.extract(letter.ticket);
  if (found.empty()) return;  // it was given up
  found.mapped().done(letter.outcome == bus::StoreOutcome::stored ? Result<void>{} : Result<void>{Errc::system});
}

void MirrorClient::wait_for_first() {
  const auto delay = std::chrono::ceil<base::Milliseconds>(waiting_.begin()->second.deadline - loop_.now());
  timer_ = loop_.timers().add(delay, *this, 0);
}

void MirrorClient::on_timer(os::TimerId, std::uint64_t) {
  timer_ = os::TimerId::none;
  while (!waiting_.empty() && waiting_.begin()->second.deadline <= loop_.now()) {
    auto first = waiting_.extract(waiting_.begin());
    first.mapped().done(Errc::timed_out);
  }
  if (!waiting_.empty() && timer_ == os::TimerId::none) wait_for_first();
}

}  // namespace sipwsd::location
