/* SPDX-License-Identifier: Apache-2.0 */
/* The program's command line; see options.h. */
#include "drivers/virtual/options.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

#define PROP_MAX 256 /* with its key */

enum kind { FLAG, NUMBER, TEXT, KEY, QUIRK, PROP };

static const struct row {
	const char *name, *unit, *help;
	enum kind kind;
	size_t off;
	int64_t min, max;
} rows[] = {
	{"count", "N", "how many phones; 1 unless given", NUMBER, offsetof(struct options, count),
		1, OPTIONS_PHONES},
	{"port", "BASE",
		"the first phone listens on 127.0.0.1:BASE, the next on BASE+1, and so on; 0 takes "
		"free "
		"ones, "
		"which is the default",
		NUMBER, offsetof(struct options, port), 0, 65535 - OPTIONS_PHONES},
	{"profile", "NAME|FILE",
		"what the phones are like; see --list-profiles; pixel-8 unless given", TEXT,
		offsetof(struct options, profile), 0, 0},
	{"seed", "S", "of everything random in their bodies; 1 unless given", NUMBER,
		offsetof(struct options, seed), 0, INT64_MAX - OPTIONS_PHONES},
	{"dir", "DIR",
		"where their storage is kept; without it a temporary one is used, which goes with "
		"the "
		"program",
		TEXT, offsetof(struct options, dir), 0, 0},
	{"abi", "x86_64|arm64",
		"what their programs are: of this host, which is the default, or of arm64 under "
		"qemu-user",
		TEXT, offsetof(struct options, abi), 0, 0},
	{"quirk", "NAME[=VALUE]",
		"a habit of real phones or a fault of a cable; may be repeated; see "
		"--list-quirks",
		QUIRK, 0, 0, 0},
	{"serial", "TEXT",
		"what they all call themselves, nothing (--serial=) included, as cheap phones do; "
		"each "
		"has its own unless given",
		TEXT, offsetof(struct options, serial), 0, 0},
	{"prop", "KEY=VALUE",
		"a property instead of the profile's (ro.product.cpu.abi=riscv64); may be repeated",
		PROP, 0, 0, 0},
	{"storage-mb", "N",
		"/data has so many MB, in memory, until the program ends; without it, as many as "
		"DIR",
		NUMBER, offsetof(struct options, storage_mb), 1, 65536},
	{"reboot-at", "TEXT",
		"reboots each time that it is asked for what has TEXT in it: a command, a socket, "
		"a "
		"path",
		TEXT, offsetof(struct options, reboot_at), 0, 0},
	{"vanish-at", "TEXT",
		"as reboot-at, but cannot be reached any more, for the quirk vanish-for; what runs "
		"goes on",
		TEXT, offsetof(struct options, vanish_at), 0, 0},
	{"auth", NULL, "peers must have a key; one that is unknown raises the dialog", FLAG,
		offsetof(struct options, auth), 0, 0},
	{"deny", NULL, "the dialog stays up; without it, it is answered with \"always allow\"",
		FLAG, offsetof(struct options, deny), 0, 0},
	{"key", "FILE",
		"public keys that are let in, a line each, as in adbkey.pub; may be repeated", KEY,
		0, 0, 0},
	{"list-profiles", NULL, "shows the profiles", FLAG, offsetof(struct options, list_profiles),
		0, 0},
	{"list-quirks", NULL, "shows the quirks", FLAG, offsetof(struct options, list_quirks), 0,
		0},
	{"man", NULL, "prints the manual page framefarm-phone(1) as roff", FLAG,
		offsetof(struct options, man), 0, 0},
	{"completion", "bash|zsh", "prints a shell's completion of this program", TEXT,
		offsetof(struct options, completion), 0, 0},
	{"help", NULL, "this text", FLAG, offsetof(struct options, help), 0, 0},
	{"version", NULL, "the version", FLAG, offsetof(struct options, version), 0, 0},
};

static const struct row *find(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strlen(rows[i].name) == n && !memcmp(rows[i].name, name, n))
			return &rows[i];
	return NULL;
}

static int take_prop(struct options *o, const char *value, struct err *e)
{
	size_t n = strcspn(value, "=");

	if (!n || !value[n] || strchr(value, '\n') || strlen(value) >= PROP_MAX)
		return err_set(e, ERR_INVAL, "--prop takes KEY=VALUE, not \"%s\"", value);
	if (o->n_props == OPTIONS_PROPS)
		return err_set(e, ERR_RANGE, "at most %d properties", OPTIONS_PROPS);
	o->props[o->n_props++] = value;
	return 0;
}

static int take(struct options *o, const struct row *r, const char *value, struct err *e)
{
	char *at = (char *)o + r->off;
	int64_t v;

	switch (r->kind) {
	case FLAG:
		*(bool *)at = true;
		return 0;
	case TEXT:
		*(const char **)at = value;
		return 0;
	case NUMBER:
		if (!str_to_i64(value, &v) || v < r->min || v > r->max)
			return err_set(e, ERR_RANGE,
				"--%s takes a number from %" PRId64 " to %" PRId64 ", not \"%s\"",
				r->name, r->min, r->max, value);
		*(int64_t *)at = v;
		return 0;
	case KEY:
		if (o->n_keys == OPTIONS_KEYS)
			return err_set(e, ERR_RANGE, "at most %d files of keys", OPTIONS_KEYS);
		o->keys[o->n_keys++] = value;
		return 0;
	case PROP:
		return take_prop(o, value, e);
	case QUIRK:
		return quirks_set(&o->quirks, value, e);
	}
	return ERR_INVAL;
}

/* What would have no effect was meant to have one. */
static int check_idle(const struct options *o, struct err *e)
{
	const char *what = o->deny                             ? "--deny"
	                   : o->n_keys                         ? "--key"
	                   : o->quirks.on[QUIRK_SILENT_DIALOG] ? "the quirk silent-dialog"
	                   : o->quirks.on[QUIRK_ASK_AGAIN]     ? "the quirk ask-again"
	                                                       : NULL;

	if (what && !o->auth)
		return err_set(e, ERR_INVAL,
			"%s is about peers that must have a key: give --auth too", what);
	if (o->quirks.on[QUIRK_ACK_WINDOW] && !o->quirks.on[QUIRK_DELAYED_ACK])
		return err_set(e, ERR_INVAL,
			"the quirk ack-window is about delayed acknowledgement: add --quirk "
			"delayed-ack");
	if (o->quirks.on[QUIRK_VANISH_FOR] && !o->quirks.on[QUIRK_VANISH_AFTER] && !o->vanish_at)
		return err_set(e, ERR_INVAL,
			"the quirk vanish-for says how long: give vanish-after or --vanish-at too");
	return 0;
}

static int check(const struct options *o, struct err *e)
{
	if (o->serial && *o->serial && (!str_is_name(o->serial) || strlen(o->serial) >= LIMIT_NAME))
		return err_set(e, ERR_INVAL, "--serial is a word, not \"%s\"", o->serial);
	if (strcmp(o->abi, "x86_64") && strcmp(o->abi, "arm64"))
		return err_set(e, ERR_INVAL, "--abi is x86_64 or arm64, not \"%s\"", o->abi);
	if (o->dir && !*o->dir)
		return err_set(e, ERR_INVAL, "--dir takes DIR");
	if (o->completion && strcmp(o->completion, "bash") && strcmp(o->completion, "zsh"))
		return err_set(
			e, ERR_INVAL, "--completion is bash or zsh, not \"%s\"", o->completion);
	return check_idle(o, e);
}

int options_read(struct options *o, int argc, char **argv, struct err *e)
{
	*o = (struct options){.count = 1, .seed = 1, .profile = "pixel-8", .abi = "x86_64"};
	for (int i = 1; i < argc; i++) {
		const char *name = strncmp(argv[i], "--", 2) ? "" : argv[i] + 2, *value = NULL;
		size_t n = strcspn(name, "=");
		const struct row *r = find(name, n);
		int rc;

		if (!r)
			return err_set(
				e, ERR_INVAL, "\"%s\" is no option; --help lists them", argv[i]);
		if (r->unit)
			value = name[n] ? name + n + 1 : i + 1 < argc ? argv[++i] : NULL;
		if (r->unit ? !value : name[n])
			return err_set(e, ERR_INVAL, "--%s takes %s", r->name,
				r->unit ? r->unit : "no value");
		rc = take(o, r, value, e);
		if (rc)
			return rc;
	}
	return check(o, e);
}

void options_each(
	void (*fn)(void *arg, const char *name, const char *unit, const char *help), void *arg)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fn(arg, rows[i].name, rows[i].unit, rows[i].help);
}
