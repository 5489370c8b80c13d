/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The addresses that shall be connected: HOST:PORT for a phone over TCP, server:SERIAL for one that
 * an adb server of this host owns and that may be used through it. The list is kept in the driver's
 * directory, one a line, and written anew (whole or not at all) when it changes. Loop thread, but for
 * reading and writing.
 */
#include "drivers/adb/adb.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define ADDRESSES_MAX 256
#define SERVER_PREFIX "server:"
#define FILE_NAME     "addresses"

struct entry {
	char address[LIMIT_NAME];
	bool fixed; /* given at the start, so not kept */
};

struct adb_addresses {
	struct adb *a;
	int n;
	struct entry list[ADDRESSES_MAX];
	bool changed; /* since its text was last made */

	/* The pool's while a->saving. */
	struct buf text;
	char path[DRIVER_PATH_MAX + 16];
	int rc;
};

static struct adb_addresses *addresses_of(struct adb *a)
{
	if (!a->addresses) {
		a->addresses = mem_zalloc(sizeof(*a->addresses));
		a->addresses->a = a;
	}
	return a->addresses;
}

/* An IPv6 address in its brackets, an IPv4 one, or a host's name. */
static bool is_host(const char *s, size_t n)
{
	char host[LIMIT_NAME];
	unsigned char bytes[16];

	if (!n || n >= sizeof(host))
		return false;
	memcpy(host, s, n);
	host[n] = '\0';
	if (*host == '[') {
		host[n - 1] = host[n - 1] == ']' ? '\0' : 'x';
		return inet_pton(AF_INET6, host + 1, bytes) == 1;
	}
	if (strspn(host, "0123456789.") == n)
		return inet_pton(AF_INET, host, bytes) == 1;
	return !strchr(host, ':') && !strchr(host, '@') && !strchr(host, '+') && str_is_name(host);
}

int adb_address_check(const char *address, struct err *e)
{
	const char *colon = strrchr(address, ':');
	size_t n = strlen(SERVER_PREFIX);
	int64_t port;

	if (!strncmp(address, SERVER_PREFIX, n))
		return str_is_name(address + n) && strlen(address) < LIMIT_NAME
		               ? 0
		               : err_set(e, ERR_INVAL, "%s<SERIAL>: \"%.40s\" is no serial number",
					 SERVER_PREFIX, address + n);
	if (!colon || strlen(address) >= LIMIT_NAME || !is_host(address, colon - address) ||
		!str_to_i64(colon + 1, &port) || port < 1 || port > 65535)
		return err_set(e, ERR_INVAL,
			"\"%.60s\" is no address: give HOST:PORT (a phone's port is 5555 behind "
			"`adb tcpip 5555`; an IPv6 address stands in brackets), or server:SERIAL "
			"for a phone that an adb server has",
			address);
	return 0;
}

static int find(const struct adb_addresses *l, const char *address)
{
	for (int i = 0; i < l->n; i++)
		if (!strcmp(l->list[i].address, address))
			return i;
	return -1;
}

static void put(struct adb_addresses *l, const char *address, bool fixed)
{
	struct entry *e = &l->list[l->n++];

	str_copy(e->address, sizeof(e->address), address);
	e->fixed = fixed;
}

/* ---- the file ---- */

static void set_path(struct adb_addresses *l)
{
	snprintf(l->path, sizeof(l->path), "%s/" FILE_NAME, l->a->dir);
}

void adb_addresses_load(struct adb *a)
{
	struct adb_addresses *l = addresses_of(a);
	char line[LIMIT_NAME + 2];
	FILE *f;

	set_path(l);
	f = fopen(l->path, "re");
	while (f && fgets(line, sizeof(line), f) && l->n < ADDRESSES_MAX) {
		line[strcspn(line, "\n")] = '\0';
		if (!adb_address_check(line, NULL) && find(l, line) < 0)
			put(l, line, false);
	}
	if (f)
		fclose(f);
}

static int write_file(const char *path, const struct buf *text)
{
	FILE *f = fopen(path, "we");
	bool ok;

	if (!f)
		return -errno;
	ok = (!text->len || fwrite(text->data, text->len, 1, f) == 1) && !fflush(f) &&
	     !fdatasync(fileno(f));
	if (fclose(f) || !ok)
		return errno ? -errno : -EIO;
	return 0;
}

static void save(void *arg)
{
	struct adb_addresses *l = arg;
	char tmp[sizeof(l->path) + 4];

	snprintf(tmp, sizeof(tmp), "%s.new", l->path);
	l->rc = write_file(tmp, &l->text);
	if (!l->rc && rename(tmp, l->path))
		l->rc = -errno;
}

static void begin_save(struct adb_addresses *l);

static void saved(void *arg)
{
	struct adb_addresses *l = arg;
	struct adb *a = l->a;

	a->saving = false;
	buf_fini(&l->text);
	if (l->rc)
		log_err("event=addresses_not_saved path=\"%s\" cause=\"%s\"", l->path,
			strerror(-l->rc));
	begin_save(l);
	adb_check_stopped(a);
}

static void begin_save(struct adb_addresses *l)
{
	struct adb *a = l->a;

	if (a->saving || !l->changed || !a->ready)
		return;
	l->changed = false;
	buf_init(&l->text, 0);
	for (int i = 0; i < l->n; i++)
		if (!l->list[i].fixed)
			buf_printf(&l->text, "%s\n", l->list[i].address);
	a->saving = !a->host->blocking(a->host, save, saved, l);
	if (a->saving)
		return;
	buf_fini(&l->text);
	log_err("event=addresses_not_saved cause=\"too much work is queued\"");
}

/* ---- ports ---- */

static void open_port(struct adb *a, const char *address)
{
	size_t n = strlen(SERVER_PREFIX);

	if (!strncmp(address, SERVER_PREFIX, n))
		adb_port_server(a, address + n);
	else
		adb_port_tcp(a, address);
}

static struct adb_port *port_at(struct adb *a, const char *address)
{
	struct adb_port *p;

	TAILQ_FOREACH (p, &a->ports, link)
		if (!strcmp(p->address, address))
			return p;
	return NULL;
}

void adb_addresses_begin(struct adb *a)
{
	struct adb_addresses *l = addresses_of(a);

	for (int i = 0; i < l->n; i++)
		open_port(a, l->list[i].address);
	begin_save(l);
}

int adb_address_add(struct adb *a, const char *address, bool fixed, struct err *e)
{
	struct adb_addresses *l = addresses_of(a);
	int rc = adb_address_check(address, e);

	if (rc)
		return rc;
	if (find(l, address) >= 0)
		return err_set(
			e, ERR_EXISTS, "%s is connected, or being connected, already", address);
	if (l->n == ADDRESSES_MAX)
		return err_set(e, ERR_FULL, "there are %d addresses; disconnect one of them",
			ADDRESSES_MAX);
	put(l, address, fixed);
	l->changed |= !fixed;
	if (a->ready)
		open_port(a, address);
	begin_save(l);
	return 0;
}

static int address_del(struct adb *a, const char *address, struct err *e)
{
	struct adb_addresses *l = addresses_of(a);
	int i = find(l, address);
	struct adb_port *p;

	if (i < 0)
		return err_set(e, ERR_NOTFOUND, "%.60s is not among the addresses", address);
	l->changed |= !l->list[i].fixed;
	l->list[i] = l->list[--l->n];
	p = port_at(a, address);
	if (p)
		p->ops->free(p);
	begin_save(l);
	return 0;
}

int adb_address(void *inst, const char *address, bool add, struct err *e)
{
	return add ? adb_address_add(inst, address, false, e) : address_del(inst, address, e);
}

void adb_addresses(void *inst, driver_address_fn *each, void *arg)
{
	struct adb *a = inst;
	const struct adb_addresses *l = addresses_of(a);

	for (int i = 0; i < l->n; i++) {
		const struct adb_port *p = port_at(a, l->list[i].address);

		each(arg, l->list[i].address, !l->list[i].fixed, p ? p->trouble : a->load_err.text);
	}
}

void adb_addresses_free(struct adb *a)
{
	mem_free(a->addresses);
	a->addresses = NULL;
}
