#pragma once
// RLIMIT_NOFILE: a worker holds a descriptor for every connection, and the usual soft limit of 1024 is for programs that
// use select(2). We don't.

#include <cstdint>

namespace sipwsd::os {

// Raises the soft limit to `wanted`, and the hard limit too where we may. What is allowed now, which may be less.
// Inherited by children.
std::uint64_t raise_descriptor_limit(std::uint64_t wanted) noexcept;

}  // namespace sipwsd::os
