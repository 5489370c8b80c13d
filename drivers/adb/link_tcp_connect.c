/* SPDX-License-Identifier: Apache-2.0 */
/* A link over TCP to an address; see link.h. */
#include "drivers/adb/link_tcp_internal.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"

/* "1.2.3.4:5555" or "[::1]:5555"; nothing is looked up, since that would block. */
static struct addrinfo *resolve(const char *address, struct err *e)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	const char *host = address, *colon = strrchr(address, ':');
	struct addrinfo *ai = NULL;
	size_t n = colon ? (size_t)(colon - address) : 0;
	char text[64] = "";
	int64_t port = 0;

	if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
		host++;
		n -= 2;
	} else if (n && memchr(host, ':', n)) {
		n = 0; /* which colon stands before the port? */
	}
	if (n && n < sizeof(text))
		memcpy(text, host, n);
	if (!*text || !str_to_i64(colon + 1, &port) || port < 1 || port > 65535 ||
		getaddrinfo(text, colon + 1, &hints, &ai))
		err_set(e, ERR_INVAL,
			"\"%s\" is no address such as 192.0.2.1:5555 or [2001:db8::1]:5555",
			address);
	return ai;
}

struct adb_link *adb_link_tcp_connect(struct driver_host *h, const char *address, struct err *e)
{
	struct addrinfo *ai = resolve(address, e);
	struct adb_link *l = NULL;
	char where[sizeof(l->where)];
	int fd, failed = 0;

	if (!ai)
		return NULL;
	snprintf(where, sizeof(where), "tcp %s", address);
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		err_errno(e, errno, "cannot make a socket for %s", address);
		freeaddrinfo(ai);
		return NULL;
	}
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0 && errno != EINPROGRESS)
		failed = errno;
	freeaddrinfo(ai);
	l = adb_link_tcp(h, fd, where, ADB_LINK_WRITE_MS);
	if (failed)
		tcp_connect_failed(l, failed);
	return l;
}
