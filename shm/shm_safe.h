#pragma once
// What may stand in shared memory: values only. No pointer, no vtable, no std::string; links are indices. All-zero
// bytes must be the empty value, because fresh pages are zero and nobody touches them just to initialise them.

#include <type_traits>

namespace sipwsd::shm {

template <typename T>
concept ShmSafe = std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> && !std::is_pointer_v<T> &&
                  !std::is_polymorphic_v<T>;

}  // namespace sipwsd::shm
