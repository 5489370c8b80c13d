/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's directory (--dir):
 *	agent.pid    locked while an agent lives here, so there is never a second one
 *	agent.log    (agent.log.1)
 *	uuid         who this device is, made at the first start
 *	epochs       the newest epoch of each farm
 *	files/       what the driver pushed, named by SHA-256
 *	spool/ID/    what attempt ID measured, see spool.h
 *	scratch/ID/  the working directory of attempt ID's runner, emptied afterwards
 */
#ifndef FRAMEFARM_AGENT_HOME_H
#define FRAMEFARM_AGENT_HOME_H

struct home {
	int dir, files, spool, scratch;
	int lock;
};

/* Opens the directories, made where they are missing, and takes the lock. Returns 0 or -errno;
 * -EBUSY when another agent has it. */
int home_open(struct home *h, const char *path);
/* Gives the lock back. */
void home_close(struct home *h);

#endif
