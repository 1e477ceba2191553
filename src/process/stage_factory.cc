#include "src/process/stage_factory.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "src/auth/handshake_gate.h"
#include "src/auth/sip_gatekeeper.h"
#include "src/process/inherited.h"
#include "src/stage/demo/demo_stage.h"
#include "src/stage/echo/echo_stage.h"
#include "src/stage/edge/edge_stage.h"
#include "src/stage/handshake/handshake_stage.h"
#include "src/stage/plugin/plugin_loader.h"

namespace sipwsd::process {
namespace {

std::optional<stage::Plugin>& loaded_plugin() {
  static std::optional<stage::Plugin> only;
  return only;
}

std::string& nonce_key() {
  static std::string only;
  return only;
}

struct Needs {
  const config::Settings& settings;
  route::Router& router;
  location::Store& store;
  shm::SharedState& shared;
  const base::Clock& clock;
  base::Random& random;
  const Users& users;
};

route::StagePointer own(RoutingStage* stage) {
  return {stage, [](RoutingStage* s) { delete s; }};
}

auth::DigestAccess digest(const Needs& needs) {
  return auth::DigestAccess({.credentials = needs.users.credentials,
                             .settings = needs.settings,
                             .nonce_key = nonce_key(),
                             .used = needs.shared.nonces,
                             .clock = needs.clock,
                             .random = needs.random});
}
// Who guesses passwords is on the way to a ban.
std::function<void(const Arrival&)> strikes(const Needs& needs) {
  return [&router = needs.router, &clock = needs.clock](const Arrival& arrival) {
    static_cast<void>(router.connections().admission().strike(arrival.remote, shm::BanReason::auth_failure, clock.now()));
  };
}

route::StagePointer make_handshake(const Needs& needs, shm::OwnCounters counters) {
  auth::HandshakeGate gate(
      {.settings = needs.settings, .keys = needs.users.tokens, .digest = digest(needs), .clock = needs.clock, .on_guess = strikes(needs)});
  return own(new stage::HandshakeStage(std::move(gate), [counters](int status) mutable {
    counters.add(shm::Counter::ws_failed_handshakes);
    counters.add(status == 401   ? shm::Counter::handshake_refused_401
                 : status == 403 ? shm::Counter::handshake_refused_403
                                 : shm::Counter::handshake_refused_400);
  }));
}
route::StagePointer make_echo(const Needs&) { return own(new stage::EchoStage); }
route::StagePointer make_edge(const Needs& needs) {
  std::unique_ptr<auth::Gatekeeper> gatekeeper;
  const bool has_users = needs.settings.auth_mode == config::AuthMode::digest || needs.settings.ws_auth.any();
  if (has_users)
    gatekeeper = std::make_unique<auth::SipGatekeeper>(
        auth::SipGatekeeper::Parts{.settings = needs.settings, .digest = digest(needs), .on_guess = strikes(needs)});
  return own(new stage::EdgeStage(std::move(gatekeeper)));
}
route::StagePointer make_plugin(const Needs&) {
  const auto& plugin = *loaded_plugin();
  RoutingStage* stage = plugin.descriptor().create(plugin.argument().c_str());
  if (stage == nullptr)
    throw StageFailure("the plug-in made no stage of the argument `" + plugin.argument() + "`; see what it takes after the comma");
  return {stage, plugin.descriptor().destroy};
}

Result<void> takes_no_argument(const std::string& argument) {
  if (argument.empty()) return {};
  return Error{Errc::malformed, "this stage takes no argument; write --stage NAME without `:" + argument + "`"};
}
Result<void> load_plugin(const std::string& argument) {
  auto plugin = stage::Plugin::load(argument);
  if (!plugin) return plugin.error();
  loaded_plugin() = *plugin;
  return {};
}

struct Row {
  std::string_view name;
  Result<void> (*prepare)(const std::string& argument);
  route::StagePointer (*make)(const Needs& needs);
};

constexpr std::array rows{
    Row{"edge", takes_no_argument, make_edge},
    Row{"echo", takes_no_argument, make_echo},
    Row{"plugin", load_plugin, make_plugin},
};

const Row* find_row(std::string_view name) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == name; });
  return row == rows.end() ? nullptr : &*row;
}

std::string_view name_of(const std::string& stage) { return std::string_view(stage).substr(0, stage.find(':')); }
std::string argument_of(const std::string& stage) {
  const auto colon = stage.find(':');
  return colon == std::string::npos ? std::string{} : stage.substr(colon + 1);
}

}  // namespace

Result<void> prepare_stages(const config::Settings& settings) {
  const Row* row = find_row(name_of(settings.stage));
  if (row != nullptr) {
    base::SystemRandom random;
    nonce_key() = random.token(32);
    return row->prepare(argument_of(settings.stage));
  }
  std::string known;
  for (const Row& r : rows) known.append(known.empty() ? "" : ", ").append(r.name);
  return Error{Errc::not_found, "no stage is called `" + std::string(name_of(settings.stage)) + "`; write one of: " + known};
}

std::vector<route::StagePointer> make_stages(const Inherited& inherited, route::Router& router, location::Store& store,
                                             base::Random& random, const Users& users) {
  const auto& settings = inherited.settings;
  std::vector<route::StagePointer> chain;
  if (settings.demo)
    chain.push_back(own(new stage::DemoStage(store, router.names(), settings.alias.empty() ? "localhost" : settings.alias.front())));
  const Needs needs{settings, router, store, inherited.shared, inherited.clock, random, users};
  if (settings.ws_auth.any()) chain.push_back(make_handshake(needs, inherited.shared.counters.row(inherited.slot)));
  chain.push_back(find_row(name_of(settings.stage))->make(needs));
  return chain;
}

}  // namespace sipwsd::process
