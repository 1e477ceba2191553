#pragma once
// The C library's heap in a process that lives for months and now and then holds a hundred times its usual: what it
// frees goes back to the system, not into a reserve for ever.

namespace sipwsd::os {

// Once, in each process: large blocks get pages of their own, which go back when they are freed. (By default the
// library raises that limit with each large block it frees, and then keeps them.)
void prepare_heap() noexcept;
// Now and then: gives back the pages between what is in use, when they are worth it.
void tidy_heap() noexcept;

}  // namespace sipwsd::os
