#pragma once
// What a REGISTER does to the bindings of its address of record (RFC 3261 10.3 steps 6 and 7, RFC 5626 6): bindings as
// they are and contacts as they are wanted come in, a list of changes comes out. Decides; stores nothing.
//
// Which binding a contact is about:
//   - with reg-id (Outbound): that of the same instance and reg-id, whatever its URI;
//   - otherwise that of an equivalent URI (RFC 3261 19.1.4);
//   - otherwise, when it says its instance, that of the same instance which came another way: a page that was loaded
//     anew, or whose network changed, has another URI, and its old connection may not yet be known to be dead.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shm/binding_table.h"
#include "sipwsd/result.h"

namespace sipwsd::location {

struct WantedContact {
  std::string_view uri;
  std::string parameters;    // to give back
  std::string instance;
  std::int64_t expires = 0;  // seconds; 0: remove
  std::uint32_t reg_id = 0;  // only with an instance (RFC 5626 4.2)
  std::int16_t q = -1;
};

// The same for all contacts of one request.
struct RegistrationFacts {
  std::string_view aor, call_id, user_agent, path, received;
  std::uint32_t cseq = 0;
  Flow flow;        // the request came along it
  Destination to;   // where the bindings lead
  std::int64_t now = 0;
};

// A client that has come another way than before.
struct Returned {
  ClientId client = ClientId::none;
  ConnectionId left = ConnectionId::none;  // where it was, as far as anybody knows that connection still lives
  friend bool operator==(const Returned&, const Returned&) = default;
};

class RegistrationPlan {
 public:
  // Begins anew; `facts` and `before` are looked at until the next begin().
  void begin(const RegistrationFacts& facts, const shm::BindingSnapshot& before);

  // Errc::refused: the request is older than what it would change; it must fail as a whole.
  Result<void> remove_all();
  Result<void> apply(const WantedContact& wanted);
  // So that not more than `most` are in force: those that wait for their client give way to those that are here.
  void make_room(std::size_t most);
  // What has expired goes too, as far as there is room behind what was asked for; the rest is swept later.
  void drop_expired();

  [[nodiscard]] std::span<const shm::BindingChange> changes() const noexcept { return changes_; }
  [[nodiscard]] std::size_t added() const noexcept { return added_; }
  [[nodiscard]] std::size_t in_force() const noexcept { return kept_ + added_; }  // afterwards
  // It binds somebody here who was expected back, or was to be found over another flow.
  void find_returned(std::vector<Returned>& returned) const;

 private:
  using Kind = shm::BindingChange::Kind;
  [[nodiscard]] const shm::Binding* match_for(const WantedContact& wanted) const;
  [[nodiscard]] bool is_stale(const shm::Binding& binding) const noexcept;
  [[nodiscard]] bool is_late(const shm::Binding& binding) const noexcept;
  [[nodiscard]] bool is_repetition_of(const shm::Binding& binding) const noexcept;
  shm::BindingChange* change_of(std::uint64_t serial);
  [[nodiscard]] const shm::BindingChange* change_of(std::uint64_t serial) const;
  shm::BindingChange* addition_of(const WantedContact& wanted);
  void remove(const shm::Binding& binding);

  const RegistrationFacts* facts_ = nullptr;
  const shm::BindingSnapshot* before_ = nullptr;
  std::vector<shm::BindingChange> changes_;  // its memory stays
  std::size_t kept_ = 0, added_ = 0;
};

[[nodiscard]] bool has_expired(const shm::Binding& binding, std::int64_t now) noexcept;

}  // namespace sipwsd::location
