/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a small program and takes what it prints, within a time. Blocks; one thread. */
#ifndef FRAMEFARM_CMD_CAPTURE_H
#define FRAMEFARM_CMD_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

struct err;

#define CAPTURE_SIGNAL 128 /* as in a shell */

/* argv[0] is a path; stdin is empty; stdout and stderr both go to dst, cut at its size and closed with
 * NUL. Returns the exit code (0…255), CAPTURE_SIGNAL + the signal that ended it, or ERR_TIMEOUT (it was killed)
 * or another negative code when it could not be started. */
int capture_run(char *const argv[], int64_t timeout_ms, char *dst, size_t size, struct err *e);

#endif
