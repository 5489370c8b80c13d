/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of umock-bus share. Two threads: orders and what is idle run on the main one, ioctls
 * on umockdev's. bus_lock guards everything here; umockdev's testbed is never called under it, since it
 * may wait for its thread.
 */
#ifndef FRAMEFARM_TESTS_UMOCK_BUS_H
#define FRAMEFARM_TESTS_UMOCK_BUS_H

#include <umockdev.h>

#include "drivers/adb/link.h"

extern GRecMutex bus_lock;

/* ---- clock.c ---- */

struct driver_host;

struct driver_host *bus_host(void);

/* ---- device.c ---- */

struct device_plan {
	char path[32];
	unsigned vid, pid, class, mps, mode;
	char serial[128], product[64];
	char iface[16]; /* "adb", "dbc", "mtp", "storage" */
	char role[16];  /* "echo": adbd.c; "device", "auth": session.c; "phone": relay.c */
	unsigned tcp;   /* where that phone plays adbd on loopback */
};

struct device;

struct device *device_plug(UMockdevTestbed *tb, const struct device_plan *plan, unsigned addr);
/* Its memory stays: the preload in the test's process ends that process when a node's server goes. */
void device_unplug(struct device *d);
void device_hold(struct device *d, gboolean on);
/* Whoever had claimed it was killed: umockdev does not always tell of that. */
void device_orphan(struct device *d);
void device_chmod(struct device *d, unsigned mode);
void device_deaf(struct device *d, gboolean on);
void device_take(struct device *d, gulong n); /* so many of the host's writes, and no more */
void device_stall(struct device *d);
/* The read of the host's that is under way, or the next one, gets more than it has room for. */
void device_overflow(struct device *d);
void device_nomem(struct device *d, size_t longest);
/* -1 for a word that nobody knows. */
long device_ask(struct device *d, const char *what);

/* The phone's side. What it writes goes as packets, the last one short or full, none empty. */
void device_write(struct device *d, const void *data, size_t n);
size_t device_unread(const struct device *d); /* bytes written that the host has not read */
/* It is reading: a message is what a short or an empty packet has ended. */
struct device_events {
	void (*message)(void *arg, const guint8 *data, size_t n);
	void (*room)(void *arg);  /* the host has read something */
	void (*begin)(void *arg); /* it was reset: start anew */
};
void device_set_events(struct device *d, const struct device_events *events, void *arg);
unsigned device_mps(const struct device *d);
void device_pause(struct device *d, gboolean on); /* takes nothing meanwhile */

/* ---- devlink.c ---- */

struct adb_link *devlink_new(struct device *d);
/* Messages that were no packets: "too many bytes". */
long devlink_violations(const struct adb_link *l);

/* ---- session.c ---- */

struct session;

struct session *session_new(struct adb_link *l, gboolean auth);
void session_free(struct session *s); /* closes the link */

/* ---- adbd.c ---- */

struct adbd;

struct adbd *adbd_new(struct adb_link *l);
void adbd_free(struct adbd *a);          /* closes the link */
long adbd_packets(const struct adbd *a); /* that came */

/* ---- relay.c ---- */

struct relay;

int relay_connect(unsigned port); /* a descriptor, or -1 */
/* Takes both. ended(arg) comes on the main thread, without the lock, and frees it. */
struct relay *relay_new(struct adb_link *l, int fd, void (*ended)(void *arg), void *arg);
void relay_free(struct relay *r); /* closes the link */

/* ---- slot.c ---- */

struct slot {
	struct device_plan plan;
	struct device *d; /* NULL while its phone is away */
	unsigned addr;
	long plugs; /* how often it came */
	struct adb_link *l;
	struct adbd *a; /* one of these */
	struct session *se;
	struct relay *r;
	guint retry;
};

void slots_init(UMockdevTestbed *tb);
struct slot *slot_find(const char *path);              /* NULL: nothing is plugged in there */
const char *slot_plug(const struct device_plan *plan); /* NULL, or what is wrong */
void slot_unplug(struct slot *s);
/* -1 for a word that nobody knows, or that nobody can answer while the phone is away. */
long slot_ask(const struct slot *s, const char *what);

#endif
