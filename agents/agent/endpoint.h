/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the agent listens. Three kinds: a Unix socket of mode 0600, an abstract Unix socket
 * (Android has no place for the first kind that adbd may reach), TCP on 127.0.0.1. On Unix sockets
 * the peer's user is checked too: only the agent's own, or root.
 */
#ifndef FRAMEFARM_AGENT_ENDPOINT_H
#define FRAMEFARM_AGENT_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#define ENDPOINT_TEXT 160

struct endpoint {
	int fd;
	bool has_peer_uid;
	char name[ENDPOINT_TEXT]; /* as a controller can connect to it */
	const char *path;         /* of a Unix socket, to be unlinked; NULL for others */
};

/* Opens a listening socket. A Unix socket that nobody listens on any more is replaced. Borrows
 * spec. Returns 0, or -1 and a sentence. */
int endpoint_listen(struct endpoint *ep, const char *spec, char *why, size_t size);
void endpoint_close(struct endpoint *ep);

/* The next connection, not blocking, or -1 when there is none (or it was refused). */
int endpoint_accept(const struct endpoint *ep);

#endif
