/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Habits of real phones, and faults of cables, that a virtual phone can have: each is a line in the
 * table of quirk.c. Those of packets are played by a link over the link (quirk_link.c), those of bytes
 * by a relay under it (quirk_wire.c, TCP alone), the rest by the phone itself.
 */
#ifndef FRAMEFARM_DRIVERS_VIRTUAL_QUIRK_H
#define FRAMEFARM_DRIVERS_VIRTUAL_QUIRK_H

#include <stdbool.h>
#include <stdint.h>

struct adb_link;
struct driver_host;
struct err;

enum quirk {
	QUIRK_MAX_PAYLOAD,
	QUIRK_OLD_VERSION,
	QUIRK_NO_FEATURES,
	QUIRK_DELAYED_ACK,
	QUIRK_SILENT_DIALOG,
	QUIRK_DUP_CLOSE,
	QUIRK_ZERO_CLOSE,
	QUIRK_LATE_CLOSE,
	QUIRK_STALE_PACKETS,
	QUIRK_STALE_BYTES,
	QUIRK_EAGER_WRITE,
	QUIRK_SLOW_ACK,
	QUIRK_CUT_OUT,
	QUIRK_CUT_IN,
	QUIRK_STALL,
	QUIRK_REBOOT_AFTER,
	QUIRK_RESTART_AFTER,
	QUIRK_VANISH_AFTER,
	QUIRK_VANISH_FOR,
	QUIRK_DISCHARGING,
	QUIRK_NOEXEC,
	QUIRK_ACK_WINDOW,
	QUIRK_SHORT_STAT,
	QUIRK_RESTRICT_INSTALL,
	QUIRK_DENY_SHELL,
	QUIRK_ASK_AGAIN,
	QUIRKS,
};

struct quirks {
	bool on[QUIRKS];
	int64_t value[QUIRKS];
};

struct quirk_row {
	const char *name;
	const char *unit; /* of its value; NULL: it has none */
	int64_t min, max, fallback;
	const char *help;
};

extern const struct quirk_row quirk_rows[QUIRKS];

/* "NAME" or "NAME=VALUE". 0, ERR_NOTFOUND or ERR_RANGE with a sentence. */
int quirks_set(struct quirks *q, const char *text, struct err *e);
/* The value, or 0 when the quirk is off. */
int64_t quirk(const struct quirks *q, enum quirk which);

/* Takes the link; gives it back where no quirk of packets is on. q is borrowed until the end. */
struct adb_link *quirk_link(struct driver_host *h, struct adb_link *inner, const struct quirks *q);

struct quirk_wire;

/* A relay behind a connected socket: takes fd and gives the descriptor that takes its place, or fd
 * itself when no quirk of bytes is on. *ret_wire is NULL then, else it is freed by quirk_wire_free().
 * -1/errno: fd is closed. */
int quirk_wire(struct driver_host *h, int fd, const struct quirks *q, struct quirk_wire **ret_wire);
/* Both ends of it are closed by themselves; this frees what is left. NULL is allowed. */
void quirk_wire_free(struct quirk_wire *w);
bool quirk_wire_ended(const struct quirk_wire *w);

#endif
