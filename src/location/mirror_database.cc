#include "src/location/mirror_database.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "src/os/socket_address.h"
#include "src/sip/uri.h"

namespace sipwsd::location {
namespace {

// "sipw" in the head of the file (PRAGMA application_id), so that nobody else's tables are taken for ours.
constexpr std::int64_t application = 0x73697077;
constexpr std::int64_t schema_version = 1;

constexpr const char* schema = R"(
CREATE TABLE binding(
  aor TEXT NOT NULL, contact TEXT NOT NULL, parameters TEXT NOT NULL, instance TEXT NOT NULL, reg_id INTEGER NOT NULL,
  call_id TEXT NOT NULL, cseq INTEGER NOT NULL, q INTEGER NOT NULL, flags INTEGER NOT NULL, methods INTEGER NOT NULL,
  received TEXT NOT NULL, path TEXT NOT NULL, user_agent TEXT NOT NULL,
  leads TEXT NOT NULL,    -- flow: along a connection that was; address: to remote; uri: where path or contact say
  remote TEXT NOT NULL, local TEXT NOT NULL,
  expires INTEGER NOT NULL, updated INTEGER NOT NULL, round INTEGER NOT NULL);
CREATE INDEX binding_aor ON binding(aor);
CREATE INDEX binding_expires ON binding(expires) WHERE expires <> 0;
)";

constexpr std::string_view insert_row =
    "INSERT INTO binding(aor, contact, parameters, instance, call_id, received, path, user_agent, reg_id, cseq, q, flags, methods, "
    "leads, remote, local, expires, updated, round) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
constexpr std::string_view select_rows =
    "SELECT aor, contact, parameters, instance, call_id, received, path, user_agent, reg_id, cseq, q, flags, methods, "
    "leads, remote, local, expires, updated FROM binding WHERE expires = 0 OR expires > ?1 ORDER BY aor, rowid";
enum Column { aor, contact, parameters, instance, call_id, received, path, user_agent, reg_id, cseq, q, flags, methods, leads, remote, local, expires, updated };

constexpr std::array<std::string_view shm::Binding::*, 8> texts{
    &shm::Binding::aor,     &shm::Binding::contact,  &shm::Binding::parameters, &shm::Binding::instance,
    &shm::Binding::call_id, &shm::Binding::received, &shm::Binding::path,       &shm::Binding::user_agent};

std::string text_of(const Endpoint& endpoint) {
  return endpoint.family == AddressFamily::none ? std::string{} : endpoint.to_string();
}

// As to_string() writes it: udp:192.0.2.7:5060.
std::optional<Endpoint> endpoint_of(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto endpoint = os::parse_address_and_port(text.substr(colon + 1));
  if (!endpoint) return std::nullopt;
  endpoint->protocol = sip::transport_of(text.substr(0, colon));
  if (endpoint->protocol == TransportProtocol::none) return std::nullopt;
  return *endpoint;
}

// One binding whose texts are its own.
struct Row {
  std::array<std::string, texts.size()> texts_;
  shm::Binding binding;
  bool led_along_a_flow = false;

  // Moving a short string moves its bytes.
  shm::BindingChange addition() {
    for (std::size_t i = 0; i < texts.size(); ++i) binding.*texts[i] = texts_[i];
    return {.kind = shm::BindingChange::Kind::add, .serial = 0, .binding = binding};
  }
};

// Empty: it makes no sense.
std::optional<Row> read(const db::Statement& row, Moment now, std::span<const Endpoint> ours) {
  Row out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    out.texts_[i] = row.text(static_cast<int>(i));
    // It is written into header lines again.
    if (out.texts_[i].find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos) return std::nullopt;
  }
  if (out.texts_[aor].empty() || out.texts_[contact].empty()) return std::nullopt;
  shm::Binding& b = out.binding;
  b.reg_id = static_cast<std::uint32_t>(row.number(reg_id));
  b.cseq = static_cast<std::uint32_t>(row.number(cseq));
  b.q = static_cast<std::int16_t>(std::clamp<std::int64_t>(row.number(q), -1, 1000));
  b.flags = static_cast<std::uint16_t>(row.number(flags));
  b.methods = static_cast<std::uint32_t>(row.number(methods));
  const std::int64_t until = row.number(expires);
  if (until != 0) b.expires_at = now.monotonic + (until - now.unix_seconds);
  b.updated_at = now.monotonic + (row.number(updated) - now.unix_seconds);
  const std::string_view how = row.text(leads);
  out.led_along_a_flow = how == "flow";
  if (how == "address") {
    const auto to = endpoint_of(row.text(remote));
    if (!to) return std::nullopt;
    b.to.remote = *to;
    if (const auto from = endpoint_of(row.text(local)); from && std::find(ours.begin(), ours.end(), *from) != ours.end())
      b.to.local = *from;
  } else if (!out.led_along_a_flow && how != "uri") {
    return std::nullopt;
  }
  return out;
}

}  // namespace

Moment moment_of(const base::Clock& clock) noexcept { return {base::whole_seconds(clock.now()), clock.unix_seconds()}; }

// --- opening ---------------------------------------------------------------------------------------------------------

Result<MirrorDatabase> MirrorDatabase::open(const std::string& path) {
  auto file = db::Sqlite::open(path, db::Sqlite::Mode::create);
  if (!file) return file.error();
  MirrorDatabase out(*std::move(file));
  if (auto prepared = out.prepare(); !prepared) return prepared.error();
  return out;
}

Result<void> MirrorDatabase::prepare() {
  // Nobody else writes to it, so its locks are taken once; what waits in the log of the last run is taken in here. Each
  // commit is then one write and one sync of the log (WAL), and a power cut loses nothing that was committed.
  for (const char* setting : {"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
                              "PRAGMA temp_store = MEMORY", "PRAGMA trusted_schema = OFF"})
    if (auto set = db_.execute(setting); !set) return set;
  const auto is_of = db_.number("PRAGMA application_id");
  const auto version = db_.number("PRAGMA user_version");
  const auto tables = db_.number("SELECT COUNT(*) FROM sqlite_schema");
  if (!is_of) return is_of.error();
  if (!version) return version.error();
  if (!tables) return tables.error();
  if (*tables != 0 && *is_of != application)
    return Error{Errc::malformed, db_.path() + " has somebody else's tables; name another file in db_url"};
  if (*tables != 0 && *version != schema_version)
    return Error{Errc::malformed, db_.path() + " was written by another version; name another file in db_url"};
  auto transaction = db::Transaction::begin(db_);
  if (!transaction) return transaction.error();
  if (*tables == 0) {
    const std::string mark = "PRAGMA application_id = " + std::to_string(application) +
                             "; PRAGMA user_version = " + std::to_string(schema_version) + ";";
    if (auto made = db_.execute(schema + mark); !made) return made;
  }
  if (auto done = transaction->commit(); !done) return done;
  auto removal = db_.prepare("DELETE FROM binding WHERE aor = ?1");
  if (!removal) return removal.error();
  auto addition = db_.prepare(insert_row);
  if (!addition) return addition.error();
  delete_ = *std::move(removal);
  insert_ = *std::move(addition);
  return {};
}

// --- the mirror ------------------------------------------------------------------------------------------------------

Result<void> MirrorDatabase::store(std::span<const std::string> aors, const shm::BindingTable& bindings, Moment now,
                                   std::int64_t round) {
  auto transaction = db::Transaction::begin(db_);
  if (!transaction) return transaction.error();
  for (const std::string& name : aors) {
    delete_->bind(1, name);
    if (auto deleted = delete_->run(); !deleted) return deleted;
    bindings.snapshot(name, scratch_);
    // The oldest first, so that after a restart the newest is the newest again.
    for (std::size_t i = scratch_.size(); i-- > 0;) {
      const shm::Binding& binding = scratch_[i];
      if (binding.expires_at != 0 && binding.expires_at <= now.monotonic) continue;
      if (auto inserted = insert(binding, now, round); !inserted) return inserted;
    }
  }
  return transaction->commit();
}

Result<void> MirrorDatabase::insert(const shm::Binding& b, Moment now, std::int64_t round) {
  const auto calendar = [&](std::int64_t monotonic) { return now.unix_seconds + (monotonic - now.monotonic); };
  const bool is_lost = b.state == shm::BindingState::suspended;  // it led along a flow
  int at = 0;
  for (const auto text : texts) insert_->bind(++at, b.*text);
  for (const std::int64_t number : {std::int64_t{b.reg_id}, std::int64_t{b.cseq}, std::int64_t{b.q}, std::int64_t{b.flags}, std::int64_t{b.methods}})
    insert_->bind(++at, number);
  insert_->bind(++at, is_lost || b.to.is_flow() ? "flow" : b.to.is_address() ? "address" : "uri");
  insert_->bind(++at, text_of(b.to.remote));
  insert_->bind(++at, text_of(b.to.local));
  insert_->bind(++at, b.expires_at == 0 ? std::int64_t{0} : calendar(b.expires_at));
  insert_->bind(++at, calendar(b.updated_at));
  insert_->bind(++at, round);
  return insert_->run();
}

Result<void> MirrorDatabase::forget_earlier_rounds(std::int64_t round) {
  return db_.execute("DELETE FROM binding WHERE round < " + std::to_string(round));
}

Result<void> MirrorDatabase::forget_expired(Moment now) {
  return db_.execute("DELETE FROM binding WHERE expires <> 0 AND expires <= " + std::to_string(now.unix_seconds));
}

Result<std::int64_t> MirrorDatabase::last_round() { return db_.number("SELECT MAX(round) FROM binding"); }

// --- the restart -----------------------------------------------------------------------------------------------------

Result<MirrorDatabase::Restored> MirrorDatabase::restore(shm::BindingTable& bindings, shm::ProcessSlot self, Moment now,
                                                         shm::FlowLoss lost_flows, std::span<const Endpoint> ours) {
  if (const auto faults = db_.number("SELECT COUNT(*) FROM pragma_quick_check(1) WHERE quick_check <> 'ok'"); !faults || *faults != 0)
    return Error{Errc::malformed, db_.path() + " is damaged; move it away, clients will register again"};
  auto rows = db_.prepare(select_rows);
  if (!rows) return rows.error();
  rows->bind(1, now.unix_seconds);
  Restored out;
  for (;;) {
    const auto more = rows->step();
    if (!more) return more.error();
    if (!*more) return out;
    auto row = read(*rows, now, ours);
    if (row && row->led_along_a_flow && lost_flows.removes()) continue;
    if (!row) {
      ++out.lost;
      continue;
    }
    if (row->led_along_a_flow) {
      row->binding.state = shm::BindingState::suspended;
      row->binding.suspended_until = lost_flows.suspended_until;
    }
    const shm::BindingChange change = row->addition();
    bindings.snapshot(change.binding.aor, scratch_);
    if (!bindings.commit(self, change.binding.aor, scratch_.version(), {&change, 1})) ++out.lost;
    else if (row->led_along_a_flow) ++out.suspended;
    else ++out.active;
  }
}

}  // namespace sipwsd::location
