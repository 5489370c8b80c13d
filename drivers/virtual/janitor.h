/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the phones' temporary directory away when the program ends, however it ends: a small process
 * of its own that waits for the other end of a pipe to close. It is started while the program may
 * still be root, so it can take the directory out of a parent that the phones' user may not write;
 * what is in the directory is removed as that user.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_JANITOR_H
#define FRAMEFARM_DRIVERS_VIRTUAL_JANITOR_H

struct janitor {
	int pid, pipe;
};

/* The working directory is `dir`; what is in it is removed as uid where we are root. Before there are
 * threads. 0 or -1/errno. */
int janitor_start(struct janitor *j, const char *dir, unsigned uid);
/* Has it done now, and waits for its end. 0 when nothing is left. */
int janitor_finish(struct janitor *j);

#endif
