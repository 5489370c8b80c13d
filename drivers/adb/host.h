/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host role of one connection: from a link to a session on which services can be opened. Sends
 * CNXN, answers AUTH with one key after the other, offers the public key when all are refused and
 * then waits as long as it takes, since a tap on the phone authorises the live connection alone and
 * a dismissed dialog says nothing. On USB it gets back in step with a phone whose last owner died in
 * mid-packet, in rising steps: CNXN again, clear-halt, reset.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_HOST_H
#define FRAMEFARM_DRIVERS_ADB_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/adb/banner.h"
#include "drivers/adb/key.h"
#include "drivers/adb/link.h"
#include "drivers/adb/mux.h"

#define ADB_HANDSHAKE_MS 5000  /* CNXN to CNXN or AUTH, each step of the escalation */
#define ADB_OPEN_MS      10000 /* OPEN to its answer */
#define ADB_SILENT_MS    30000 /* OPEN to the end of the session when the phone says nothing at all */

enum adb_host_state {
	ADB_HOST_CONNECTING = 1,
	ADB_HOST_AUTHORIZING,  /* signatures are tried */
	ADB_HOST_UNAUTHORIZED, /* the phone asks its owner, or did and was dismissed */
	ADB_HOST_ONLINE,
	ADB_HOST_ENDED,
};

struct adb_host;

struct adb_host_keys {
	int n;
	struct adb_key *keys[ADB_KEYS_MAX]; /* in the order they are tried; borrowed */
	char name[64];                      /* "framefarm@HOST": what the phone's dialog shows */
};

struct adb_host_events {
	/* ONLINE: the banner is known. UNAUTHORIZED: text tells a person what to do. */
	void (*state)(void *arg, enum adb_host_state st, const char *text);
	/* The end, once, never inside a call. */
	void (*ended)(void *arg, int code, const char *text);
};

struct adb_host_config {
	uint32_t features; /* to offer, enum adb_feature; delayed_ack only when it is in here */
	uint32_t max_payload;
	const struct adb_host_keys *keys; /* borrowed until the end */
	bool known;                       /* this phone let us in before */
};

/* Takes the link. */
struct adb_host *adb_host_new(struct driver_host *h, struct adb_link *l,
	const struct adb_host_config *cfg, const struct adb_host_events *events, void *arg);
/* Ends at once: streams are closed with ERR_GONE (later, on the loop), ended() does not come. */
void adb_host_free(struct adb_host *a);

enum adb_host_state adb_host_state(const struct adb_host *a);
const struct adb_banner *adb_host_banner(const struct adb_host *a); /* when ONLINE */
bool adb_host_has(const struct adb_host *a, enum adb_feature f);    /* both sides have it */

/* As adb_mux_open(), with a deadline of ADB_OPEN_MS (closed() with ERR_TIMEOUT). ERR_WRONGSTATE when
 * not ONLINE. */
struct adb_stream *adb_host_open(struct adb_host *a, const char *service, size_t n,
	const struct stream_events *events, void (*opened)(void *arg), void *arg, struct err *e);
struct adb_mux *adb_host_mux(struct adb_host *a);

#endif
