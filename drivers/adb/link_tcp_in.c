/* SPDX-License-Identifier: Apache-2.0 */
/* What a link over TCP receives; see link_tcp_internal.h. Packets are read to where they stay. */
#include "drivers/adb/link_tcp_internal.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/err.h"

/* What one callback may do: under a millisecond of copying by the kernel, and as many packets as a
 * flood of empty ones may cost. */
#define READ_BYTES   (1024 * 1024)
#define READ_PACKETS 1024

/* Hands out what the parser has; false when that was the end, or enough for now. */
static bool parse(struct tcp *t, size_t n, int *budget)
{
	int rc;

	t->unparsed = true;
	while (t->fd >= 0 && !t->paused && *budget > 0) {
		rc = adb_parser_got(&t->parser, n);
		n = 0;
		if (rc < 0) {
			tcp_break(t, rc, "the peer sent what is no ADB packet");
			return false;
		}
		if (!rc) {
			t->unparsed = false;
			return true;
		}
		--*budget;
		t->l.events->packet(t->l.arg, &t->parser.h, t->parser.payload);
	}
	return false;
}

void tcp_read(struct tcp *t)
{
	int budget = READ_PACKETS;
	size_t bytes = 0;

	if (t->unparsed && !parse(t, 0, &budget))
		return;
	while (bytes < READ_BYTES) {
		uint8_t *where;
		size_t room = adb_parser_room(&t->parser, &where);
		ssize_t got = room ? recv(t->fd, where, room, 0) : -1;

		if (!room) {
			tcp_break(t, ERR_NOMEM, "no memory for a packet");
			return;
		}
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got < 0) {
			tcp_break_errno(t, errno);
			return;
		}
		if (!got) {
			tcp_break(t, ERR_GONE, "the peer closed the connection");
			return;
		}
		bytes += (size_t)got;
		if (!parse(t, (size_t)got, &budget) || (size_t)got < room)
			return;
	}
}
