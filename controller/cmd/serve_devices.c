/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers that the daemon starts; see serve_devices.h. */
#include "cmd/serve_devices.h"

#include "base/err.h"

static const struct option_row rows[] = {
	{.name = "local",
		.type = OPTION_FLAG,
		OPTION_AT(struct serve_devices, local),
		.help = "make this machine a device too"},
	{.name = "adb",
		.type = OPTION_LIST,
		.unit = "ADDRESS",
		OPTION_AT(struct serve_devices, adb),
		.help = "connect to the Android phone at HOST:PORT, or to the one that an adb "
			"server "
			"of this host keeps, server:SERIAL; may be given several times"},
	{.name = "no-usb",
		.type = OPTION_FLAG,
		OPTION_AT(struct serve_devices, no_usb),
		.help = "leave Android phones on USB alone; they are found and claimed otherwise"},
	{.name = "adb-key",
		.type = OPTION_LIST,
		.unit = "FILE",
		OPTION_AT(struct serve_devices, adb_keys),
		.help = "offer this key to phones too, so that those which know it need no tap "
			"(~/.android/adbkey, say); may be given several times"},
	{.name = "adb-server",
		.type = OPTION_TEXT,
		.unit = "HOST:PORT",
		OPTION_AT(struct serve_devices, adb_server),
		.help = "where this host's adb server listens, for phones that are used through "
			"it (`device connect server:SERIAL`); default: 127.0.0.1:5037"},
};

const struct option_table serve_devices_options = OPTION_TABLE(rows, struct serve_devices);

static void add_opt(struct serve_drivers *d, const char *key, const char *value)
{
	d->opts[d->n_opts++] = (struct driver_option){key, value};
}

/* Whoever asks for something of adb is told when it cannot be had; that phones on USB are found is
 * only the default, and a host without USB is none the worse for it. */
static void fill_adb(struct serve_drivers *d, const struct serve_devices *v)
{
	bool asked = v->adb.n || v->adb_keys.n || *v->adb_server;

	if (!asked && !driver_find("adb"))
		return;
	add_opt(d, "usb", v->no_usb ? "off" : "on");
	for (int i = 0; i < v->adb.n; i++)
		add_opt(d, "address", v->adb.items[i]);
	for (int i = 0; i < v->adb_keys.n; i++)
		add_opt(d, "adbkey", v->adb_keys.items[i]);
	if (*v->adb_server)
		add_opt(d, "server", v->adb_server);
	d->drivers[d->n++] = (struct ctl_driver){"adb", d->opts, d->n_opts, asked};
}

void serve_drivers_fill(struct serve_drivers *d, const struct serve_devices *v)
{
	*d = (struct serve_drivers){.n = 0};
	if (v->local)
		d->drivers[d->n++] = (struct ctl_driver){"local", NULL, 0, true};
	fill_adb(d, v);
}

int serve_drivers_check(const struct serve_devices *v, struct err *e)
{
	struct serve_drivers d;
	int rc = 0;

	serve_drivers_fill(&d, v);
	for (int i = 0; i < d.n && !rc; i++) {
		const struct driver *drv = driver_find(d.drivers[i].name);

		if (drv && drv->check)
			rc = drv->check(d.drivers[i].opts, d.drivers[i].n_opts, e);
		else if (!drv && d.drivers[i].required)
			rc = err_set(e, ERR_UNSUPPORTED,
				"this framefarm was built without the driver \"%s\"",
				d.drivers[i].name);
	}
	return rc;
}

void serve_devices_fini(struct serve_devices *v)
{
	option_list_fini(&v->adb);
	option_list_fini(&v->adb_keys);
}
