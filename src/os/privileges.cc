#include "src/os/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "src/base/text.h"
#include "src/os/fd.h"

namespace sipwsd::os {
namespace {

Result<void> resolve_user(const std::string& user, Identity& identity) {
  errno = 0;
  const passwd* entry = user.empty() ? getpwuid(geteuid()) : getpwnam(user.c_str());
  const auto id = base::parse_decimal<uid_t>(user);
  if (entry == nullptr && id) entry = getpwuid(*id);
  if (entry == nullptr && !id && !user.empty()) return Error{Errc::not_found, "there is no user \"" + user + "\"; name another, or make it with adduser --system"};
  identity.user = entry != nullptr ? entry->pw_uid : id.value_or(geteuid());
  identity.group = entry != nullptr ? entry->pw_gid : getegid();
  identity.name = entry != nullptr ? entry->pw_name : std::to_string(identity.user);
  return {};
}

Result<void> resolve_group(const std::string& group, Identity& identity) {
  if (group.empty()) return {};
  const ::group* entry = getgrnam(group.c_str());
  const auto id = base::parse_decimal<gid_t>(group);
  if (entry == nullptr && !id) return Error{Errc::not_found, "there is no group \"" + group + "\"; name another, or make it with addgroup --system"};
  identity.group = entry != nullptr ? entry->gr_gid : *id;
  return {};
}

}  // namespace

Result<Identity> resolve_identity(const std::string& user, const std::string& group) {
  Identity identity;
  if (auto resolved = resolve_user(user, identity); !resolved) return resolved.error();
  if (auto resolved = resolve_group(group, identity); !resolved) return resolved.error();
  int count = 64;
  identity.groups.resize(static_cast<std::size_t>(count));
  if (getgrouplist(identity.name.c_str(), identity.group, identity.groups.data(), &count) < 0) {
    identity.groups.resize(static_cast<std::size_t>(count));
    if (getgrouplist(identity.name.c_str(), identity.group, identity.groups.data(), &count) < 0) count = 0;
  }
  identity.groups.resize(static_cast<std::size_t>(count));
  return identity;
}

Result<void> become(const Identity& identity) {
  const bool is_it_already = geteuid() == identity.user && getuid() == identity.user && getegid() == identity.group;
  if (is_it_already) return {};
  if (setgroups(identity.groups.size(), identity.groups.data()) != 0)
    return system_error("cannot take the groups of " + identity.name);
  if (setresgid(identity.group, identity.group, identity.group) != 0)
    return system_error("cannot take the group of " + identity.name);
  if (setresuid(identity.user, identity.user, identity.user) != 0) return system_error("cannot become " + identity.name);
  if (identity.user != 0 && setresuid(0, 0, 0) == 0) return Error{Errc::system, "could become root again"};
  return {};
}

void forbid_new_privileges() noexcept { prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

}  // namespace sipwsd::os
