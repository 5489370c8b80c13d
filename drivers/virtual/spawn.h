/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs inside a phone, started by its first process: with pipes or a terminal, Android's
 * environment, a session of their own. What is started here is known by the number that the phone
 * program gave it; what those programs start themselves belongs to nobody but process 1, so a daemon
 * survives the shell it came from. Part of init's process.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_SPAWN_H
#define FRAMEFARM_DRIVERS_VIRTUAL_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "drivers/virtual/initmsg.h"

#define SPAWN_MAX 512 /* started and not ended, of one phone */

void spawn_setup(bool arm64);
/* 0, or -1/errno. *ret_master is the terminal's, where one was asked for; the caller's. */
int spawn_start(const struct initmsg *m, const int fds[INITMSG_FDS], int *ret_master);
/* Signals that process alone, as adbd does when a shell's stream closes. */
void spawn_kill(uint32_t id, int sig);
/* The number of a process that was reaped, or 0. */
uint32_t spawn_ended(pid_t pid);

#endif
