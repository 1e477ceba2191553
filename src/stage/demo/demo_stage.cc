#include "src/stage/demo/demo_stage.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

#include "src/stage/demo/demo_assets.h"

namespace sipwsd::stage {
namespace {

constexpr std::size_t max_listed = 200;

std::string dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);  // a user's name may be any bytes
}

std::vector<HeaderLine> headers_for(std::string_view content_type) {
  std::vector<HeaderLine> headers{{"Content-Type", content_type}};
  headers.insert(headers.end(), demo_headers.begin(), demo_headers.end());
  return headers;
}

}  // namespace

Verdict DemoStage::on_http(HttpExchange& exchange) {
  if (exchange.is_upgrade()) return Verdict::next;
  if (!names_.serves_host(exchange.header("Host"), exchange.arrival().local)) {
    exchange.reply(403, "Forbidden", {}, {});
    return Verdict::handled;
  }
  if (exchange.method() != "GET" && exchange.method() != "HEAD") {
    const HeaderLine allow[]{{"Allow", "GET, HEAD"}};
    exchange.reply(405, "Method Not Allowed", allow, {});
    return Verdict::handled;
  }
  const auto path = exchange.target().substr(0, exchange.target().find('?'));
  if (const Asset* asset = find_demo_asset(path))
    exchange.reply(200, "OK", headers_for(asset->content_type), asset->bytes);
  else if (path == "/demo.json")
    exchange.reply(200, "OK", headers_for("application/json"), about());
  else if (path == "/demo/online.json")
    exchange.reply(200, "OK", headers_for("application/json"), online());
  else
    exchange.reply(404, "Not Found", headers_for("text/plain"), "not found\n");
  return Verdict::handled;
}

std::string DemoStage::about() const { return dump({{"domain", domain_}, {"version", SIPWSD_VERSION}}); }

std::string DemoStage::online() const {
  std::vector<std::string> names;
  for (const auto& aor : store_.reachable(max_listed)) {
    const auto at = aor.rfind('@');
    if (at != std::string::npos && aor.substr(at + 1) == domain_) names.push_back(aor.substr(0, at));
  }
  std::sort(names.begin(), names.end());
  return dump({{"online", names}});
}

}  // namespace sipwsd::stage
