#include "src/process/poison_guard.h"

#include "src/base/log.h"
#include "src/base/network.h"
#include "src/net/admission.h"

namespace sipwsd::process {
namespace {

constexpr std::uint32_t deaths_of_a_poison = 2;

}  // namespace

void accuse_last_input(const config::Settings& settings, shm::SharedState& shared, shm::ProcessSlot dead,
                       base::TimePoint now) {
  if (!shm::is_worker(dead, shared.limits)) return;
  const auto accused = shared.last_inputs.accuse(shm::worker_slot(dead, shared.limits));
  if (!accused) return;
  auto counters = shared.counters.row(shm::reaper_slot(shared.limits));
  log::warning("worker {} was at work on a message from {} when it died (hash {:016x}, {} deaths so far)", number(dead),
               accused->source.to_string(), accused->hash, accused->deaths);
  net::Admission admission(settings, shared, counters, WorkerSlot::none);
  const bool is_banned = admission.strike(accused->source, shm::BanReason::poison, now);
  if (accused->deaths < deaths_of_a_poison) return;
  counters.add(shm::Counter::poison_messages);
  if (is_banned || admission.is_exempt(accused->source) || settings.ban_time.count() == 0) return;
  const Endpoint subject = base::subject_of(accused->source);
  const std::int64_t since = base::whole_seconds(now);
  shared.bans.ban({.subject = subject,
                   .reason = shm::BanReason::poison,
                   .strikes = accused->deaths,
                   .since = since,
                   .until = since + settings.ban_time.count()});
  counters.add(shm::Counter::bans_made);
  log::warning("{} is banned for {} s: it sent what killed a worker {} times", base::subject_text(subject),
               settings.ban_time.count(), accused->deaths);
}

}  // namespace sipwsd::process
