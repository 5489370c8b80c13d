/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer of a phone that we play opens any shell and sends it any bytes. The first byte is the service and
 * what the phone offers, the second the length of what stands behind the service's name, which follows;
 * the rest is a script of data from the peer and of what happens to the program. What lies around the
 * service is played: the program ends once, its streams end once, and behind the end of the stream
 * nothing of it is left.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/adb/banner.h"
#include "drivers/adb/mux.h"
#include "drivers/adb/shell2.h"
#include "drivers/driver.h"
#include "drivers/virtual/phone.h"
#include "drivers/virtual/pump.h"
#include "drivers/virtual/service.h"
#include "drivers/virtual/session.h"
#include "drivers/virtual/space.h"
#include "fuzz.h"

#define RUN_ID 7u

static struct world {
	uint32_t features;
	int services;
	/* the program */
	const struct space_run_events *run;
	void *run_arg;
	bool pty, started, no_room;
	/* its pumps */
	struct pump_in *in;
	struct pump_out *out[2];
	int n_out;
	bool in_closing;
	/* the stream */
	struct stream stream;
	bool open, paused, closing, finished;
	size_t wrote;
} world;

/* ---- what lies around it ---- */

struct phone *session_phone(const struct session *s)
{
	return (struct phone *)s;
}

struct driver_host *session_host(const struct session *s)
{
	(void)s;
	return NULL;
}

uint32_t session_max_payload(const struct session *s)
{
	(void)s;
	return 4096;
}

bool session_has(const struct session *s, uint32_t feature)
{
	(void)s;
	return world.features & feature;
}

struct space *phone_space(const struct phone *p)
{
	return (struct space *)p;
}

void phone_service(struct phone *p, int change)
{
	(void)p;
	world.services += change;
	CHECK(world.services == 0 || world.services == 1);
}

void phone_leave_run(struct phone *p, uint32_t run, int sig)
{
	(void)p;
	(void)sig;
	CHECK(run == RUN_ID && world.run);
	world.run = NULL;
}

uint32_t space_run(struct space *s, const struct space_run *r,
	const struct space_run_events *events, void *arg)
{
	(void)s;
	CHECK(!world.run && (!r->n || r->text) && (!r->term || strnlen(r->term, 64) < 64));
	CHECK(!r->argv || (r->n && !r->text[r->n - 1]));
	CHECK(r->pty || (r->fds[0] >= 0 && r->fds[1] >= 0 && r->fds[2] >= 0));
	if (world.no_room)
		return 0;
	world.run = events;
	world.run_arg = arg;
	world.pty = r->pty;
	return RUN_ID;
}

void pump_out_start(struct pump_out *p, struct driver_host *h, int fd, struct adb_stream *to,
	uint32_t max, int shell_id, void (*end)(void *arg), void *arg)
{
	CHECK(fd >= 0 && world.n_out < 2);
	*p = (struct pump_out){.h = h,
		.to = to,
		.max = max,
		.shell_id = shell_id,
		.fd = fd,
		.end = end,
		.arg = arg};
	world.out[world.n_out++] = p;
}

void pump_out_resume(struct pump_out *p)
{
	(void)p;
}

void pump_out_stop(struct pump_out *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

bool pump_out_done(const struct pump_out *p)
{
	return p->fd < 0;
}

void pump_in_start(struct pump_in *p, struct driver_host *h, int fd, struct adb_stream *from)
{
	CHECK(fd >= 0 && !world.in);
	p->h = h;
	p->fd = fd;
	p->from = from;
	world.in = p;
}

void pump_in_data(struct pump_in *p, const uint8_t *data, size_t n)
{
	CHECK(p->fd >= 0 || !world.started || world.in_closing);
	CHECK(!n || data[0] + data[n - 1] >= 0); /* it is there */
}

void pump_in_finish(struct pump_in *p)
{
	(void)p;
	world.in_closing = true;
}

void pump_in_stop(struct pump_in *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

/* ---- the stream ---- */

static size_t on_write(struct stream *s, const uint8_t *data, size_t n)
{
	(void)s;
	/* An exit status is all that it says itself. */
	CHECK(world.open && !world.wrote && n == ADB_SHELL2_HEADER + 1);
	CHECK(data[0] == ADB_SHELL2_EXIT);
	world.wrote += n;
	return n;
}

static void on_pause(struct stream *s, bool on)
{
	(void)s;
	CHECK(world.open);
	world.paused = on;
}

static void on_close(struct stream *s)
{
	(void)s;
	CHECK(world.open);
	world.closing = true;
}

static const struct stream_ops stream_ops = {on_write, on_pause, on_close};

struct stream *adb_stream_base(struct adb_stream *s)
{
	return (struct stream *)s;
}

void adb_stream_accept(struct adb_stream *s, const struct stream_events *events, void *arg)
{
	CHECK(!world.open);
	world.open = true;
	((struct stream *)s)->events = events;
	((struct stream *)s)->arg = arg;
}

void adb_stream_finish(struct adb_stream *s)
{
	(void)s;
	CHECK(world.open && !world.finished);
	world.finished = true;
}

/* ---- the script ---- */

static void start_program(void)
{
	int master = world.pty ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;

	if (world.started || !world.run) {
		if (master >= 0)
			close(master);
		return;
	}
	world.started = true;
	world.run->started(world.run_arg, master);
}

static void end_program(int status)
{
	const struct space_run_events *events = world.run;

	start_program();
	if (!events)
		return;
	world.run = NULL;
	events->exited(world.run_arg, status);
}

static void end_output(int i)
{
	struct pump_out *p = world.out[i];

	if (i >= world.n_out || p->fd < 0)
		return;
	pump_out_stop(p);
	p->end(p->arg);
}

static void play(const uint8_t *p, size_t n)
{
	const struct stream *s = &world.stream;

	while (n >= 2 && !world.closing) {
		uint8_t what = p[0] % 8;
		size_t len = p[1] < n - 2 ? p[1] : n - 2;

		switch (what) {
		case 0:
			start_program();
			break;
		case 1:
			end_program(p[1] << 8 | p[1]);
			break;
		case 2:
		case 3:
			end_output(what - 2);
			break;
		case 4:
			s->events->drained(s->arg);
			break;
		default:
			if (!world.paused && !world.finished && len) {
				uint8_t *copy = malloc(len);

				memcpy(copy, p + 2, len);
				s->events->data(s->arg, copy, len);
				free(copy);
			}
			p += len;
			n -= len;
		}
		p += 2;
		n -= 2;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static service_open_fn *const services[] = {
		service_shell, service_exec, service_abb, service_abb_exec};
	struct adb_stream *s = (struct adb_stream *)&world.stream;
	char *rest;
	size_t n;

	if (size < 2)
		return 0;
	world = (struct world){.stream = {.ops = &stream_ops}, .no_room = data[0] & 32};
	world.features = (data[0] & 4 ? 0 : ADB_F_SHELL_V2) | (data[0] & 8 ? 0 : ADB_F_ABB) |
	                 (data[0] & 16 ? 0 : ADB_F_ABB_EXEC);
	n = data[1] < size - 2 ? data[1] : size - 2;
	rest = malloc(n + 1);
	memcpy(rest, data + 2, n);
	rest[n] = '\0';
	if (services[data[0] % 4]((struct session *)&world, s, rest, n)) {
		CHECK(world.open && world.services == 1);
		play(data + 2 + n, size - 2 - n);
		world.stream.events->closed(world.stream.arg, 0, "closed");
	}
	free(rest);
	CHECK(!world.services && !world.run);
	return 0;
}
