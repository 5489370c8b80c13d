/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IDENTIFY: who a phone is. The key is its serial number and the agent's UUID: cheap phones share
 * serials or have none, and the UUID lies in the agent's directory on the phone, so it survives
 * another port, another cable, a reinstalled agent and a reboot. A phone that has no UUID yet gets
 * one; that is the only thing that identifying changes.
 *
 * One command prints everything, as lines of key=value and then the properties.
 */
#include "drivers/adb/adb.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/props.h"

#define OUTPUT_MAX (256 * 1024)

/* What is no phone (a Linux host with adbd on it) has no /data/local/tmp. */
static const char script_head[] =
	"d=%s; if [ -z \"$d\" ]; then d=/data/local/tmp; [ -d $d ] || d=/tmp; d=$d/framefarm; fi\n"
	"umask 077; mkdir -p $d 2>/dev/null\n"
	"if [ ! -s $d/uuid ]; then\n"
	"  read u </proc/sys/kernel/random/uuid && echo -n \"$u\" >$d/uuid.new &&\n"
	"  mv $d/uuid.new $d/uuid\n"
	"fi 2>/dev/null\n";
static const char script_tail[] =
	"echo \"ff.dir=$d\"; echo \"ff.uuid=$(cat $d/uuid 2>/dev/null)\"\n"
	"echo \"ff.uname=$(uname -m 2>/dev/null)\"; echo \"ff.kernel=$(uname -r 2>/dev/null)\"\n"
	"echo \"ff.mem=$(grep MemTotal /proc/meminfo 2>/dev/null)\"\n"
	"echo \"ff.cpus=$(ls -d /sys/devices/system/cpu/cpu[0-9]* 2>/dev/null | grep -c .)\"\n"
	"echo \"ff.period=$(dumpsys SurfaceFlinger --latency 2>/dev/null | head -n 1)\"\n"
	"getprop 2>/dev/null; true";

/* ---- what the answer says ---- */

/* Names by which the controller chooses agent and runner: those of uname. */
static const char *abi_of(const struct adb_props *p)
{
	static const char *const map[][2] = {
		{"arm64-v8a", "aarch64"},
		{"armeabi-v7a", "armv7l"},
		{"armeabi", "armv7l"},
		{"x86_64", "x86_64"},
		{"x86", "i686"},
	};
	const char *abi = adb_props_get(p, "ro.product.cpu.abi");

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (!strcmp(map[i][0], abi))
			return map[i][1];
	return *abi ? abi : adb_props_get(p, "ff.uname");
}

static bool is_uuid(const char *s)
{
	return strlen(s) == ADB_UUID && strspn(s, "0123456789abcdef-") == ADB_UUID;
}

static const char *serial_of(const struct adb_op *o, const struct adb_props *p)
{
	const char *s = adb_props_get(p, "ro.serialno");

	if (!*s)
		s = adb_props_get(p, "ro.boot.serialno");
	return *s ? s : o->dev->serial;
}

/* "Pixel 8" and "…1f3a" become "pixel-8-1f3a": what a person types. */
static void make_name(char dst[LIMIT_NAME], const char *model, const char *serial, const char *uuid)
{
	const char *tail = strlen(serial) >= 4 ? serial + strlen(serial) - 4 : uuid + ADB_UUID - 4;
	size_t n = 0;

	for (; *model && n < LIMIT_NAME - 8; model++) {
		if (isalnum((unsigned char)*model))
			dst[n++] = (char)tolower((unsigned char)*model);
		else if (n && dst[n - 1] != '-')
			dst[n++] = '-';
	}
	while (n && dst[n - 1] == '-')
		n--;
	if (!n) {
		memcpy(dst, "phone", 5);
		n = 5;
	}
	dst[n++] = '-';
	for (; *tail && n < LIMIT_NAME - 1; tail++)
		if (isalnum((unsigned char)*tail))
			dst[n++] = (char)tolower((unsigned char)*tail);
	dst[n] = '\0';
}

static void attr(struct driver_identity *id, const char *key, const char *value)
{
	if (!*value || id->n_attrs == LIMIT_ATTRS)
		return;
	str_copy(id->attrs[id->n_attrs].key, LIMIT_NAME, key);
	str_copy_clean(id->attrs[id->n_attrs].value, LIMIT_VALUE, value, strlen(value));
	id->n_attrs++;
}

static void attr_number(struct driver_identity *id, const char *key, double v)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6g", v);
	if (v > 0)
		attr(id, key, text);
}

/* SurfaceFlinger prints the display's period in nanoseconds. */
static double hz_of(const struct adb_props *p)
{
	double ns = atof(adb_props_get(p, "ff.period"));

	return ns >= 1e6 && ns <= 1e9 ? 1e9 / ns : 0;
}

static void fill_attrs(struct driver_identity *id, const struct adb_op *o,
	const struct adb_props *p, const char *serial, bool is_virtual)
{
	static const char *const copied[][2] = {
		{"android", "ro.build.version.release"},
		{"sdk", "ro.build.version.sdk"},
		{"security_patch", "ro.build.version.security_patch"},
		{"manufacturer", "ro.product.manufacturer"},
		{"device", "ro.product.device"},
		{"board", "ro.board.platform"},
		{"soc", "ro.soc.model"},
	};
	const char *mem = strchr(adb_props_get(p, "ff.mem"), ':');

	attr(id, "serial", serial);
	attr(id, "port", o->dev->where);
	attr(id, "virtual", is_virtual ? "yes" : "no");
	/* Every Android has bionic, and no other system has its release. */
	attr(id, "libc", *adb_props_get(p, "ro.build.version.release") ? "bionic" : "");
	for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
		attr(id, copied[i][0], adb_props_get(p, copied[i][1]));
	attr_number(id, "ram_mb", mem ? (double)(atoll(mem + 1) / 1024) : 0);
	attr_number(id, "cpu.cores", atof(adb_props_get(p, "ff.cpus")));
	attr_number(id, "display.hz", hz_of(p));
}

static void fill_os(struct driver_identity *id, const struct adb_props *p)
{
	const char *release = adb_props_get(p, "ro.build.version.release");
	char text[LIMIT_VALUE];

	if (*release)
		snprintf(text, sizeof(text), "Android %.24s, Linux %.80s", release,
			adb_props_get(p, "ff.kernel"));
	else
		snprintf(text, sizeof(text), "Linux %.80s", adb_props_get(p, "ff.kernel"));
	str_copy(id->os, sizeof(id->os), text);
	str_copy(
		id->fingerprint, sizeof(id->fingerprint), adb_props_get(p, "ro.build.fingerprint"));
	if (!*id->fingerprint)
		str_copy(id->fingerprint, sizeof(id->fingerprint), text);
}

static void learn(
	struct driver_dev *d, const struct adb_props *p, const char *uuid, bool is_virtual)
{
	str_copy(d->workdir, sizeof(d->workdir), adb_props_get(p, "ff.dir"));
	str_copy(d->uuid, sizeof(d->uuid), uuid);
	d->root[0] = d->clock[0] = '\0';
	if (!is_virtual)
		return;
	str_copy(d->root, sizeof(d->root), adb_props_get(p, "ro.framefarm.root"));
	str_copy(d->clock, sizeof(d->clock), adb_props_get(p, "ro.framefarm.clock"));
}

static void fill(struct adb_op *o, const struct adb_props *p, const char *uuid)
{
	struct driver_identity *id = &o->op->result.identity;
	bool is_virtual = !strcmp(adb_props_get(p, "ro.framefarm.virtual"), "1");
	const char *serial = serial_of(o, p), *model = adb_props_get(p, "ro.product.model");

	if (!*model)
		model = o->dev->conn->banner.model;
	learn(o->dev, p, uuid, is_virtual);
	snprintf(id->key, sizeof(id->key), "adb:%.40s:%s", *serial ? serial : "-", uuid);
	make_name(id->name, model, serial, uuid);
	str_copy(id->model, sizeof(id->model), *model ? model : "unknown");
	str_copy(id->abi, sizeof(id->abi), abi_of(p));
	fill_os(id, p);
	id->caps = DRIVER_CAP_EXEC | DRIVER_CAP_REBOOT | DRIVER_CAP_COLLECT | DRIVER_CAP_INSTALL |
	           DRIVER_CAP_PROVISION;
	if (o->dev->port && o->dev->port->ops->detach)
		id->caps |= DRIVER_CAP_DETACH;
	if (is_virtual)
		id->caps |= DRIVER_CAP_VIRTUAL;
	fill_attrs(id, o, p, serial, is_virtual);
}

/* ---- the operation ---- */

/* A device is one phone. Where another answers than before (one was plugged in while the first was
 * lent to another tool; or the phone lies), the device goes and another arrives, so that nothing that
 * was measured is put down to the wrong one. */
static void finish(struct adb_op *o)
{
	struct driver_dev *d = o->dev;
	const char *key = o->op->result.identity.key;

	if (!*d->key || !strcmp(d->key, key)) {
		str_copy(d->key, sizeof(d->key), key);
		adb_op_finish(o, 0);
		return;
	}
	/* Nobody is to blame: not the phone that was here, which is what this device stands for. */
	err_set(&o->err, ERR_CONFLICT, "another phone (%.60s) answers where %.60s was", key,
		d->key);
	adb_op_finish(o, ERR_CONFLICT);
	if (d->ending)
		return;
	adb_dev_change(d, "another phone answers in its place");
}

static void answered(struct adb_op *o, struct adb_shell_result *r)
{
	struct adb_props *p = adb_props_parse(r->out.data, r->out.len);
	const char *uuid = adb_props_get(p, "ff.uuid"), *dir = adb_props_get(p, "ff.dir");

	if (!is_uuid(uuid)) {
		adb_op_fail(o, ERR_NOSPACE,
			"cannot keep a file in %.100s on the phone: free some of its storage, or "
			"see that the shell may write there",
			*dir ? dir : "/data/local/tmp");
	} else {
		fill(o, p, uuid);
		finish(o);
	}
	adb_props_free(p);
}

int adb_identify(struct adb_op *o, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, ADB_SCRIPT_MAX);
	rc = buf_printf(&b, script_head, *o->dev->a->cfg.workdir ? o->dev->a->cfg.workdir : "\"\"");
	if (!rc)
		rc = buf_puts(&b, script_tail);
	if (!rc)
		rc = adb_op_shell(o, buf_text(&b), OUTPUT_MAX, answered, e);
	buf_fini(&b);
	return rc;
}
