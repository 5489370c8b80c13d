/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One virtual phone: its storage, its name spaces and what runs there, its body (physics.h), and the
 * connections that a transport hands to it. How peers get to it (phone_tcp.h; in tests a mocked USB
 * device) is not its affair: a transport gives it links, and is told when the phone cannot be
 * reached.
 *
 * Loop thread. What blocks goes to the host's pool. Time comes from the host.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_PHONE_H
#define FRAMEFARM_DRIVERS_VIRTUAL_PHONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/adb/key.h"

struct adb_link;
struct driver_host;
struct phone;
struct profile;
struct quirks;
struct space;

#define PHONE_KEYS     32  /* that are let in */
#define PHONE_SESSIONS 16  /* connections at a time */
#define PHONE_TICK_MS  200 /* between two steps of its body */

struct phone_config {
	const char *dir; /* its own; made when missing. Relative to the working directory or not */
	const char *serial;            /* what it calls itself */
	const struct profile *profile; /* borrowed until the end, as the others */
	const struct quirks *quirks;
	uint64_t seed;
	bool arm64;
	bool auth;         /* a key is asked for */
	bool allow;        /* the dialog about a new key is answered with yes, else it stays up */
	const char *clock; /* path of a clock page inside the phone; NULL: real time */
	/* It reboots, or cannot be reached any more, each time that it is asked for something with
	 * this text in it: a service's name, a file's path. NULL: never. */
	const char *reboot_at, *vanish_at;
	const char *const *props; /* "KEY=VALUE", instead of the profile's; borrowed */
	int n_props;
	struct adb_key *const *keys; /* that are let in; borrowed */
	int n_keys;
};

struct phone_events {
	void (*up)(void *arg); /* peers may connect; again after each reboot */
	/* They cannot any more; the links that were given are gone. */
	void (*down)(void *arg);
	/* It cannot be a phone on this host: text says why and what to do. The last event. */
	void (*failed)(void *arg, const char *text);
};

struct phone *phone_new(struct driver_host *h, const struct phone_config *cfg,
	const struct phone_events *events, void *arg);
/* Begins to boot; up() or failed() follows. */
void phone_boot(struct phone *p);
/* Takes the link. False: it cannot be reached now, and the link was closed. */
bool phone_attach(struct phone *p, struct adb_link *l);

/* Everything dies and comes back after the profile's boot time. */
void phone_reboot(struct phone *p);
/* Connections are lost and can be made again at once; children: what adbd started dies too. */
void phone_restart_adbd(struct phone *p, bool children);
/* Cannot be reached for so long; what runs on it goes on. */
void phone_vanish(struct phone *p, int64_t ms);
/* A peer asks for this; see reboot_at. True: what follows is not to be heard by anybody. */
bool phone_asked(struct phone *p, const char *what, size_t n);
/* The cable's power. */
void phone_set_power(struct phone *p, bool on);
/* The dialog: from now on answered or not, and whoever waits is answered. */
void phone_set_allow(struct phone *p, bool allow);

/* Ends everything; stopped(arg) comes once, later, and then phone_free() is allowed. */
void phone_stop(struct phone *p, void (*stopped)(void *arg), void *arg);
void phone_free(struct phone *p);

const char *phone_serial(const struct phone *p);

/* ---- for sessions and services ---- */

struct driver_host *phone_host(const struct phone *p);
const struct phone_config *phone_config(const struct phone *p);
struct space *phone_space(const struct phone *p); /* NULL while it is not up */
int phone_root(const struct phone *p);            /* see space_root(); the phone's own copy */
uint32_t phone_features(const struct phone *p);   /* enum adb_feature that it offers */
uint32_t phone_compressions(const struct phone *p);
/* The run's starter is gone: no event comes any more, and it gets the signal unless that is 0. */
void phone_leave_run(struct phone *p, uint32_t run, int sig);
/* One service more (1) or less (-1) that still has something under way. */
void phone_service(struct phone *p, int change);
bool phone_knows(struct phone *p, const uint8_t token[ADB_TOKEN], const void *sig, size_t n);
/* "Always allow from this computer." */
void phone_remember(struct phone *p, const char *key_text);
bool phone_allows(const struct phone *p);
/* A connection is through its handshake: what happens some time after the first one may begin. */
void phone_connected(struct phone *p);

#endif
