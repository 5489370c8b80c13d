/* SPDX-License-Identifier: Apache-2.0 */
/* tcp:, localabstract: and localfilesystem:, by which `adb forward` and the farm reach what listens
 * on the phone. */
#include "drivers/virtual/service.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"
#include "drivers/virtual/conn.h"
#include "drivers/virtual/inroot.h"
#include "drivers/virtual/phone.h"
#include "drivers/virtual/session.h"
#include "drivers/virtual/space.h"

/* ":PORT"; a host behind it is refused, since a phone that dials for its peer is not of use here. */
bool service_tcp(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int64_t port;

	if (n < 2 || !str_to_i64(rest + 1, &port) || port < 1 || port > 65535)
		return false;
	sa.sin_port = htons((uint16_t)port);
	return conn_dial(s, st, (struct sockaddr *)&sa, sizeof(sa));
}

bool service_abstract(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	if (n < 2 || n > sizeof(sa.sun_path) - 1)
		return false;
	memcpy(sa.sun_path + 1, rest + 1, n - 1);
	return conn_dial(s, st, (struct sockaddr *)&sa,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
}

/* A path of the phone's: resolved there first, since it is longer on the host, and foreign. */
bool service_filesystem(struct session *s, struct adb_stream *st, const char *rest, size_t n)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct space *sp = phone_space(session_phone(s));
	int fd;
	bool ok;

	if (n < 2 || !sp)
		return false;
	fd = inroot_open(space_root(sp), rest + 1, O_PATH, 0, false);
	if (fd < 0)
		return false;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d", fd);
	ok = conn_dial(s, st, (struct sockaddr *)&sa, sizeof(sa));
	close(fd);
	return ok;
}
