/* SPDX-License-Identifier: Apache-2.0 */
/* A replayed agent: says WELCOME, and once it has a START, STATUS each 500 ms and chunks of twenty
 * counters at 10 Hz as the real one seals them, until STOP or the end of the connection. Loop thread. */
#ifndef FRAMEFARM_TESTS_BENCH_REPLAY_H
#define FRAMEFARM_TESTS_BENCH_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct adb_stream;
struct driver_host;
struct replay_agent;

/* begun(arg) at each START. */
struct replay_agent *replay_agent_new(
	struct driver_host *h, int number, void (*begun)(void *arg), void *arg);
/* Accepts the stream; one connection at a time, the newest. */
void replay_agent_connect(struct replay_agent *a, struct adb_stream *s);

#endif
