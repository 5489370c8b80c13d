/* SPDX-License-Identifier: Apache-2.0 */
/* The table of quirks; see quirk.h. */
#include "drivers/virtual/quirk.h"

#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#define HOUR_MS (3600 * 1000)
#define MIB     (1024 * 1024)

const struct quirk_row quirk_rows[QUIRKS] = {
	[QUIRK_MAX_PAYLOAD] = {"max-payload", "BYTES", 4096, MIB, 4096,
		"takes no longer payload: 4096 as Android 6 and older, 262144 as 7 and 8"},
	[QUIRK_OLD_VERSION] = {"old-version", NULL, 0, 0, 0,
		"protocol 0x01000000; a wrong or missing sum drops the connection, as up to "
		"Android 8"},
	[QUIRK_NO_FEATURES] = {"no-features", NULL, 0, 0, 0,
		"a banner without features: shell v1, sync v1, install by push"},
	[QUIRK_DELAYED_ACK] = {"delayed-ack", NULL, 0, 0, 0,
		"offers delayed acknowledgement, as Android 14 and later"},
	[QUIRK_SILENT_DIALOG] = {"silent-dialog", NULL, 0, 0, 0,
		"with --auth: an unknown key is never answered, as when the dialog is dismissed"},
	[QUIRK_DUP_CLOSE] = {"dup-close", NULL, 0, 0, 0,
		"each CLSE is sent twice, as a Galaxy S7 and LG G6 do"},
	[QUIRK_ZERO_CLOSE] = {"zero-close", NULL, 0, 0, 0,
		"CLSE has the id 0 for its own side, as old adbd sends it"},
	[QUIRK_LATE_CLOSE] = {"late-close", "MS", 1, 60000, 50,
		"each CLSE comes once more after MS, when its id is long forgotten"},
	[QUIRK_STALE_PACKETS] = {"stale-packets", "N", 1, 100, 3,
		"N packets of a forgotten session come before the first answer of each connection"},
	[QUIRK_STALE_BYTES] = {"stale-bytes", "N", 1, 65536, 100,
		"the first connection begins with N bytes of another's payload"},
	[QUIRK_EAGER_WRITE] = {"eager-write", NULL, 0, 0, 0,
		"the OKAY to an OPEN and the first data leave in one piece"},
	[QUIRK_SLOW_ACK] = {"slow-ack", "MS", 1, 60000, 20,
		"each OKAY, and what is behind it, leaves MS late"},
	[QUIRK_CUT_OUT] = {"cut-out", "BYTES", 1, INT64_C(1) << 40, 100000,
		"the first connection is lost once BYTES were sent, in the middle of a payload"},
	[QUIRK_CUT_IN] = {"cut-in", "BYTES", 1, INT64_C(1) << 40, 100000,
		"the first connection is lost once BYTES were received"},
	[QUIRK_STALL] = {"stall", "BYTES", 1, INT64_C(1) << 40, 100000,
		"once BYTES were received, nothing more moves on the first connection, which stays "
		"up"},
	[QUIRK_REBOOT_AFTER] = {"reboot-after", "MS", 0, HOUR_MS, 1000,
		"reboots once, MS after the first connection was made"},
	[QUIRK_RESTART_AFTER] = {"restart-after", "MS", 0, HOUR_MS, 1000,
		"adbd is restarted once, MS after the first connection, and all its children are "
		"killed"},
	[QUIRK_VANISH_AFTER] = {"vanish-after", "MS", 0, HOUR_MS, 1000,
		"cannot be reached from MS after the first connection on, for vanish-for; what "
		"runs goes on"},
	[QUIRK_VANISH_FOR] = {"vanish-for", "MS", 1, 24 * HOUR_MS, HOUR_MS,
		"how long vanish-after lasts; an hour unless given"},
	[QUIRK_DISCHARGING] = {"discharging", NULL, 0, 0, 0,
		"the cable brings no power: the battery feeds the phone"},
	[QUIRK_NOEXEC] = {"noexec", NULL, 0, 0, 0,
		"no program can be started from /data/local/tmp, as some vendors mount it"},
	[QUIRK_ACK_WINDOW] = {"ack-window", "BYTES", 4096, MIB, 65536,
		"with delayed-ack: takes no more than BYTES and a packet that were not "
		"acknowledged; what comes beyond stalls its stream"},
	[QUIRK_SHORT_STAT] = {"short-stat", NULL, 0, 0, 0,
		"no stat_v2 and ls_v2, as Android 7 and older: sizes wrap at 4 GiB"},
	[QUIRK_RESTRICT_INSTALL] = {"restrict-install", NULL, 0, 0, 0,
		"no package is installed until a switch is found, as on Xiaomi and Redmi"},
	[QUIRK_DENY_SHELL] = {"deny-shell", NULL, 0, 0, 0,
		"settings and services cannot be changed: a SecurityException, as on OPPO, "
		"OnePlus and realme"},
	[QUIRK_ASK_AGAIN] = {"ask-again", "N", 1, 32, 1,
		"with --auth: N signatures after the first connection are not recognised, though "
		"their key is known, as now and then in large farms"},
};

static int find(const char *name, size_t n)
{
	for (int i = 0; i < QUIRKS; i++)
		if (strlen(quirk_rows[i].name) == n && !memcmp(quirk_rows[i].name, name, n))
			return i;
	return -1;
}

int quirks_set(struct quirks *q, const char *text, struct err *e)
{
	size_t n = strcspn(text, "=");
	int i = find(text, n);
	const struct quirk_row *row;
	int64_t v;

	if (i < 0)
		return err_set(e, ERR_NOTFOUND,
			"there is no quirk \"%s\"; --list-quirks shows them", text);
	row = &quirk_rows[i];
	v = row->unit ? row->fallback : 1;
	if (text[n]) {
		if (!row->unit)
			return err_set(e, ERR_INVAL, "the quirk %s takes no value", row->name);
		if (!str_to_i64(text + n + 1, &v) || v < row->min || v > row->max)
			return err_set(e, ERR_RANGE,
				"%s takes %s from %" PRId64 " to %" PRId64 ", not \"%s\"",
				row->name, row->unit, row->min, row->max, text + n + 1);
	}
	q->on[i] = true;
	q->value[i] = v;
	return 0;
}

int64_t quirk(const struct quirks *q, enum quirk which)
{
	return q->on[which] ? q->value[which] : 0;
}
