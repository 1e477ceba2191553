#pragma once
// Which pages may open a WebSocket here (RFC 6455 4.1 (8), 10.2; RFC 6454; S05). Browsers put the page's origin in the
// request and a page can't forge it; everyone else can, so this protects browsers' users only.

#include "sipwsd/result.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::ws {

class OriginPolicy {
 public:
  // What to do with a request that has no Origin (a phone, a trunk, a script).
  enum class Absent : std::uint8_t { allowed_without_a_list, allowed, refused };

  // No list: every origin but `null`.
  OriginPolicy() = default;

  // Each entry is `scheme://host[:port]`, where a label of the host may be `*` and stands for exactly one label
  // (`https://*.example.com` is not example.com, nor a.b.example.com); or `null`; or `*` for every origin but null.
  // A port that is not written is the scheme's own.
  static Result<OriginPolicy> parse(std::span<const std::string> entries,
                                    Absent absent = Absent::allowed_without_a_list);

  bool allows(std::optional<std::string_view> origin) const noexcept;

 private:
  struct Entry {
    std::string scheme;
    std::string host;
    std::uint16_t port = 0;
  };
  std::vector<Entry> entries_;
  bool any_ = true;
  bool null_ = false;
  bool absent_ = true;
};

}  // namespace sipwsd::ws
