#pragma once
// The demo phone, compiled in: the page, its script and style, JsSIP and an icon. scripts/embed-demo bundles them into one
// generated source at build time; nothing is read from the disk and nothing comes from another host.

#include <array>
#include <span>
#include <string_view>

#include "sipwsd/exchange.h"

namespace sipwsd::stage {

struct Asset {
  std::string_view path;          // as requested; the page itself is "/"
  std::string_view content_type;
  std::string_view bytes;
};

std::span<const Asset> demo_assets() noexcept;

// nullptr when nothing is served there. `path` is without the query.
const Asset* find_demo_asset(std::string_view path) noexcept;

// Sent with every asset. The page needs its own files, its own WebSocket and the microphone, and nothing else.
inline constexpr auto demo_headers = std::to_array<HeaderLine>({
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws: wss:; "
     "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"Permissions-Policy", "microphone=(self), camera=(), geolocation=()"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-cache"},
});

}  // namespace sipwsd::stage
