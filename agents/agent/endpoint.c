/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets; see endpoint.h. */
#include "agent/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/text.h"

#define BACKLOG 64 /* a full one makes connect() of a Unix socket fail at once */

static int fail(char *why, size_t size, const char *what, const char *spec)
{
	snprintf(why, size, "cannot listen on %s: %s: %s", spec, what, strerror(errno));
	return -1;
}

static int new_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Whether somebody answers at this address. */
static bool is_alive(const struct sockaddr_un *sa, socklen_t len)
{
	int fd = new_socket(AF_UNIX);
	bool alive = fd >= 0 && (!connect(fd, (const struct sockaddr *)sa, len) || errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return alive;
}

static int listen_unix(struct endpoint *ep, const char *spec, const char *name, bool abstract,
	char *why, size_t size)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t n = strlen(name);
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + abstract + n;
	struct stat st;
	mode_t old;
	int rc;

	if (!n || n >= sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		return fail(why, size, "a socket's name has 1 to 107 bytes", spec);
	}
	memcpy(sa.sun_path + abstract, name, n);
	if (!abstract && is_alive(&sa, sizeof(sa))) {
		errno = EADDRINUSE;
		return fail(why, size, "somebody answers there", spec);
	}
	if (!abstract && !lstat(name, &st) && S_ISSOCK(st.st_mode))
		unlink(name);
	ep->fd = new_socket(AF_UNIX);
	old = umask(0177);
	rc = ep->fd < 0 ? -1 : bind(ep->fd, (struct sockaddr *)&sa, abstract ? len : sizeof(sa));
	umask(old);
	if (rc || listen(ep->fd, BACKLOG))
		return fail(why, size, "bind", spec);
	ep->has_peer_uid = true;
	ep->path = abstract ? NULL : name;
	snprintf(ep->name, sizeof(ep->name), "%s", spec);
	return 0;
}

static int listen_tcp(
	struct endpoint *ep, const char *spec, const char *where, char *why, size_t size)
{
	static const char host[] = "127.0.0.1:";
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof(sa);
	int64_t port;
	int on = 1;

	if (strncmp(where, host, strlen(host)) || text_int(where + strlen(host), &port) ||
		port < 0 || port > UINT16_MAX) {
		errno = EINVAL;
		return fail(why, size, "only tcp:127.0.0.1:PORT is spoken", spec);
	}
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sa.sin_port = htons(port);
	ep->fd = new_socket(AF_INET);
	if (ep->fd < 0 || setsockopt(ep->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		bind(ep->fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(ep->fd, BACKLOG) ||
		getsockname(ep->fd, (struct sockaddr *)&sa, &len))
		return fail(why, size, "bind", spec);
	snprintf(ep->name, sizeof(ep->name), "tcp:127.0.0.1:%u", (unsigned)ntohs(sa.sin_port));
	return 0;
}

int endpoint_listen(struct endpoint *ep, const char *spec, char *why, size_t size)
{
	int rc;

	*ep = (struct endpoint){.fd = -1};
	if (!strncmp(spec, "unix:", 5)) {
		rc = listen_unix(ep, spec, spec + 5, false, why, size);
	} else if (!strncmp(spec, "abstract:", 9)) {
		rc = listen_unix(ep, spec, spec + 9, true, why, size);
	} else if (!strncmp(spec, "tcp:", 4)) {
		rc = listen_tcp(ep, spec, spec + 4, why, size);
	} else {
		errno = EINVAL;
		return fail(why, size, "it begins with unix:, tcp: or abstract:", spec);
	}
	if (rc)
		endpoint_close(ep);
	return rc;
}

void endpoint_close(struct endpoint *ep)
{
	if (ep->fd >= 0)
		close(ep->fd);
	if (ep->path)
		unlink(ep->path);
	ep->fd = -1;
	ep->path = NULL;
}

static bool peer_is_allowed(const struct endpoint *ep, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int on = 1;

	if (!ep->has_peer_uid) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		return true;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	log_warn("event=peer-refused uid=%u", (unsigned)peer.uid);
	return false;
}

int endpoint_accept(const struct endpoint *ep)
{
	int fd = accept4(ep->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 && !peer_is_allowed(ep, fd)) {
		close(fd);
		return -1;
	}
	return fd;
}
