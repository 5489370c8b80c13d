/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A USB pipe without a bus: plays the rules of packets that usb_pipe.h tells, and a phone behind it
 * that reads and writes as adbd does. What the phone sends goes as packets of mps bytes, the last one
 * short, never an empty one. What the phone takes are messages, each ended by a short or empty packet
 * alone: an OUT transfer that lacks its empty packet runs into the next.
 *
 * Nothing moves but in support_usb_run(). Faults are fields that a test sets.
 */
#ifndef FRAMEFARM_TESTS_DRIVERS_SUPPORT_USB_H
#define FRAMEFARM_TESTS_DRIVERS_SUPPORT_USB_H

#include "support_host.h"

#include "drivers/adb/link.h"
#include "drivers/adb/usb_pipe.h"

#define SUPPORT_USB_PACKETS 8192
#define SUPPORT_USB_MSGS    64

struct support_usb_msg {
	uint8_t *data;
	size_t n;
};

struct support_usb {
	struct usb_pipe p; /* first */
	struct support_host *sh;

	/* ---- faults ---- */
	bool stuck;           /* the phone takes nothing */
	size_t nomem_in;      /* transfers longer than this get ERR_NOMEM; SIZE_MAX: none */
	size_t nomem_out;     /* likewise */
	enum usb_end end_in;  /* how the next IN and OUT end, if not USB_END_DONE */
	enum usb_end end_out; /* likewise */
	size_t short_out;     /* the next OUT takes so many bytes fewer */
	bool unplugged;       /* set by support_usb_unplug() */
	int resync_code;      /* what clear_halt() and reset() come to */
	bool pool_full;       /* they are refused */

	/* ---- what the link did ---- */
	int most_out, most_in;          /* transfers in flight at a time */
	size_t longest_in, longest_out; /* bytes asked for */
	int halts_cleared, resets, cancels;
	bool leaving, closing, closed;

	/* ---- inside ---- */
	struct {
		uint8_t data[1024];
		size_t n;
	} * packets; /* on their way to the host */
	int first, n_packets;
	struct {
		uint8_t *buf;
		size_t len, got;
		bool cancelled;
	} in[USB_PIPE_IN];
	struct {
		const uint8_t *buf;
		size_t len;
		bool zlp, cancelled;
	} out[USB_PIPE_OUT];
	int n_in, n_out;
	struct support_usb_msg msgs[SUPPORT_USB_MSGS]; /* whole, for the phone */
	int n_msgs;
	struct support_usb_msg part; /* not ended yet */
	void (*resynced)(void *arg, int code);
	void *resynced_arg;
};

/* Freed by support_usb_free(), behind closed(). */
struct support_usb *support_usb_new(struct support_host *sh, uint16_t mps);
void support_usb_free(struct support_usb *su);

/* Until nothing moves any more, timers that are due included. */
void support_usb_run(struct support_usb *su);
void support_usb_unplug(struct support_usb *su);

/* ---- the phone ---- */

void support_usb_send(struct support_usb *su, const void *data, size_t n);
/* A header and, as a write of its own, a payload of n bytes that count up; with its sum when asked. */
void support_usb_send_packet(
	struct support_usb *su, uint32_t command, uint32_t arg0, size_t n, bool sum);
/* Takes one packet as adbd does: a message of 24 bytes, then one of exactly len bytes. */
struct adb_header support_usb_take(struct support_usb *su);
bool support_usb_nothing(const struct support_usb *su); /* no message, whole or in part */

#endif
