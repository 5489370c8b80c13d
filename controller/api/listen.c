/* SPDX-License-Identifier: Apache-2.0 */
/* Listening, and the names under which we are reached; see listen.h. */
#include "api/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

#define BACKLOG 128

/* ---- addresses ---- */

/* Splits "host:port" or "[host]:port"; false when it is neither. */
static bool split(const char *where, char host[LISTEN_HOST_MAX], char port[8])
{
	const char *colon = strrchr(where, ':');
	size_t n = colon ? (size_t)(colon - where) : 0;

	if (!n || n >= LISTEN_HOST_MAX || !str_copy(port, 8, colon + 1))
		return false;
	if (where[0] == '[') {
		if (n < 3 || where[n - 1] != ']')
			return false;
		where++;
		n -= 2;
	} else if (memchr(where, ':', n)) {
		return false;
	}
	memcpy(host, where, n);
	host[n] = '\0';
	return true;
}

static bool is_loopback(const struct sockaddr_storage *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

	if (a->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return a->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static int port_of(const struct sockaddr_storage *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

	return ntohs(a->ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
}

static int resolve(
	const char *where, struct sockaddr_storage *ret_a, socklen_t *ret_len, struct err *e)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	char host[LISTEN_HOST_MAX], port[8];
	struct addrinfo *list;
	int64_t number;
	int rc;

	if (!split(where, host, port) || !str_to_i64(port, &number) || number < 0 || number > 65535)
		return err_set(e, ERR_INVAL,
			"'%.200s' is no address to listen on; write HOST:PORT, for instance "
			"127.0.0.1:8765 or [::1]:8765",
			where);
	rc = getaddrinfo(host, port, &hints, &list);
	if (rc)
		return err_set(
			e, ERR_INVAL, "cannot listen on '%.200s': %s", host, gai_strerror(rc));
	memcpy(ret_a, list->ai_addr, list->ai_addrlen);
	*ret_len = list->ai_addrlen;
	freeaddrinfo(list);
	return 0;
}

/* ---- the socket ---- */

static int explain(const char *where, int port, int errnum, struct err *e)
{
	if (errnum == EADDRINUSE)
		return err_set(e, ERR_BUSY,
			"port %d is in use by another program (is a daemon running already?); "
			"stop it, or choose another port with --listen HOST:PORT",
			port);
	if (errnum == EADDRNOTAVAIL)
		return err_set(e, ERR_INVAL, "'%.200s' is no address of this machine", where);
	if (errnum == EACCES)
		return err_set(e, ERR_PERM,
			"port %d needs privileges; choose one above 1023 with --listen HOST:PORT",
			port);
	return err_errno(e, errnum, "cannot listen on %.200s", where);
}

static int open_socket(const struct sockaddr_storage *a, socklen_t len)
{
	int fd, on = 1, errnum;

	fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (!bind(fd, (const struct sockaddr *)a, len) && !listen(fd, BACKLOG))
		return fd;
	errnum = errno;
	close(fd);
	errno = errnum;
	return -1;
}

static void show_host(const struct sockaddr_storage *a, char host[LISTEN_HOST_MAX])
{
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)a)->sin6_addr;
	struct in_addr v4 = ((const struct sockaddr_in *)a)->sin_addr;
	char text[INET6_ADDRSTRLEN] = "";

	if (a->ss_family == AF_INET6) {
		if (IN6_IS_ADDR_UNSPECIFIED(v6))
			v6 = &in6addr_loopback;
		inet_ntop(AF_INET6, v6, text, sizeof(text));
		snprintf(host, LISTEN_HOST_MAX, "[%s]", text);
	} else {
		if (v4.s_addr == htonl(INADDR_ANY))
			v4.s_addr = htonl(INADDR_LOOPBACK);
		inet_ntop(AF_INET, &v4, text, sizeof(text));
		str_copy(host, LISTEN_HOST_MAX, text);
	}
}

static int allowed(const char *where, const struct sockaddr_storage *a, bool exposed, struct err *e)
{
	if (is_loopback(a) || exposed)
		return 0;
	return err_set(e, ERR_PERM,
		"%.200s can be reached from other machines, and tokens would cross the "
		"network in the clear: give --tls-cert and --tls-key, or say "
		"--allow-insecure where a TLS proxy stands in front",
		where);
}

int listen_check(const char *where, bool exposed, struct err *e)
{
	struct sockaddr_storage a = {0};
	socklen_t len;
	int rc = resolve(where, &a, &len, e);

	return rc ? rc : allowed(where, &a, exposed, e);
}

int listen_open(const char *where, bool exposed, int *ret_fd, int *ret_port,
	char ret_host[LISTEN_HOST_MAX], struct err *e)
{
	struct sockaddr_storage a = {0};
	socklen_t len;
	int fd, rc;

	rc = resolve(where, &a, &len, e);
	if (!rc)
		rc = allowed(where, &a, exposed, e);
	if (rc)
		return rc;
	fd = open_socket(&a, len);
	if (fd < 0)
		return explain(where, port_of(&a), errno, e);
	if (getsockname(fd, (struct sockaddr *)&a, &len)) {
		rc = err_errno(e, errno, "cannot listen on %.200s", where);
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	*ret_port = port_of(&a);
	show_host(&a, ret_host);
	return 0;
}

/* ---- names ---- */

int listen_url_host(const char *url, char ret_host[LISTEN_HOST_MAX], struct err *e)
{
	static const char host_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-._[]:";
	bool https = !strncasecmp(url, "https://", 8), http = !strncasecmp(url, "http://", 7);
	const char *host = url + (https ? 8 : 7), *usual = https ? ":443" : ":80";
	size_t n, end;

	n = http || https ? strspn(host, host_bytes) : 0;
	if (!n || n >= LISTEN_HOST_MAX || host[0] == ':' || strcmp(host + n, host[n] ? "/" : ""))
		return err_set(e, ERR_INVAL,
			"'%.200s' is no address of a server; write a scheme and a host, for "
			"instance https://farm.example or https://farm.example:8443",
			url);
	end = n - strlen(usual);
	if (n > strlen(usual) && !memcmp(host + end, usual, n - end))
		n = end;
	memcpy(ret_host, host, n);
	ret_host[n] = '\0';
	return 0;
}

static bool is_configured(const struct listen_names *n, const char *host)
{
	if (n->public_host && *n->public_host && !strcasecmp(n->public_host, host))
		return true;
	for (const char *const *p = n->hosts; p && *p; p++)
		if (!strcasecmp(*p, host))
			return true;
	return false;
}

static bool is_literal_of(const char *name, const struct sockaddr_storage *local)
{
	uint8_t bytes[sizeof(struct in6_addr)];

	if (local->ss_family == AF_INET)
		return inet_pton(AF_INET, name, bytes) == 1 &&
		       !memcmp(bytes, &((const struct sockaddr_in *)local)->sin_addr, 4);
	return local->ss_family == AF_INET6 && inet_pton(AF_INET6, name, bytes) == 1 &&
	       !memcmp(bytes, &((const struct sockaddr_in6 *)local)->sin6_addr, 16);
}

bool listen_host_ok(
	const struct listen_names *n, const char *host, const struct sockaddr_storage *local)
{
	char full[LISTEN_HOST_MAX], name[LISTEN_HOST_MAX], port[8];
	const char *bracket = strrchr(host, ']'), *colon = strrchr(host, ':');
	bool has_port = colon && (!bracket || colon > bracket);
	int64_t number;

	if (is_configured(n, host))
		return true;
	if (snprintf(full, sizeof(full), "%s%s", host,
		    has_port ? ""
		    : n->tls ? ":443"
			     : ":80") >= (int)sizeof(full))
		return false;
	if (!split(full, name, port) || !str_to_i64(port, &number) || number != port_of(local))
		return false;
	return is_literal_of(name, local) || (is_loopback(local) && !strcasecmp(name, "localhost"));
}

bool listen_origin_ok(const struct listen_names *n, const char *origin, const char *host)
{
	bool https = !strncasecmp(origin, "https://", 8), http = !strncasecmp(origin, "http://", 7);

	if ((!https && !http) || strcasecmp(origin + (https ? 8 : 7), host))
		return false;
	/* A proxy that speaks TLS for us is one of the configured names. */
	return https == n->tls || is_configured(n, host);
}
