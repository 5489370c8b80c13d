/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the host role share: host.c (its life, its link's events, what its user calls)
 * and host_shake.c (the handshake).
 *
 * Everything happens in the link's events and in timers, between adb_host_enter() and
 * adb_host_leave(): an object that is freed meanwhile, or whose streams are still being closed, is
 * freed by the last of them.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_HOST_INTERNAL_H
#define FRAMEFARM_DRIVERS_ADB_HOST_INTERNAL_H

#include "drivers/adb/host.h"

#include "base/limits.h"
#include "drivers/adb/mux.h"

struct adb_host {
	struct driver_host *h;
	struct adb_link *l; /* NULL behind the end */
	struct adb_host_config cfg;
	const struct adb_host_events *events;
	void *arg;
	enum adb_host_state state;
	struct adb_banner banner;
	struct adb_mux *mux;
	int dying; /* muxes whose streams are being closed */

	int in;    /* depth of our own callbacks */
	bool dead; /* freed by its user */
	bool told; /* ended() was called */
	int code;
	char text[LIMIT_CAUSE];

	struct adb_out control; /* CNXN or AUTH; the newest counts */
	bool has_control;
	struct host_timer *timer;
	int level;       /* of the last resync; 0: none was needed */
	bool resyncing;  /* its done() has not come */
	int key;         /* the next to try */
	int connects;    /* CNXN sent */
	int public_keys; /* sent */
	bool asked_anew; /* a phone that knew us */
	int restarts;
	int64_t heard_ms;   /* the last packet */
	int64_t unheard_ms; /* since when an OPEN waited that had no answer, while `timer` runs */
};

/* host.c */
void adb_host_enter(struct adb_host *a);
void adb_host_leave(struct adb_host *a);
void adb_host_end(struct adb_host *a, int code, const char *text); /* told by the last leave() */
void adb_host_set_state(struct adb_host *a, enum adb_host_state st, const char *text);
void adb_host_drop_mux(struct adb_host *a, const char *text);
void adb_host_drop_control(struct adb_host *a);
void adb_host_timer_stop(struct adb_host *a);
void adb_host_mux_freed(void *arg); /* ops->freed of its mux */

/* host_shake.c */
void host_shake_begin(struct adb_host *a);
/* False for a packet that is none of the handshake. */
bool host_shake_packet(struct adb_host *a, const struct adb_header *h, const uint8_t *payload);

#endif
