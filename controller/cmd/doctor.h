/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `framefarm doctor`: a table of checks, each of which says what it found on this host, what that
 * means, and the command that mends it. A check changes nothing. A new one is a function and its line
 * in doctor.c.
 */
#ifndef FRAMEFARM_CMD_DOCTOR_H
#define FRAMEFARM_CMD_DOCTOR_H

#include <stddef.h>

#include "cmd/client.h"
#include "cmd/paths.h"

#define DOCTOR_TEXT_MAX     512
#define DOCTOR_FINDINGS_MAX 64

enum doctor_level { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor_finding {
	const char *check;
	enum doctor_level level;
	char text[DOCTOR_TEXT_MAX];
	char fix[DOCTOR_TEXT_MAX]; /* a command or a step; "" where there is nothing to do */
};

struct doctor {
	char tools[PATHS_MAX]; /* where our programs lie */
	char data[PATHS_MAX];
	const struct client_options *client;
	const char *check; /* the one that runs */
	int n;
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
};

/* Notes what the running check found. */
void doctor_say(struct doctor *d, enum doctor_level level, const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* doctor_runtime.c: what a run needs. */
void doctor_programs(struct doctor *d);
void doctor_runtime(struct doctor *d);

/* doctor_kernel.c: what protects the host from a model. */
void doctor_pidfd(struct doctor *d);
void doctor_landlock(struct doctor *d);
void doctor_privileges(struct doctor *d);
void doctor_namespaces(struct doctor *d);
void doctor_runner_user(struct doctor *d);

/* doctor_counters.c: what can be observed here, and what would disturb a measurement. */
void doctor_clocks(struct doctor *d);
void doctor_governor(struct doctor *d);
void doctor_thermal(struct doctor *d);
void doctor_power(struct doctor *d);
void doctor_timer(struct doctor *d);
void doctor_load(struct doctor *d);

/* doctor_android.c: what Android phones, and virtual ones, need of this host. */
void doctor_udev(struct doctor *d);
void doctor_usb_memory(struct doctor *d);
void doctor_adb_server(struct doctor *d);
void doctor_user_namespaces(struct doctor *d);

/* doctor_service.c: the systemd service. */
void doctor_service(struct doctor *d);
const char *doctor_unit(void); /* the installed unit's path, NULL: there is none */

/* doctor_daemon.c: the data directory and the daemon. */
void doctor_data(struct doctor *d);
void doctor_disk(struct doctor *d);
/* What a daemon that answers says of its store. */
void doctor_store(struct doctor *d, struct client *c);
void doctor_daemon(struct doctor *d);

#endif
