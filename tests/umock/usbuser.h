/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user of drivers/adb/usb.h, for stories about it: each phone that appears has a place of its own,
 * and what its link said. The pool's work runs on threads of its own; time is virtual.
 */
#ifndef FRAMEFARM_TESTS_UMOCK_USBUSER_H
#define FRAMEFARM_TESTS_UMOCK_USBUSER_H

#include "umock.h"

#include "support_host_internal.h"

#include "drivers/adb/link.h"
#include "drivers/adb/link_usb.h"
#include "drivers/adb/usb.h"

#define PHONES 40

struct port {
	struct story *s;
	struct adb_usb_dev *d; /* NULL once it left */
	struct adb_link *l;
	int opened, open_code; /* answers, and the last one's code */
	int changed, detached;
	char open_text[LIMIT_CAUSE];

	int n_out; /* packets to send, each of out_n bytes */
	uint32_t out_command;
	size_t out_n;
	int cnxns, okays, wrtes; /* that came */
	size_t wrte_n;
	int broken, code;
	char text[LIMIT_CAUSE];
	int resynced, resync_code;
};

struct story {
	struct umock *m;
	struct support_host *sh;
	struct adb_usb *u;
	struct port phones[PHONES + 8];
	int n, left;
	bool open_at_once, stopped;
};

int usb_set_up(void **state);
int usb_tear_down(void **state);
void usb_start(struct story *s, enum adb_usb_mode mode, uint16_t port);

/* For adb_usb_open(), and for a link's resync(). */
void usb_opened(void *arg, struct adb_link *l, int code, const char *text);
void usb_resynced(void *arg, int code);

void usb_send(struct port *p, uint32_t command, int n, size_t bytes);
void usb_close(struct port *p);
/* The nth phone, open and in step. */
struct port *usb_talk(struct story *s, int n);
struct port *usb_plug_and_talk(struct story *s); /* at 1-1 */
void usb_open_fails(struct story *s, struct port *p, int code, const char *word);

/* ---- waiting: until the condition has come about n times ---- */

void usb_until(struct story *s, bool (*cond)(void *arg), void *arg, int n);
/* Of a story. */
bool usb_has_appeared(void *arg);
bool usb_has_left(void *arg);
/* No work on the pool, and nothing ready in the loop. What the bus was asked for, it has done. */
bool usb_nothing_left(void *arg);
/* Of a phone. */
bool usb_has_answered(void *arg);
bool usb_is_connected(void *arg);
bool usb_has_echoed(void *arg);
bool usb_has_changed(void *arg);
bool usb_is_broken(void *arg);
bool usb_is_resynced(void *arg);
bool usb_is_detached(void *arg);

#define STORY(f) cmocka_unit_test_setup_teardown(f, usb_set_up, usb_tear_down)

#endif
