/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process of the runner: starting it in its sandbox with the descriptors of runner.h, sending
 * it the plan and the files, hearing what it says, ending it. Decides nothing about what that
 * means.
 *
 * Nothing here blocks: the plan and the files go out as the socket takes them, the end of the
 * process is learned from SIGCHLD (the caller calls proc_reap()).
 */
#ifndef FRAMEFARM_AGENT_PROC_H
#define FRAMEFARM_AGENT_PROC_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "proto.h"

#define PROC_FDS         3
#define PROC_TURN_OUTPUT (64 * 1024) /* bytes of output taken each turn */

struct fileset;
struct guards;
struct plan;
struct sandbox;
struct timesrc;

/* What a process is started with; everything is borrowed until proc_fini(). */
struct proc_order {
	struct timesrc *ts;
	const struct guards *guards;
	const struct sandbox *sandbox;
	const struct fileset *files;
	const char *runner_name;    /* in sandbox->files_dir */
	const struct plan *loading; /* names a loader and its libraries; NULL: the system's own */
	const char *clock_page;     /* or NULL */
	int ring;
	uint32_t process;
	const uint8_t *plan;
	uint32_t plan_len;
};

struct proc {
	struct proc_order order;
	pid_t pid;   /* 0: none */
	bool reaped; /* status and usage are known, pid is not to be signalled any more */
	int status;
	struct rusage usage;
	int control, output, launch; /* or -1 */
	struct proto_parser in;
	uint8_t *run; /* the RUN frame */
	size_t run_len, run_sent;
	unsigned files_sent;
	int64_t retry_ns; /* when to go on sending, though the socket says that it has room */
	bool cancel;
	char launch_error[160]; /* why it did not even begin; "" if it did */
};

/* Makes an empty one, on which everything but proc_start() does nothing. */
void proc_init(struct proc *p);
/* Returns 0, or -errno and a sentence; then there is no process. */
int proc_start(struct proc *p, const struct proc_order *o, char *why, size_t size);
/* Closes everything. The process must have been reaped, or is given up. */
void proc_fini(struct proc *p);

bool proc_is_alive(const struct proc *p); /* started and not reaped */

/* Fills in what to poll for; returns how many, at most PROC_FDS. */
int proc_poll(const struct proc *p, struct pollfd *fds, int64_t now_ns);
/* When it wants to be looked at again; INT64_MAX for never. */
int64_t proc_deadline(const struct proc *p);
/* Sends what may be sent. */
void proc_send(struct proc *p, int64_t now_ns);
/* Reads what the runner says into the parser; proc_next() gives the frames. Returns the number of
 * bytes, 0 for none now, -1 at its end. */
ssize_t proc_listen(struct proc *p);
int proc_next(struct proc *p, struct proto_frame *ret_f);
/* Reads output into buf; returns the number of bytes, 0 for none now, -1 at its end. */
ssize_t proc_read_output(struct proc *p, void *buf, size_t size);

/* Asks it to stop. */
void proc_cancel(struct proc *p);
/* Kills it and whatever it has started. */
void proc_kill(struct proc *p);
/* Takes its end, if it has come: true the first time. */
bool proc_reap(struct proc *p);

/* A runner may start processes that leave its session. They become the agent's children when their
 * parent dies (proc_adopt() once, at the agent's start, for that). This takes those that are dead
 * and kills the others: to be called when a runner has ended, and at each SIGCHLD while none is
 * alive. */
void proc_adopt(void);
void proc_end_strays(void);

#endif
