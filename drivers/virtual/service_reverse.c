/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reverse:, the phone's listeners whose connections are opened at the peer. They belong to their
 * session: an adb server aborts on an address that it has not asked for itself, so none outlives the
 * one that asked, and one that is taken away is gone before the answer.
 */
#include "drivers/virtual/service.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/driver.h"
#include "drivers/virtual/conn.h"
#include "drivers/virtual/reverse.h"
#include "drivers/virtual/session.h"

#define ADDRESS   256
#define RULES_MAX 64 /* of one session */
#define BACKLOG   16

struct reverse {
	struct reverse *next;
	struct session *session;
	struct host_fd *watch;
	int fd;
	char local[ADDRESS], remote[ADDRESS];
};

/* ---- listeners ---- */

static int listen_tcp(int64_t port, int *ret_port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, len) || listen(fd, BACKLOG) ||
		getsockname(fd, (struct sockaddr *)&sa, &len)) {
		close(fd);
		return -1;
	}
	*ret_port = ntohs(sa.sin_port);
	return fd;
}

static int listen_abstract(const char *name)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t n = strlen(name);
	int fd;

	if (n > sizeof(sa.sun_path) - 1)
		return -1;
	memcpy(sa.sun_path + 1, name, n);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&sa,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) ||
		listen(fd, BACKLOG)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void acceptable(void *arg, unsigned events)
{
	struct reverse *r = arg;
	int fd = accept4(r->fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (fd >= 0)
		conn_accepted(r->session, fd, r->remote);
}

static void forget(struct reverse **at)
{
	struct reverse *r = *at;
	struct driver_host *h = session_host(r->session);

	*at = r->next;
	h->fd_del(h, r->watch);
	close(r->fd);
	mem_free(r);
}

void reverse_free_all(struct session *s)
{
	while (*session_reverse(s))
		forget(session_reverse(s));
}

static struct reverse **find(struct session *s, const char *local)
{
	struct reverse **at = session_reverse(s);

	while (*at && strcmp((*at)->local, local))
		at = &(*at)->next;
	return at;
}

/* ---- answers ---- */

static bool answer(struct session *s, struct adb_stream *st, const char *word, const char *text)
{
	char out[ADDRESS + 16];
	int n = snprintf(out, sizeof(out), "%s%s", word, "");

	if (text)
		n = snprintf(out, sizeof(out), "%s%04zx%s", word, strlen(text), text);
	return service_say(s, st, out, n);
}

static bool list(struct session *s, struct adb_stream *st)
{
	struct buf b, out;
	bool ok;

	buf_init(&b, 0);
	buf_init(&out, 0);
	for (struct reverse *r = *session_reverse(s); r; r = r->next)
		buf_printf(&b, "(reverse) %s %s\n", r->local, r->remote);
	buf_printf(&out, "%04zx", b.len);
	buf_put(&out, b.data, b.len);
	ok = service_say(s, st, buf_text(&out), out.len);
	buf_fini(&b);
	buf_fini(&out);
	return ok;
}

static void add(struct session *s, int fd, const char *local, const char *remote)
{
	struct driver_host *h = session_host(s);
	struct reverse *r = mem_zalloc(sizeof(*r)), **end = session_reverse(s);

	while (*end)
		end = &(*end)->next;
	*end = r;
	r->session = s;
	r->fd = fd;
	str_copy(r->local, sizeof(r->local), local);
	str_copy(r->remote, sizeof(r->remote), remote);
	r->watch = h->fd_add(h, fd, HOST_FD_READ, acceptable, r);
}

static bool is_full(struct session *s)
{
	int n = 0;

	for (struct reverse *r = *session_reverse(s); r; r = r->next)
		n++;
	return n >= RULES_MAX;
}

/* "tcp:PORT;REMOTE" or "localabstract:NAME;REMOTE" */
static bool forward(struct session *s, struct adb_stream *st, const char *spec, bool rebind)
{
	const char *semicolon = strchr(spec, ';');
	char local[ADDRESS], text[16];
	struct reverse **old;
	int fd = -1, bound = 0;
	int64_t port = -1;

	if (!semicolon || (size_t)(semicolon - spec) >= sizeof(local) || is_full(s))
		return answer(s, st, "FAIL", "bad forward");
	memcpy(local, spec, semicolon - spec);
	local[semicolon - spec] = '\0';
	old = find(s, local);
	if (*old && !rebind)
		return answer(s, st, "FAIL", "cannot rebind existing socket");
	if (*old) { /* the listener stays, where it leads changes */
		str_copy((*old)->remote, sizeof((*old)->remote), semicolon + 1);
		return answer(s, st, "OKAY", NULL);
	}
	if (!strncmp(local, "tcp:", 4) && str_to_i64(local + 4, &port) && port >= 0 && port < 65536)
		fd = listen_tcp(port, &bound);
	else if (!strncmp(local, "localabstract:", 14))
		fd = listen_abstract(local + 14);
	if (fd < 0)
		return answer(s, st, "FAIL", "cannot bind listener");
	snprintf(text, sizeof(text), "%d", bound);
	if (bound)
		snprintf(local, sizeof(local), "tcp:%d", bound);
	add(s, fd, local, semicolon + 1);
	return answer(s, st, "OKAY", bound ? text : NULL);
}

static bool killforward(struct session *s, struct adb_stream *st, const char *local)
{
	struct reverse **at = find(s, local);

	if (!*at)
		return answer(s, st, "FAIL", "listener not found");
	forget(at);
	return answer(s, st, "OKAY", NULL);
}

bool service_reverse(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	(void)n;
	if (!strncmp(rest, ":forward:norebind:", 18))
		return forward(s, st, rest + 18, false);
	if (!strncmp(rest, ":forward:", 9))
		return forward(s, st, rest + 9, true);
	if (!strncmp(rest, ":killforward:", 13))
		return killforward(s, st, rest + 13);
	if (!strcmp(rest, ":killforward-all")) {
		reverse_free_all(s);
		return answer(s, st, "OKAY", NULL);
	}
	return !strcmp(rest, ":list-forward") && list(s, st);
}
