#pragma once
// The mirror: the one process that writes bindings to the database (usrloc.db_url), so that workers never wait for a
// disk. Workers name the addresses of record that have changed; all that came in one turn is one transaction with one
// sync of the disk, and then everybody is told: while the disk is busy the next turn's letters gather, so the slower the
// disk, the more bindings share a sync.
//
// After its start it goes once through all of shared memory, a stripe a turn: what a predecessor had been told and not
// written is written, and rows that nobody has any more go. A letter may come before its stripe or after; both store
// what shared memory says now.

namespace sipwsd::process {

struct Inherited;

int run_mirror(Inherited& inherited);

}  // namespace sipwsd::process
