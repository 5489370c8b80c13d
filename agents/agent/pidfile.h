/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A note of the live runner's process, so that the next start of the agent can make sure that it is
 * dead. Process ids are used again; the time of start tells one holder from the next.
 */
#ifndef FRAMEFARM_AGENT_PIDFILE_H
#define FRAMEFARM_AGENT_PIDFILE_H

#include <sys/types.h>

struct timesrc;

#define PIDFILE_WAIT_NS 3000000000LL

/* Writes the note into the directory. Returns 0 or -errno. */
int pidfile_write(int dirfd, pid_t pid);
void pidfile_remove(int dirfd);
/* Kills the process of the note, if it still is that one, and waits until it is gone. Returns 0, or
 * -errno: -ETIMEDOUT when it does not die. */
int pidfile_kill(int dirfd, struct timesrc *ts);

#endif
