/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quirks of bytes: a relay between a connected socket and the phone's link, that begins with bytes of
 * another session, ends in the middle, or stops moving. A cable does not know packets.
 */
#include "drivers/virtual/quirk.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "drivers/driver.h"

#define CHUNK (64 * 1024)

struct way {
	struct quirk_wire *wire;
	int from, to;        /* indexes of ends[] */
	int64_t passed, cut; /* cut: bytes after which both ends are closed; 0: never */
	uint8_t data[CHUNK];
	size_t n, used;
};

struct quirk_wire {
	struct driver_host *h;
	int fds[2]; /* 0: the peer's socket, 1: our side of the link's */
	struct host_fd *ends[2];
	struct way in, out; /* from the peer; to it */
	int64_t stall;
	bool ended;
};

static void watch(struct quirk_wire *w)
{
	bool stalled = w->stall && w->in.passed >= w->stall;

	for (int i = 0; i < 2 && !w->ended; i++) {
		const struct way *reads = i ? &w->out : &w->in, *writes = i ? &w->in : &w->out;
		unsigned events = (reads->n == reads->used ? HOST_FD_READ : 0) |
		                  (writes->n > writes->used ? HOST_FD_WRITE : 0);

		w->h->fd_set(w->h, w->ends[i], stalled ? 0 : events);
	}
}

static void end(struct quirk_wire *w)
{
	if (w->ended)
		return;
	w->ended = true;
	for (int i = 0; i < 2; i++) {
		w->h->fd_del(w->h, w->ends[i]);
		close(w->fds[i]);
	}
}

/* Moves what it can; false at the end of either side. */
static bool move(struct way *y)
{
	struct quirk_wire *w = y->wire;
	size_t room = CHUNK;
	ssize_t n;

	if (y->cut && y->cut - y->passed < (int64_t)room)
		room = y->cut - y->passed;
	if (y->n == y->used) {
		n = recv(w->fds[y->from], y->data, room, MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (!n)
			return false;
		y->n = n;
		y->used = 0;
		y->passed += n;
	}
	n = send(w->fds[y->to], y->data + y->used, y->n - y->used, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	y->used += n;
	return !y->cut || y->passed < y->cut || y->used < y->n;
}

static void ready(void *arg, unsigned events)
{
	struct quirk_wire *w = arg;

	(void)events;
	if (!move(&w->in) || !move(&w->out))
		end(w);
	watch(w);
}

static bool is_about_bytes(const struct quirks *q)
{
	return q->on[QUIRK_STALE_BYTES] || q->on[QUIRK_CUT_OUT] || q->on[QUIRK_CUT_IN] ||
	       q->on[QUIRK_STALL];
}

int quirk_wire(struct driver_host *h, int fd, const struct quirks *q, struct quirk_wire **ret_wire)
{
	struct quirk_wire *w;
	int pair[2];

	*ret_wire = NULL;
	if (!is_about_bytes(q))
		return fd;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		close(fd);
		return -1;
	}
	w = mem_zalloc(sizeof(*w));
	w->h = h;
	w->fds[0] = fd;
	w->fds[1] = pair[0];
	w->in = (struct way){.wire = w, .from = 0, .to = 1, .cut = quirk(q, QUIRK_CUT_IN)};
	w->out = (struct way){.wire = w, .from = 1, .to = 0, .cut = quirk(q, QUIRK_CUT_OUT)};
	w->stall = quirk(q, QUIRK_STALL);
	for (int i = 0; i < 2; i++)
		w->ends[i] = h->fd_add(h, w->fds[i], 0, ready, w);
	memset(w->out.data, 0x5a, CHUNK);
	w->out.n = quirk(q, QUIRK_STALE_BYTES);
	watch(w);
	*ret_wire = w;
	return pair[1];
}

void quirk_wire_free(struct quirk_wire *w)
{
	if (!w)
		return;
	end(w);
	mem_free(w);
}

bool quirk_wire_ended(const struct quirk_wire *w)
{
	return w->ended;
}
