/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device role of one connection: waits for CNXN, demands AUTH where a key is asked for, answers
 * with a banner, then hands the peer's OPENs to its user. The virtual phone is one; later the adb of
 * an engineer who has reserved a phone talks to one. A CNXN in mid-session starts the session anew:
 * every stream ends.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_DEVICE_H
#define FRAMEFARM_DRIVERS_ADB_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/adb/banner.h"
#include "drivers/adb/key.h"
#include "drivers/adb/link.h"
#include "drivers/adb/mux.h"

struct adb_device;

struct adb_device_config {
	struct adb_banner banner;
	uint32_t version;     /* ADB_VERSION, or ADB_VERSION_SUM as an old phone */
	uint32_t max_payload; /* what we take */
	bool auth;            /* a signature of a key that trusted() knows is demanded */
	/* Fills 20 random bytes; a fresh token for each attempt. */
	void (*token)(void *arg, uint8_t dst[ADB_TOKEN]);
	/* Whether the signature of the token is by a key that is let in. */
	bool (*trusted)(void *arg, const uint8_t token[ADB_TOKEN], const void *sig, size_t n);
	/* The peer offers its public key ("BASE64 NAME", NUL at the end): the dialog is up.
	 * adb_device_allow() lets it in, silence leaves it waiting. */
	void (*offered)(void *arg, const char *key_text);
};

struct adb_device_events {
	void (*online)(void *arg, const struct adb_banner *peer);
	bool (*open)(void *arg, struct adb_stream *s, const char *service, size_t n);
	/* The peer sent CNXN again: the streams of before are being closed. */
	void (*restarted)(void *arg);
	void (*ended)(void *arg, int code, const char *text); /* once, never inside a call */
};

/* Takes the link. */
struct adb_device *adb_device_new(struct driver_host *h, struct adb_link *l,
	const struct adb_device_config *cfg, const struct adb_device_events *events, void *arg);
void adb_device_free(struct adb_device *d);
void adb_device_allow(struct adb_device *d);
struct adb_mux *adb_device_mux(struct adb_device *d); /* NULL before online */
bool adb_device_has(const struct adb_device *d, enum adb_feature f);

#endif
