/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At the agent's start: what an earlier start left in DIR/spool. Attempts that have their end only
 * go on the shelf. One without was cut short: its runner is killed if it still lives, its frames
 * are cut behind the last whole one, what the ring holds beyond them is sealed, and its end says
 * "interrupted". All under the boot and the numbers that the spool has, so nothing is doubled.
 */
#ifndef FRAMEFARM_AGENT_RECOVER_H
#define FRAMEFARM_AGENT_RECOVER_H

struct home;
struct ident;
struct shelf;
struct timesrc;

/* Fills the shelf. What cannot be recovered is logged, and deleted if nothing was ever measured. */
void recover_all(
	struct shelf *shelf, const struct home *home, const struct ident *id, struct timesrc *ts);

#endif
