/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the ADB layers: the two ends of a connection, host and device, over TCP or over links
 * in memory; a link whose far end is the test itself; keys; a receiver of streams.
 */
#ifndef FRAMEFARM_TESTS_DRIVERS_SUPPORT_ADB_H
#define FRAMEFARM_TESTS_DRIVERS_SUPPORT_ADB_H

#include "support_host.h"

#include "drivers/adb/device.h"
#include "drivers/adb/host.h"
#include "drivers/adb/link.h"
#include "drivers/adb/mux.h"

/* ---- links in memory ---- */

/* A packet as it left. */
struct wire_packet {
	uint32_t command, arg0, arg1, len;
	uint8_t *data; /* NUL behind it */
};

/*
 * A link whose far end is the test: what is sent stays with its user until wire_next() asks for it,
 * as a link without room would leave it there.
 */
struct wire {
	struct adb_link l; /* first */
	struct driver_host *h;
	int kicks;
	bool paused, closed;
	uint32_t version, max_payload; /* as agreed() said; 0: not yet */
	int resyncs[8], n_resyncs;     /* levels that were asked for */
	bool can_resync;
	void (*resynced)(void *arg, int code); /* the done() that waits */
	void *resynced_arg;
	struct wire_packet last;
	bool can_hold;          /* the user may keep payloads */
	struct adb_buf *coming; /* the payload that is being told of */
};

struct wire *wire_new(struct driver_host *h, bool usb);
void wire_free(struct wire *w);
/* The next packet that leaves, valid until the next call; NULL when there is none. */
const struct wire_packet *wire_next(struct wire *w);
/* The next packet must be this one; data NULL: any. */
const struct wire_packet *wire_expect(
	struct wire *w, uint32_t command, uint32_t arg0, uint32_t arg1, const char *data);
void wire_expect_none(struct wire *w);
/* A packet comes in. data NULL: n zeros. */
void wire_send(
	struct wire *w, uint32_t command, uint32_t arg0, uint32_t arg1, const void *data, size_t n);
void wire_break(struct wire *w, int code, const char *text);
/* The resync that is under way is through. */
void wire_resynced(struct wire *w, int code);

/* Two links, each of which is the other's far end. Packets move in timers. */
void pair_new(struct driver_host *h, struct adb_link **ret_a, struct adb_link **ret_b);

/* ---- receivers ---- */

/* A receiver of a stream, which takes what comes. */
struct catcher {
	struct adb_stream *s; /* NULL behind closed() */
	int opened, drained, closed, code, calls;
	char text[LIMIT_CAUSE];
	size_t n;
	uint32_t hash; /* of all bytes, in their order */
	uint8_t head[256];
	bool pause_on_data, close_on_data, hold_on_data;
	struct adb_buf *held; /* the last */
	bool held_fits;       /* what data() was called with lies in it */
};

extern const struct stream_events catcher_events;
void catcher_opened(void *arg);

/* ---- both ends ---- */

enum adb_over { ADB_OVER_TCP, ADB_OVER_MEMORY };

/* A device with the services echo: (sends back), sink: (takes), source:N (sends N bytes and
 * closes), refuse: and never: (no answer), and a host. */
struct adb_rig {
	struct support_host *sh;
	struct adb_host *host;
	struct adb_device *dev;
	struct adb_host_keys keys;
	struct adb_host_config hc;
	struct adb_device_config dc;

	/* What was seen. */
	int online, unauthorized, host_ended, host_code;
	char host_text[LIMIT_CAUSE];
	int dev_online, dev_restarted, dev_ended, dev_code, offered;
	char offered_text[ADB_HANDSHAKE_MAX + 1];
	int tokens;
	struct adb_key *trusted;  /* NULL: none */
	struct adb_stream *asked; /* of never: */
	struct service *services;
	int n_services, services_closed;
	size_t sunk; /* bytes that echo: and sink: took */
	uint32_t sunk_hash;
};

extern const struct adb_host_events adb_rig_host_events;
extern const struct adb_device_events adb_rig_device_events;

/* Fills in defaults; then change them and call rig_go(). */
void adb_rig_init(struct adb_rig *r);
void adb_rig_go(struct adb_rig *r, enum adb_over over);
void adb_rig_until_online(struct adb_rig *r);
void adb_rig_fini(struct adb_rig *r);
/* Opens a service on the device; catches into k. */
void adb_rig_open(struct adb_rig *r, struct catcher *k, const char *service);
void adb_rig_until(struct adb_rig *r, const int *count, int want);
void adb_rig_until_bytes(struct adb_rig *r, const size_t *have, size_t want);
/* Lets everything happen that can happen now. */
void adb_settle(struct support_host *sh);

uint8_t adb_pattern(size_t at); /* what source: sends */

/* Made once a program, since they take long. */
struct adb_key *adb_test_key(int i);

uint32_t adb_hash(uint32_t hash, const void *data, size_t n); /* begin with 0 */

#endif
