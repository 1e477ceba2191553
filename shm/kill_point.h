#pragma once
// Numbered places where a test kills a process in the middle of its work. In the daemon a kill point is nothing; in test
// builds (-DSIPWSD_KILL_POINTS) the armed one sends SIGKILL to its own process. Only .cc files contain kill points, so
// that the two builds never disagree about an inline function.

namespace sipwsd::shm {

enum class KillPoint : int {
  none = 0,
  // connection_table: insert
  insert_claimed,
  insert_filled,
  insert_locked,
  insert_is_truth,
  insert_next_set,
  insert_linked,
  insert_counted,
  // set_state, upgrade
  state_locked,
  state_changed,
  upgrade_uncounted,
  upgrade_half_changed,
  upgrade_changed,
  // retire
  retire_locked,
  retire_unlinked,
  retire_uncounted,
  retire_freed,
  retire_unmarked,
  // mark_lost
  lost_locked,
  lost_adopter_set,
  lost_marked,
  lost_counted,
  // take_lost
  take_locked,
  take_unlinked,
  take_counted,
  take_freed,
  // rebuild of a stripe
  rebuild_cleared,
  rebuild_half,
  rebuild_done,
  // copy_stripe, find
  copy_locked,
  find_locked,
  // letter_ring
  ring_wrapped,
  ring_written,
  ring_published,
  ring_taken,
  ring_released,
  // mailbox_set
  wake_decided,
  wake_written,
  // slab_pool
  block_reserved,
  block_freed,
  // binding_table: commit
  commit_entry_claimed,
  commit_block_reserved,
  commit_texts_written,
  commit_prepared,
  commit_locked,
  commit_half_noted,
  commit_noted,
  commit_added,
  commit_removed,
  commit_linked,
  commit_done,
  commit_unlocked,
  commit_block_released,
  // drop_flow, expire
  drop_locked,
  drop_suspended,
  drop_noted,
  // binding_table: repair
  repair_carried_out,
  repair_cleared,
  repair_half,
  repair_done,
  // nonce_table
  nonce_half_written,
  nonce_written,
  // ban_table
  strike_half_written,
  strike_written,
  ban_half_written,
  ban_unnamed,
  // address_table
  address_unnamed,
  address_named,
  address_counted,
  // ticket_keys
  ticket_key_written,
  count,
};

// In a test child: die at the `times`-th passing of the point. The environment variable SIPWSD_KILL_POINT=number arms
// it from outside. Does nothing in a build without kill points.
void arm_kill_point(KillPoint point, int times = 1) noexcept;

#ifdef SIPWSD_KILL_POINTS
void pass_kill_point(KillPoint point) noexcept;
static inline void kill_point(KillPoint point) noexcept { pass_kill_point(point); }
#else
static inline void kill_point(KillPoint) noexcept {}
#endif

}  // namespace sipwsd::shm
