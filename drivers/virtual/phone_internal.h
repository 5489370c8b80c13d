/* SPDX-License-Identifier: Apache-2.0 */
/* What the phone's files share: phone.c (what it is, who is let in, beginning and end), phone_boot.c
 * (up and down), phone_habit.c (what happens to it). Loop thread. */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_PHONE_INTERNAL_H
#define FRAMEFARM_DRIVERS_VIRTUAL_PHONE_INTERNAL_H

#include "base/limits.h"
#include "drivers/driver.h"
#include "drivers/virtual/body.h"
#include "drivers/virtual/phone.h"
#include "drivers/virtual/quirk.h"

enum phone_state {
	PHONE_OFF,       /* before the first boot, and while it waits for the next */
	PHONE_PREPARING, /* its files are being written */
	PHONE_STARTING,  /* its first process is being started */
	PHONE_UP,
	PHONE_FALLING, /* its processes are being ended */
	PHONE_STOPPED,
};

struct phone {
	struct driver_host *h;
	struct phone_config cfg;
	const struct phone_events *events;
	void *arg;
	char serial[LIMIT_NAME], dir[DRIVER_PATH_MAX];

	enum phone_state state;
	struct space *space;
	bool space_up;
	int root; /* a copy: work on the pool may outlive the space */
	struct body body;
	bool busy; /* with body or files, on the pool */
	int64_t step_ms;
	bool powered;
	int prepare_rc;
	char prepare_what[128];

	struct session *sessions[PHONE_SESSIONS];
	int n_sessions, n_services;
	struct adb_key *learned[PHONE_KEYS];
	int n_learned;
	bool allow, vanished, was_connected;
	int n_forgotten; /* signatures, see the quirk ask-again */

	struct host_timer *tick, *boot_timer, *habit, *back;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/* ---- phone.c ---- */
void phone_set_timer(struct phone *p, struct host_timer **t, int64_t ms, void (*fn)(void *arg));
void phone_clear_timer(struct phone *p, struct host_timer **t);
void phone_drop_sessions(struct phone *p);

/* ---- phone_boot.c ---- */
/* Processes and connections end; it boots again when they have, unless it is being stopped. */
void phone_fall(struct phone *p);

#endif
