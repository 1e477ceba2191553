#pragma once
// What the daemon runs with: settings and secrets, under one version. The supervisor loads, checks and publishes a new
// version or refuses it as a whole; every other process reads it from the bundles and takes it over between two
// callbacks of its loop. Made before the first fork: each process has its own copy, and the bundles in common.
//
//   supervisor: reload() -> Switches::set_config_version -> SIGUSR1 ... all rows of the process table say so
//   child:      receive(version) -> what may fail is made -> take_over()

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "sipwsd/result.h"
#include "src/config/load.h"
#include "src/config/settings.h"
#include "src/process/bundle.h"
#include "src/process/secrets.h"

namespace sipwsd::process {

class Configuration {
 public:
  using Load = std::function<std::variant<config::Loaded, config::Stop>()>;
  // Without `load` the command line that started us is read again, and the file it names.
  explicit Configuration(config::Settings settings, Load load = {});
  Configuration(const Configuration&) = delete;
  Configuration& operator=(const Configuration&) = delete;

  // --- the supervisor's, in this order
  // While errors still have a terminal.
  Result<void> read_secrets(std::int64_t unix_now);
  // In the process that will fork: makes the bundles and publishes version 1.
  Result<void> open();
  enum class Scope : std::uint8_t { everything, tls };
  // The lines say what changed. An Error's `why` is lines too: why it was refused; nothing has changed then.
  Result<std::vector<std::string>> reload(Scope scope, std::int64_t unix_now);
  [[nodiscard]] const std::vector<tls::CertificateInfo>& certificates() const noexcept { return certificates_; }

  // --- every process
  [[nodiscard]] const config::Settings& settings() const noexcept { return settings_; }
  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
  [[nodiscard]] int settings_file() const noexcept { return settings_bundle_.raw(); }
  [[nodiscard]] int secrets_file() const noexcept { return secrets_bundle_.raw(); }

  // --- in a child
  // It was not given the file with the secrets.
  void live_without_secrets() noexcept { has_secrets_ = false; }
  struct Update {
    std::uint32_t version = 0;
    config::Settings settings;
    Secrets secrets;  // nothing in a role that lives without
  };
  // gone: there is a newer one, or will be in a moment.
  Result<Update> receive(std::uint32_t version) const;
  void take_over(Update update) noexcept;

 private:
  Result<void> publish(std::uint32_t version, const config::Settings& settings, const Secrets& secrets);
  Result<LoadedSecrets> secrets_for(Scope scope, const config::Settings& settings, std::int64_t unix_now) const;
  void replace_settings(config::Settings settings) noexcept;

  config::Settings settings_;
  Load load_;
  Bundle settings_bundle_;
  Bundle secrets_bundle_;
  Secrets unpublished_;  // between read_secrets() and open()
  std::vector<tls::CertificateInfo> certificates_;
  std::uint32_t version_ = 0;
  bool has_secrets_ = true;
};

}  // namespace sipwsd::process
