#include "src/process/configuration.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "src/base/log.h"
#include "src/config/reload.h"

namespace sipwsd::process {
namespace {

// Address space; memory only as far as it is written. A credentials file may have 256 MiB.
constexpr std::size_t most_settings = std::size_t{4} << 20;
constexpr std::size_t most_secrets = std::size_t{320} << 20;

std::variant<config::Loaded, config::Stop> load_again(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  return config::load(static_cast<int>(argv.size()), argv.data());
}

// Its lines name the program, which the log does too; the pictures below them are for a terminal.
std::string for_the_log(std::string_view text) {
  constexpr std::string_view name = "sipwsd: ";
  std::string out;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.starts_with(name)) line.remove_prefix(name.size());
    if (!line.empty() && !line.starts_with(' ')) out.append(out.empty() ? "" : "\n").append(line);
  }
  return out;
}

Error needs_a_restart(const std::vector<config::Change>& changes) {
  std::string why;
  for (const config::Change& change : changes)
    why += (why.empty() ? "" : "\n") + change.parameter + " needs a restart" + config::to_text(change).substr(change.parameter.size());
  return {Errc::refused, std::move(why)};
}

}  // namespace

Configuration::Configuration(config::Settings settings, Load load) : settings_(std::move(settings)), load_(std::move(load)) {
  if (!load_) load_ = [arguments = settings_.arguments] { return load_again(arguments); };
}

// --- the supervisor ------------------------------------------------------------------------------------------------

Result<void> Configuration::read_secrets(std::int64_t unix_now) {
  auto loaded = load_secrets(settings_, unix_now);
  if (!loaded) return loaded.error();
  unpublished_ = std::move(loaded->secrets);
  certificates_ = std::move(loaded->certificates);
  return {};
}

Result<void> Configuration::open() {
  auto settings = Bundle::create("sipwsd settings", most_settings);
  if (!settings) return settings.error();
  auto secrets = Bundle::create("sipwsd secrets", most_secrets);
  if (!secrets) return secrets.error();
  settings_bundle_ = *std::move(settings);
  secrets_bundle_ = *std::move(secrets);
  if (auto published = publish(1, settings_, std::exchange(unpublished_, {})); !published) return published;
  version_ = 1;
  return {};
}

Result<void> Configuration::publish(std::uint32_t version, const config::Settings& settings, const Secrets& secrets) {
  if (auto published = settings_bundle_.publish(version, config::running_text(settings)); !published) return published;
  return secrets_bundle_.publish(version, pack(secrets).view());
}

Result<LoadedSecrets> Configuration::secrets_for(Scope scope, const config::Settings& settings, std::int64_t unix_now) const {
  if (scope == Scope::everything) return load_secrets(settings, unix_now);
  auto bytes = secrets_bundle_.read(version_);
  if (!bytes) return bytes.error();
  auto now = unpack_secrets(tls::Secret{*std::move(bytes)});
  if (!now) return now.error();
  return load_tls_secrets(settings, *std::move(now), unix_now);
}

Result<std::vector<std::string>> Configuration::reload(Scope scope, std::int64_t unix_now) try {
  config::Settings wanted = settings_;
  std::vector<std::string> lines;
  if (scope == Scope::everything) {
    auto loaded = load_();
    if (const auto* stop = std::get_if<config::Stop>(&loaded))
      return Error{Errc::malformed, for_the_log(stop->standard_error)};
    auto& fresh = std::get<config::Loaded>(loaded);
    const auto changes = config::changes_between(settings_, fresh.settings);
    if (!changes.restart.empty()) return needs_a_restart(changes.restart);
    for (const auto& warning : fresh.warnings) log::warning("{}", warning);
    for (const auto& change : changes.running) lines.push_back(config::to_text(change));
    wanted = std::move(fresh.settings);
  }
  auto loaded = secrets_for(scope, wanted, unix_now);
  if (!loaded) return loaded.error();
  if (auto published = publish(version_ + 1, wanted, loaded->secrets); !published) return published.error();
  ++version_;
  replace_settings(std::move(wanted));
  certificates_ = std::move(loaded->certificates);
  return lines;
} catch (const std::exception& e) {
  return Error{Errc::system, e.what()};
}

// --- the others ----------------------------------------------------------------------------------------------------

Result<Configuration::Update> Configuration::receive(std::uint32_t version) const {
  Update update{version, settings_, {}};
  const auto text = settings_bundle_.read(version);
  if (!text) return text.error();
  if (auto applied = config::apply_running(*text, update.settings); !applied) return applied.error();
  if (!has_secrets_) return update;
  auto bytes = secrets_bundle_.read(version);
  if (!bytes) return bytes.error();
  auto secrets = unpack_secrets(tls::Secret{*std::move(bytes)});
  if (!secrets) return secrets.error();
  update.secrets = *std::move(secrets);
  return update;
}

void Configuration::take_over(Update update) noexcept {
  version_ = update.version;
  replace_settings(std::move(update.settings));
}

// Sockets refer to the elements of `listen`, which no reload changes: they stay where they are.
void Configuration::replace_settings(config::Settings settings) noexcept {
  settings.listen.swap(settings_.listen);
  settings_ = std::move(settings);
}

}  // namespace sipwsd::process
