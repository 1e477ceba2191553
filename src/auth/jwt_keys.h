#pragma once
// The files of jwt_key: read by who may open files, handed over as one piece of bytes, made into keys by who needs them.

#include <string>
#include <string_view>
#include <vector>

#include "sipwsd/result.h"
#include "src/auth/jwt.h"
#include "src/tls/secret.h"

namespace sipwsd::auth {

// `entries` as in jwt_key: FILE or KID=FILE. The Error names the file.
Result<tls::Secret> read_token_keys(const std::vector<std::string>& entries);
// Of what read_token_keys gave; no bytes are no keys.
Result<std::vector<TokenKey>> make_token_keys(std::string_view bytes);

}  // namespace sipwsd::auth
