/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone's name spaces, from outside: starts their first process (init.h), asks it to run programs
 * in there, and hears how they end. Loop thread; no event comes from inside a call.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_SPACE_H
#define FRAMEFARM_DRIVERS_VIRTUAL_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct driver_host;
struct err;
struct space;

struct space_config {
	const char *dir; /* of the phone: root/ and proc/ are there */
	const char *name;
	bool arm64;
	bool noexec; /* see rootfs.h */
};

struct space_events {
	void (*ready)(void *arg);
	void (*reboot)(void *arg); /* a program of the phone asked for it */
	/* The end, once, with everything in it: text says why unless space_end() asked for it. The
	 * space is gone when it returns. */
	void (*ended)(void *arg, const char *text);
};

/* NULL and *e when it cannot be started. */
struct space *space_new(struct driver_host *h, const struct space_config *cfg,
	const struct space_events *events, void *arg, struct err *e);
/* Kills all that runs; ended() follows. */
void space_end(struct space *s);
/* The phone's "/" as its programs see it, for openat2(); -1 before ready(). Borrowed. */
int space_root(const struct space *s);

struct space_run {
	const char *text; /* a command for sh -c, "" a login shell; or "arg\0arg\0…" */
	size_t n;
	const char *term;
	bool argv, pty, raw; /* raw: a terminal that does not touch the bytes */
	int fds[3];          /* without pty; stay the caller's */
};

struct space_run_events {
	void (*started)(void *arg, int master); /* the terminal's, the callee's to close; or -1 */
	void (*exited)(void *arg, int status);  /* as from waitpid(); once, the last */
};

/* Returns the run's number, 0 when nothing more can be started: then no event comes. When the space
 * ends, exited() comes with SIGKILL. */
uint32_t space_run(struct space *s, const struct space_run *r,
	const struct space_run_events *events, void *arg);
void space_signal(struct space *s, uint32_t run, int sig);
/* Every process of the phone but the first, as when init stops adbd's group. */
void space_signal_all(struct space *s, int sig);
/* No event of this run comes any more. */
void space_forget(struct space *s, uint32_t run);

#endif
