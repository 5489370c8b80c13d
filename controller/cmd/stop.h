/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGINT and SIGTERM for a command that must still say something before it ends (`run`, `job wait`):
 * they are blocked and read from a descriptor, so no code of ours runs inside a handler, and every
 * wait of such a command is a poll() that this descriptor ends. Before stop_begin() and after
 * stop_end() the signals kill as usual. One thread; process-wide.
 */
#ifndef FRAMEFARM_CMD_STOP_H
#define FRAMEFARM_CMD_STOP_H

#include <stdbool.h>
#include <stdint.h>

struct err;

int stop_begin(struct err *e);
/* A second signal kills from here on. */
void stop_end(void);

int stop_fd(void);     /* becomes readable with a signal; -1 outside of begin and end */
bool stop_asked(void); /* a signal has come */
/* Waits ms or until a signal comes; true for a signal. */
bool stop_sleep(int64_t ms);

#endif
