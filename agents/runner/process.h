/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program as the agent starts it: descriptors 3 and 4 (runner.h), one process of an attempt,
 * PROTO_DONE, exit.
 */
#ifndef FRAMEFARM_RUNNER_PROCESS_H
#define FRAMEFARM_RUNNER_PROCESS_H

/* clock: path of a clock page (timesrc.h), or NULL. Returns an exit code only if that cannot be
 * opened; otherwise exits, with 0 once PROTO_DONE was sent. */
int process_main(const char *clock);

#endif
