#pragma once
// From `--stage NAME[:ARG]` to the chain of routing stages: one row a stage.

#include <stdexcept>
#include <string_view>
#include <vector>

#include "sipwsd/result.h"
#include "src/auth/credentials_file.h"
#include "src/auth/jwt.h"
#include "src/base/random.h"
#include "src/config/settings.h"
#include "src/location/store.h"
#include "src/route/router.h"
#include "src/route/stage_chain.h"

namespace sipwsd::process {

struct Inherited;

// In the supervisor, before the first fork.
Result<void> prepare_stages(const config::Settings& settings);
// A stage that can't be made after all.
struct StageFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Whom stages ask after.
struct Users {
  auth::CredentialsFile credentials;
  std::vector<auth::TokenKey> tokens;
};

// In each worker. Only after prepare_stages said yes. Throws StageFailure. `users` must outlive the stages; a reload changes
// them in place.
std::vector<route::StagePointer> make_stages(const Inherited& inherited, route::Router& router, location::Store& store,
                                             base::Random& random, const Users& users);

}  // namespace sipwsd::process
