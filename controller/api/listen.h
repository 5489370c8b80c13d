/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the API listens, and whether a request came by the name under which it is reached. Blocks
 * at most for a look-up of a name, at the start.
 */
#ifndef FRAMEFARM_API_LISTEN_H
#define FRAMEFARM_API_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct sockaddr_storage;

#define LISTEN_HOST_MAX 256 /* of "name:port", with NUL */

/*
 * Opens a listening socket for "127.0.0.1:8765", "[::1]:8765" or "localhost:8765"; port 0 takes a
 * free one. An address that is not loopback is refused (ERR_PERM) unless `exposed` says that it is
 * meant. ERR_BUSY: the port is in use; ERR_INVAL: no such address. Sentences say what to do.
 * *ret_port is the bound port, ret_host the address as it stands in a URL ("[::1]"); for "every
 * address" (0.0.0.0, [::]) it is the loopback one, since nobody can be sent to the other.
 */
int listen_open(const char *where, bool exposed, int *ret_fd, int *ret_port,
	char ret_host[LISTEN_HOST_MAX], struct err *e);

/* The same refusals without a socket: says nothing of a port in use or an address of another
 * machine. */
int listen_check(const char *where, bool exposed, struct err *e);

/*
 * The host of a public URL as clients send it in their Host header: "https://farm.example:8443/" is
 * reached as "farm.example:8443", and a scheme's own port is left out. ERR_INVAL for anything else
 * than a scheme and a host.
 */
int listen_url_host(const char *url, char ret_host[LISTEN_HOST_MAX], struct err *e);

/*
 * Whether the Host header names this server: a configured name; the address at which the request
 * arrived, with its port; or localhost, when that address is loopback. A page of another site whose
 * name was made to point here (DNS rebinding) sends that name, and is refused.
 */
struct listen_names {
	const char *const *hosts; /* "farm.example:8443", NULL-terminated; NULL: none */
	bool tls;                 /* 443 instead of 80 may be left out */
	const char *public_host;  /* one more name, that of the public URL; NULL or "": none */
};

bool listen_host_ok(
	const struct listen_names *n, const char *host, const struct sockaddr_storage *local);
/* Whether an Origin header is this server's, given a Host header that was found right. */
bool listen_origin_ok(const struct listen_names *n, const char *origin, const char *host);

#endif
