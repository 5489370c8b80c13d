/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ADB driver: its table, its options, its beginning and its end. Discovery begins once the keys
 * are there, which is work for the pool. Loop thread.
 */
#include "drivers/adb/adb.h"

#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/driver_adb.h"
#include "drivers/adb/port_usb.h"

#define MIN_FREE_MB 256
#define SERVER_PORT 5037

/* Offered to phones. Delayed acknowledgement is worth a third of the rate on USB 3, and phones that
 * do not have it do not name it. */
#define FEATURES                                                                                   \
	(ADB_F_SHELL_V2 | ADB_F_CMD | ADB_F_STAT_V2 | ADB_F_LS_V2 | ADB_F_FIXED_PUSH_MKDIR |       \
		ADB_F_ABB | ADB_F_ABB_EXEC | ADB_F_SENDRECV_V2 | ADB_F_BROTLI | ADB_F_LZ4 |        \
		ADB_F_ZSTD | ADB_F_DRY_RUN | ADB_F_DELAYED_ACK)

/* ---- options ---- */

static int take_usb(struct adb *a, const char *value, struct err *e)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return err_set(e, ERR_INVAL, "adb driver: usb is \"on\" or \"off\"");
	a->cfg.usb = !strcmp(value, "on");
	return 0;
}

static int take_key(struct adb *a, const char *value, struct err *e)
{
	struct adb_config *c = &a->cfg;

	if (c->n_imported == ADB_KEYS_MAX - 1)
		return err_set(e, ERR_FULL, "adb driver: at most %d keys can be imported",
			ADB_KEYS_MAX - 1);
	if (!str_copy(c->imported[c->n_imported], DRIVER_PATH_MAX, value))
		return err_set(e, ERR_TOOBIG, "adb driver: the path %.40s… is too long", value);
	c->n_imported++;
	return 0;
}

static int take_address(struct adb *a, const char *value, struct err *e)
{
	int rc = adb_address_add(a, value, true, e);

	return rc == ERR_EXISTS ? 0 : rc;
}

static int take_workdir(struct adb *a, const char *value, struct err *e)
{
	if (*value != '/' || strpbrk(value, " '\"\\\n") ||
		!str_copy(a->cfg.workdir, sizeof(a->cfg.workdir), value))
		return err_set(e, ERR_INVAL,
			"adb driver: workdir is an absolute path without blanks and quotes");
	return 0;
}

static int take_number(const char *value, int64_t max, int64_t *ret_v)
{
	return str_to_i64(value, ret_v) && *ret_v >= 0 && *ret_v <= max ? 0 : ERR_RANGE;
}

static int take_min_free(struct adb *a, const char *value, struct err *e)
{
	if (take_number(value, INT64_MAX >> 20, &a->cfg.min_free_mb))
		return err_set(e, ERR_RANGE, "adb driver: min_free_mb is a number of megabytes");
	return 0;
}

/* Loopback alone: an adb server has no authentication of its own. */
static int take_server(struct adb *a, const char *value, struct err *e)
{
	static const char *const hosts[] = {"127.0.0.1:", "localhost:"};
	int64_t v;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		size_t n = strlen(hosts[i]);

		if (strncmp(value, hosts[i], n) != 0 || take_number(value + n, 65535, &v) || !v)
			continue;
		a->cfg.server_port = (int)v;
		return 0;
	}
	return err_set(e, ERR_INVAL,
		"adb driver: \"%.60s\" is no adb server of this host; give 127.0.0.1:PORT", value);
}

static const struct {
	const char *key;
	int (*take)(struct adb *a, const char *value, struct err *e);
} options[] = {
	{"usb", take_usb},
	{"adbkey", take_key},
	{"address", take_address},
	{"workdir", take_workdir},
	{"min_free_mb", take_min_free},
	{"server", take_server},
};

static int take_option(struct adb *a, const struct driver_option *o, struct err *e)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (!strcmp(options[i].key, o->key))
			return options[i].take(a, o->value, e);
	return err_set(e, ERR_INVAL, "the adb driver has no option \"%s\"", o->key);
}

/* ---- the beginning ---- */

static void load(void *arg)
{
	struct adb *a = arg;

	if (!adb_keys_load(a, &a->load_err))
		adb_addresses_load(a);
}

static void loaded(void *arg)
{
	struct adb *a = arg;
	struct err e = {0};

	a->loading = false;
	if (a->stopped) {
		adb_check_stopped(a);
		return;
	}
	if (a->load_err.code) {
		log_err("event=adb_no_key cause=\"%s\"", a->load_err.text);
		return;
	}
	a->ready = true;
	adb_addresses_begin(a);
	if (a->cfg.usb && adb_port_usb_begin(a, &e))
		log_warn("event=no_usb cause=\"%s\" remedy=\"phones over TCP still work\"", e.text);
}

static void release(struct adb *a)
{
	adb_keys_free(a);
	adb_addresses_free(a);
	mem_free(a);
}

static struct adb *new (void)
{
	struct adb *a = mem_zalloc(sizeof(*a));

	a->cfg = (struct adb_config){.usb = true,
		.min_free_mb = MIN_FREE_MB,
		.features = FEATURES,
		.server_port = SERVER_PORT};
	TAILQ_INIT(&a->devs);
	TAILQ_INIT(&a->ports);
	return a;
}

static int take_options(struct adb *a, const struct driver_option *opts, int n_opts, struct err *e)
{
	int rc = 0;

	for (int i = 0; i < n_opts && !rc; i++)
		rc = take_option(a, &opts[i], e);
	return rc;
}

/* A key that cannot be read is only logged by a daemon that starts; who asks beforehand is told. */
static int check(const struct driver_option *opts, int n_opts, struct err *e)
{
	struct adb *a = new ();
	int rc = take_options(a, opts, n_opts, e);

	for (int i = 0; i < a->cfg.n_imported && !rc; i++) {
		struct adb_key *k = adb_key_read(a->cfg.imported[i], e);

		rc = k ? 0 : e->code;
		adb_key_free(k);
	}
	release(a);
	return rc;
}

static int start(struct driver_host *h, const char *dir, const struct driver_option *opts,
	int n_opts, void **ret_inst, struct err *e)
{
	struct adb *a = new ();
	int rc = 0;

	a->host = h;
	if (!str_copy(a->dir, sizeof(a->dir), dir))
		rc = err_set(e, ERR_TOOBIG, "the adb driver's directory has too long a path");
	if (!rc)
		rc = take_options(a, opts, n_opts, e);
	if (!rc && h->blocking(h, load, loaded, a))
		rc = err_set(e, ERR_FULL, "too much work is queued");
	if (rc) {
		release(a);
		return rc;
	}
	a->loading = true;
	*ret_inst = a;
	return 0;
}

/* ---- the end ---- */

static void on_stop(void *arg)
{
	struct adb *a = arg;
	void (*stopped)(void *) = a->stopped;
	void *stopped_arg = a->stopped_arg;

	release(a);
	stopped(stopped_arg);
}

void adb_check_stopped(struct adb *a)
{
	if (!a->stopped || a->stop_timer || a->loading || a->saving || a->resolving || a->usb ||
		!TAILQ_EMPTY(&a->devs) || !TAILQ_EMPTY(&a->ports))
		return;
	a->stop_timer = a->host->timer_add(a->host, a->host->now_ms(a->host), on_stop, a);
}

static void usb_stopped(void *arg)
{
	struct adb *a = arg;

	a->usb = NULL;
	adb_check_stopped(a);
}

static void stop(void *inst, void (*stopped)(void *arg), void *arg)
{
	struct adb *a = inst;
	struct adb_port *p, *next;

	assert(!a->stopped);
	a->stopped = stopped;
	a->stopped_arg = arg;
	for (p = TAILQ_FIRST(&a->ports); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (p->dev)
			adb_dev_end(p->dev, "the adb driver was stopped");
		p->ops->free(p);
	}
	if (a->usb)
		adb_usb_stop(a->usb, usb_stopped, a);
	adb_check_stopped(a);
}

const struct driver driver_adb = {
	.api_version = DRIVER_API_VERSION,
	.name = "adb",
	.long_name = "Android phones over ADB",
	.caps = DRIVER_CAP_EXEC | DRIVER_CAP_REBOOT | DRIVER_CAP_COLLECT | DRIVER_CAP_DETACH |
                DRIVER_CAP_INSTALL | DRIVER_CAP_PROVISION | DRIVER_CAP_VIRTUAL,
	.start = start,
	.stop = stop,
	.submit = adb_op_submit,
	.cancel = adb_op_cancel,
	.address = adb_address,
	.addresses = adb_addresses,
	.check = check,
};
