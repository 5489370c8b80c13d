/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many phones that only talk: each listens on a port of loopback, plays the device's role of the ADB
 * protocol, answers the driver's scripts as a phone that is in order would, throws away what is
 * pushed to it, and has a replayed agent (replay.h). So a controller can be given 200 phones whose own
 * cost is small beside its own.
 *
 *	replay [--count N]     prints "listening 127.0.0.1:PORT" for each, and "streaming" once every
 *	                       agent has begun an attempt
 *	replay --flood         one phone that accepts no service and opens its own without end
 *	replay --stall         one phone that takes the first bytes of a file and then no more
 *
 * No parser of foreign bytes here is careful: the controller is ours.
 */
#include "replay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "drivers/adb/device.h"
#include "drivers/adb/link.h"
#include "drivers/adb/shell2.h"
#include "drivers/adb/syncmsg.h"
#include "drivers/driver.h"
#include "loop/host.h"
#include "loop/loop.h"

#define PHONES_MAX    256
#define FLOOD_AT_ONCE 64
#define HEX           64
#define GATHER        2048 /* at a time: more than a path has */

struct replay_phone {
	int number, port, fd;
	struct adb_device *dev;
	struct replay_agent *agent;
	char hex[HEX + 1]; /* the agent's secret, as it was pushed */
	struct host_timer *again;
};

static struct replay_phone phones[PHONES_MAX];
static int n_phones, n_begun;
static bool flooding, stalling;
static struct driver_host *host;

static void begun(void *arg)
{
	(void)arg;
	if (++n_begun == n_phones)
		puts("streaming");
	fflush(stdout);
}

/* ---- streams that answer once and are over ---- */

static void nothing(void *arg)
{
	(void)arg;
}

static void no_data(void *arg, const uint8_t *data, size_t n)
{
	(void)arg;
	(void)data;
	(void)n;
}

static void no_end(void *arg, int code, const char *text)
{
	(void)arg;
	(void)code;
	(void)text;
}

static const struct stream_events deaf = {no_data, nothing, no_end};

static void say(struct adb_stream *s, const void *data, size_t n)
{
	struct stream *base = adb_stream_base(s);

	if (base->ops->write(base, data, n) != n)
		abort();
}

/* ---- shell ---- */

static void identity(const struct replay_phone *p, char *dst, size_t size)
{
	snprintf(dst, size,
		"ff.dir=/data/local/tmp/framefarm\nff.uuid=00000000-0000-4000-8000-%012d\n"
		"ff.uname=x86_64\nff.kernel=6.1\nff.mem=MemTotal: 8000000 kB\nff.cpus=8\n"
		"ff.period=16666667\n[ro.serialno]: [REPLAY%04d]\n"
		"[ro.product.model]: [Replay]\n[ro.product.cpu.abi]: [x86_64]\n"
		"[ro.build.version.release]: [14]\n[ro.build.version.sdk]: [34]\n",
		p->number, p->number);
}

/* As drivers/adb/op_*.c ask; whatever else is asked succeeds and prints nothing. */
static void answer(struct replay_phone *p, const char *script, char *dst, size_t size)
{
	static const char listen[] = "--listen=abstract:";
	const char *at = strstr(script, listen);

	*dst = '\0';
	if (strstr(script, "ff.uuid="))
		identity(p, dst, size);
	else if (strstr(script, "stat -f"))
		snprintf(dst, size, "free=10000000 4096\n");
	else if (at)
		snprintf(dst, size, "%s\nabstract:%.*s\nready\n", p->hex,
			(int)strcspn(at + strlen(listen), " "), at + strlen(listen));
}

static void shell(struct replay_phone *p, struct adb_stream *s, const char *script)
{
	static const uint8_t ok = 0;
	uint8_t head[ADB_SHELL2_HEADER];
	char text[2048];

	answer(p, script, text, sizeof(text));
	adb_stream_accept(s, &deaf, NULL);
	if (*text) {
		adb_shell2_put(head, ADB_SHELL2_STDOUT, (uint32_t)strlen(text));
		say(s, head, sizeof(head));
		say(s, text, strlen(text));
	}
	adb_shell2_put(head, ADB_SHELL2_EXIT, 1);
	say(s, head, sizeof(head));
	say(s, &ok, 1);
	adb_stream_finish(s);
}

/* ---- sync ---- */

struct sync {
	struct replay_phone *phone;
	struct adb_stream *stream;
	struct buf head; /* a message that is not complete */
	size_t skip;     /* of DATA */
	bool receiving, secret;
};

static uint32_t word(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void say_no_file(struct sync *y, uint32_t id)
{
	struct adb_sync_stat none = {.error = 2};
	uint8_t out[ADB_SYNC_STAT2_BYTES];

	adb_sync_put_stat2(out, id, &none);
	say(y->stream, out, sizeof(out));
}

static void say_empty_list(struct sync *y)
{
	struct adb_sync_stat none = {0};
	uint8_t out[ADB_SYNC_DNT2_BYTES];

	adb_sync_put_dent2(out, ADB_SYNC_DONE, &none, 0);
	say(y->stream, out, sizeof(out));
}

static void say_okay(struct sync *y)
{
	uint8_t out[ADB_SYNC_REQUEST];

	adb_sync_put_request(out, ADB_SYNC_OKAY, 0);
	say(y->stream, out, sizeof(out));
}

static void request(struct sync *y, uint32_t id, const char *path)
{
	if (id == ADB_SYNC_LST2 || id == ADB_SYNC_STA2) {
		say_no_file(y, id);
	} else if (id == ADB_SYNC_LIS2) {
		say_empty_list(y);
	} else if (id == ADB_SYNC_SEND) {
		y->receiving = true;
		y->secret = strstr(path, "agent.hex.new") != NULL;
	}
}

/* One message of what is gathered; how many bytes it has, 0 when it is not complete. */
static size_t message(struct sync *y, const uint8_t *p, size_t n)
{
	uint32_t id = word(p), len = word(p + 4);
	char path[1100];

	if (y->receiving && id == ADB_SYNC_DONE) {
		y->receiving = false;
		say_okay(y);
		return ADB_SYNC_REQUEST;
	}
	if (y->receiving && !y->secret) {
		y->skip = len;
		return ADB_SYNC_REQUEST;
	}
	if (n < ADB_SYNC_REQUEST + (size_t)len)
		return 0;
	snprintf(path, sizeof(path), "%.*s", (int)len, (const char *)p + ADB_SYNC_REQUEST);
	if (y->receiving)
		str_copy(y->phone->hex, sizeof(y->phone->hex), path);
	else
		request(y, id, path);
	return ADB_SYNC_REQUEST + len;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* What is gathered, as far as it goes. Behind it there is nothing left to skip but with `head` empty. */
static void walk(struct sync *y)
{
	size_t used;

	do {
		used = least(y->skip, y->head.len);
		y->skip -= used;
		buf_drop(&y->head, used);
		if (!y->skip && y->head.len >= ADB_SYNC_REQUEST) {
			used = message(y, y->head.data, y->head.len);
			buf_drop(&y->head, used);
		}
	} while (used);
}

static void sync_data(void *arg, const uint8_t *data, size_t n)
{
	struct sync *y = arg;

	if (stalling)
		adb_stream_base(y->stream)->ops->pause(adb_stream_base(y->stream), true);
	while (n) {
		size_t passed = least(y->skip, n), part = least(n - passed, GATHER);

		y->skip -= passed;
		buf_put(&y->head, data + passed, part);
		walk(y);
		data += passed + part;
		n -= passed + part;
	}
}

static void sync_closed(void *arg, int code, const char *text)
{
	struct sync *y = arg;

	(void)code;
	(void)text;
	buf_fini(&y->head);
	mem_free(y);
}

static const struct stream_events sync_events = {sync_data, nothing, sync_closed};

static void sync_begin(struct replay_phone *p, struct adb_stream *s)
{
	struct sync *y = mem_zalloc(sizeof(*y));

	y->phone = p;
	y->stream = s;
	buf_init(&y->head, 0);
	adb_stream_accept(s, &sync_events, y);
}

/* ---- a connection ---- */

static bool on_open(void *arg, struct adb_stream *s, const char *service, size_t n)
{
	struct replay_phone *p = arg;
	const char *script = strchr(service, ':');

	(void)n;
	if (flooding)
		return false;
	if (!strncmp(service, "shell", 5) && script)
		shell(p, s, script + 1);
	else if (!strcmp(service, "sync:"))
		sync_begin(p, s);
	else if (!strncmp(service, "localabstract:", 14))
		replay_agent_connect(p->agent, s);
	else
		return false;
	return true;
}

static void flood_more(void *arg)
{
	struct replay_phone *p = arg;
	struct adb_mux *m = adb_device_mux(p->dev);
	struct err e = {0};

	p->again = NULL;
	for (int i = 0; m && i < FLOOD_AT_ONCE; i++)
		adb_mux_open(m, "tcp:1", 6, &deaf, NULL, NULL, &e);
	p->again = host->timer_add(host, host->now_ms(host) + 1, flood_more, p);
}

static void on_online(void *arg, const struct adb_banner *peer)
{
	(void)peer;
	if (flooding && !((struct replay_phone *)arg)->again)
		flood_more(arg);
}

static void on_ended(void *arg, int code, const char *text)
{
	struct replay_phone *p = arg;

	(void)code;
	(void)text;
	adb_device_free(p->dev);
	p->dev = NULL;
	if (p->again)
		host->timer_del(host, p->again);
	p->again = NULL;
}

static const struct adb_device_events device_events = {on_online, on_open, nothing, on_ended};

static void on_accept(void *arg, unsigned events)
{
	struct replay_phone *p = arg;
	struct adb_device_config cfg = {
		.banner = {.peer = ADB_PEER_DEVICE,
			.features = ADB_F_SHELL_V2 | ADB_F_CMD | ADB_F_STAT_V2 | ADB_F_LS_V2 |
	                            ADB_F_FIXED_PUSH_MKDIR,
			.model = "Replay"},
		.version = ADB_VERSION,
		.max_payload = ADB_PAYLOAD_MAX};
	int fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	if (p->dev) {
		close(fd);
		return;
	}
	p->dev = adb_device_new(host, adb_link_tcp(host, fd, "replay", 0), &cfg, &device_events, p);
}

static void begin(struct replay_phone *p, int number)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);

	p->number = number;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0 || bind(p->fd, (struct sockaddr *)&sa, len) || listen(p->fd, 4) ||
		getsockname(p->fd, (struct sockaddr *)&sa, &len)) {
		perror("replay");
		exit(1);
	}
	p->agent = replay_agent_new(host, number, begun, p);
	host->fd_add(host, p->fd, HOST_FD_READ, on_accept, p);
	printf("listening 127.0.0.1:%d\n", ntohs(sa.sin_port));
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct loop *loop = loop_new(&e);
	struct host *h = loop ? host_new(loop) : NULL;

	flooding = argc == 2 && !strcmp(argv[1], "--flood");
	stalling = argc == 2 && !strcmp(argv[1], "--stall");
	n_phones = argc == 3 && !strcmp(argv[1], "--count") ? atoi(argv[2]) : 1;
	if (!h || n_phones < 1 || n_phones > PHONES_MAX) {
		fprintf(stderr, "usage: replay [--count N | --flood | --stall]\n");
		return 2;
	}
	host = host_drivers(h);
	for (int i = 0; i < n_phones; i++)
		begin(&phones[i], i);
	fflush(stdout);
	loop_run(loop, nothing, NULL);
	return 0;
}
