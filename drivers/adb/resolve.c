/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host's name to its addresses, looked up on the pool: HOST:PORT in, "192.0.2.1:5555" and
 * "[2001:db8::1]:5555" out, in the order in which they are to be tried. Nothing is remembered: a phone
 * that comes back with another address is found there.
 */
#include "drivers/adb/adb.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct adb_resolve {
	struct adb *a;
	char host[LIMIT_NAME], port[8];
	struct adb_found found;
	void (*done)(void *arg, const struct adb_found *f); /* NULL: nobody waits */
	void *arg;
};

bool adb_address_is_numeric(const char *address)
{
	const char *colon = strrchr(address, ':');

	return *address == '[' ||
	       (colon && strspn(address, "0123456789.") == (size_t)(colon - address));
}

static void add(struct adb_found *f, const struct addrinfo *ai)
{
	char host[LIMIT_NAME - 10], port[8];
	int n;

	if (f->n == ADB_FOUND_MAX || getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof(host),
					     port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		return;
	n = snprintf(f->list[f->n], LIMIT_NAME, ai->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
		host, port);
	f->n += n < LIMIT_NAME;
}

static void work(void *arg)
{
	struct adb_resolve *r = arg;
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	int rc = getaddrinfo(r->host, r->port, &hints, &list);

	for (const struct addrinfo *ai = rc ? NULL : list; ai; ai = ai->ai_next)
		add(&r->found, ai);
	if (!r->found.n)
		snprintf(r->found.why, sizeof(r->found.why), "there is no host \"%s\": %s", r->host,
			rc ? gai_strerror(rc) : "it has no address");
	if (list)
		freeaddrinfo(list);
}

static void worked(void *arg)
{
	struct adb_resolve *r = arg;
	struct adb *a = r->a;

	a->resolving--;
	if (r->done)
		r->done(r->arg, &r->found);
	mem_free(r);
	adb_check_stopped(a);
}

struct adb_resolve *adb_resolve(struct adb *a, const char *address,
	void (*done)(void *arg, const struct adb_found *f), void *arg, struct err *e)
{
	struct adb_resolve *r = mem_zalloc(sizeof(*r));
	const char *colon = strrchr(address, ':');

	*r = (struct adb_resolve){.a = a, .done = done, .arg = arg};
	snprintf(r->host, sizeof(r->host), "%.*s", (int)(colon - address), address);
	snprintf(r->port, sizeof(r->port), "%.7s", colon + 1);
	if (a->host->blocking(a->host, work, worked, r)) {
		err_set(e, ERR_FULL, "too much work is queued to look up %s", r->host);
		mem_free(r);
		return NULL;
	}
	a->resolving++;
	return r;
}

void adb_resolve_cancel(struct adb_resolve *r)
{
	r->done = NULL;
}
