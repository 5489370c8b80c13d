/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket, read side: what this process shall do, with its files, and later perhaps a
 * cancel. The main thread reads until everything has come; then a thread of its own takes over,
 * which is blocked in recv() for as long as the attempt runs and therefore costs a timed block
 * nothing. A cancel, and the agent's end, set a flag and terminate the inference that is running.
 */
#ifndef FRAMEFARM_RUNNER_CHANNEL_H
#define FRAMEFARM_RUNNER_CHANNEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "files.h"
#include "ort.h"
#include "plan.h"
#include "proto.h"

struct assignment {
	uint32_t process; /* which of the plan's processes this is */
	struct plan plan;
	struct files files;
};

struct channel {
	int fd;
	struct proto_parser parser;
	int fds[RUNNER_FILES_MAX]; /* come, not yet named by a FILES frame */
	uint32_t n_fds;
	bool has_run;
	uint32_t n_come; /* files that came */
	pthread_t thread;
	bool watching;
	atomic_bool cancelled;
	atomic_bool agent_gone;
	pthread_mutex_t lock; /* guards ort */
	struct ort *ort;
};

void channel_init(struct channel *c, int fd);
void channel_fini(struct channel *c); /* ends the watch */

/* Reads PROTO_RUN and its files. A cancel meanwhile sets the flag. Failures are OUTCOME_INTERNAL;
 * free the assignment with assignment_fini() in any case. */
int channel_receive(struct channel *c, struct assignment *ret_a, struct fail *f);
void assignment_fini(struct assignment *a);

/* From now on a cancel is heard at any time. */
int channel_watch(struct channel *c, struct fail *f);
/* From now on a cancel terminates what this runtime runs; NULL: no longer. */
void channel_attach(struct channel *c, struct ort *o);
static inline bool channel_cancelled(const struct channel *c)
{
	return atomic_load_explicit(&c->cancelled, memory_order_relaxed);
}

#endif
