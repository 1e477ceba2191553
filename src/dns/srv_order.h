#pragma once
// RFC 2782: the lowest priority number first; within one, chance by weight.

#include "src/base/random.h"
#include "src/dns/records.h"

#include <vector>

namespace sipwsd::dns {

std::vector<Srv> in_order_to_try(std::vector<Srv> records, base::Random& chance);

}  // namespace sipwsd::dns
