/* SPDX-License-Identifier: Apache-2.0 */
/* The smart socket's framing; see smart.h. */
#include "drivers/adb/smart.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int adb_smart_connect(int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)) || errno == EINPROGRESS)
		return fd;
	err = errno;
	close(fd);
	return -err;
}

int adb_smart_error(int fd)
{
	int err = 0;
	socklen_t n = sizeof(err);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n))
		return -errno;
	return -err;
}

size_t adb_smart_request(char *dst, const char *request, size_t n)
{
	char head[ADB_SMART_LENGTH + 1];

	snprintf(head, sizeof(head), "%04x", (unsigned)(n & 0xffff));
	memcpy(dst, head, ADB_SMART_LENGTH);
	memcpy(dst + ADB_SMART_LENGTH, request, n);
	return n + ADB_SMART_LENGTH;
}

int adb_smart_length(const uint8_t src[ADB_SMART_LENGTH])
{
	int v = 0;

	for (int i = 0; i < ADB_SMART_LENGTH; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *d = src[i] ? strchr(digits, src[i] | 0x20) : NULL;

		if (!d)
			return -1;
		v = v << 4 | (int)(d - digits);
	}
	return v;
}

void adb_smart_unreachable(char dst[LIMIT_CAUSE], int port, int errnum)
{
	snprintf(dst, LIMIT_CAUSE, "no adb server answers at 127.0.0.1:%d: %s", port,
		strerror(errnum));
}
